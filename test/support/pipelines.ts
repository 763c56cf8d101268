import type { DescMethod, Message } from "@bufbuild/protobuf";
import { type ConnectRouterOptions, createConnectRouter, type HandlerContext } from "@connectrpc/connect";
import {
  createAsyncIterable,
  createMethodUrl,
  type UniversalHandlerFn,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { LIMITS } from "../../src/chat/limits.ts";
import { Call } from "../../src/rpc/call.ts";
import { Codec } from "../../src/rpc/codec.ts";
import { brokeOff } from "../../src/rpc/errors.ts";
import type { Invoke } from "../../src/rpc/invoke.ts";
import type { OpenStream } from "../../src/rpc/open-stream.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import type { StreamBody } from "../../src/rpc/stream-body.ts";

/** Serves RPCs with one request message, by their paths. */
export type Pipeline = (rpcs: readonly Rpc[], invoke: Invoke) => ReadonlyMap<string, UniversalHandlerFn>;

/** What the server answers with. */
export const ours: Pipeline = (rpcs, invoke) => {
  const codec = new Codec(invoke, LIMITS);
  return byPath(rpcs, (rpc) => async (request) => {
    const { httpMethod, query, header, body, signal } = parts(request);
    const answer = await codec.respond(rpc, {
      httpMethod,
      query,
      header,
      hasTrailers: true,
      receive: async (arriving) => {
        for await (const chunk of body) arriving.add(chunk);
        if (signal.aborted) throw brokeOff();
      },
    });
    return universal(answer, signal);
  });
};

/** Connect's own pipeline over the same RPCs: the model of every answer. */
export const connects =
  (options: ConnectRouterOptions = {}): Pipeline =>
  (rpcs, invoke) => {
    return byPath(rpcs, (rpc) => {
      const router = createConnectRouter({
        readMaxBytes: LIMITS.requestBytes,
        maxTimeoutMs: LIMITS.deadlineMs,
        ...options,
      });
      const begin = ({ requestHeader, responseHeader, timeoutMs }: HandlerContext) => {
        const call = new Call(rpc, (name) => requestHeader.get(name) ?? undefined);
        responseHeader.set("x-request-id", call.requestId);
        call.timeoutMs = timeoutMs();
        return call;
      };
      async function* messages(request: Message, ctx: HandlerContext) {
        const stream = (await invoke(begin(ctx), () => request, whole)) as OpenStream;
        const leave = () => stream.end(ctx.signal.reason);
        if (ctx.signal.aborted) leave();
        ctx.signal.addEventListener("abort", leave);
        for (;;) for (const item of await stream.next()) yield* stream.view.messages(item);
      }
      const answer = (request: Message, ctx: HandlerContext) => invoke(begin(ctx), () => request, whole);
      router.rpc(rpc.method as DescMethod, (rpc.kind === "unary" ? answer : messages) as never);
      return router.handlers[0]!;
    });
  };

/** Connect encodes the answer itself. */
const whole = (message: Message) => message;

type RequestRpc = Exclude<Rpc, { kind: "exchange" }>;

function byPath(rpcs: readonly Rpc[], handler: (rpc: RequestRpc) => UniversalHandlerFn) {
  return new Map(
    rpcs.flatMap((rpc) => (rpc.kind === "exchange" ? [] : [[createMethodUrl("", rpc.method), handler(rpc)]])),
  );
}

function parts({ method: httpMethod, url, header, body, signal }: UniversalServerRequest) {
  return {
    httpMethod,
    query: new URL(url).search,
    header: (name: string) => header.get(name) ?? undefined,
    body: body as AsyncIterable<Uint8Array>,
    signal,
  };
}

/** As the transports do it. */
function universal(
  { status, headers, body, trailers }: Awaited<ReturnType<Codec["respond"]>>,
  signal: AbortSignal,
): UniversalServerResponse {
  const header = new Headers(headers);
  if (body instanceof Uint8Array) {
    return { status, header, body: createAsyncIterable([body]), ...(trailers && { trailer: new Headers(trailers) }) };
  }
  if (signal.aborted) body.leave();
  else signal.addEventListener("abort", () => body.leave());
  return {
    status,
    header,
    body: new Chunks(body),
    get trailer() {
      return body.trailers && new Headers(body.trailers);
    },
  };
}

/** The chunks of a stream, each when the one before has been taken; whoever takes no more leaves. */
class Chunks implements AsyncIterableIterator<Uint8Array> {
  readonly #body: StreamBody;
  readonly #chunks: Uint8Array[] = [];
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();
  #isDone = false;

  constructor(body: StreamBody) {
    this.#body = body;
    const write = (bytes: Uint8Array) => {
      this.#chunks.push(bytes);
      this.#arrived.resolve();
      return false;
    };
    const done = () => {
      this.#isDone = true;
      this.#arrived.resolve();
    };
    void body.pipe({ write, drained: () => this.#taken.promise }).then(done);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#chunks.length === 0 && !this.#isDone) {
      this.#taken.resolve();
      this.#taken = Promise.withResolvers();
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    const value = this.#chunks.shift();
    return value ? { value } : { value, done: true };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#chunks.length = 0;
    this.#body.leave();
    this.#taken.resolve();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
