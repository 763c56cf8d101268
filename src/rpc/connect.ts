import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable, type UniversalHandlerFn } from "@connectrpc/connect/protocol";
import type { Limits } from "../chat/limits.ts";
import { Call } from "./call.ts";
import { LIVE_HEADERS } from "./codec.ts";
import { gzipCompression } from "./compression.ts";
import { clientLeft, MalformedError, shownError } from "./errors.ts";
import type { Invoke } from "./invoke.ts";
import { refuseNoCall } from "./no-call.ts";
import type { OpenStreams } from "./open-stream.ts";
import type { ExchangeRpc } from "./rpc.ts";

/** A handler of Connect for RPCs that exchange requests and answers, which are rare, and no business of the codec. */
export function connectHandler(
  rpc: ExchangeRpc,
  invoke: Invoke,
  openStreams: OpenStreams,
  limits: Limits,
): UniversalHandlerFn {
  const begin = (header: Headers) => new Call(rpc, (name) => header.get(name) ?? undefined);
  const router = createConnectRouter({
    readMaxBytes: limits.requestBytes,
    maxTimeoutMs: limits.deadlineMs,
    acceptCompression: [gzipCompression],
  });
  router.rpc(rpc.method, async function* (requests: AsyncIterable<Message>, ctx: HandlerContext) {
    const call = begin(ctx.requestHeader);
    const ending = new AbortController();
    const end = (reason: unknown) => ending.abort(reason);
    ctx.signal.addEventListener("abort", () => end(hasLeft(ctx.signal) ? clientLeft() : ctx.signal.reason));
    for (const [name, value] of Object.entries({ ...LIVE_HEADERS, "x-request-id": call.requestId })) {
      ctx.responseHeader.set(name, value);
    }
    const exchange = { end };
    try {
      const answers = await invoke(call, () => received(requests, ending.signal), noMessage);
      openStreams.add(exchange);
      yield* answers as AsyncIterable<Message>;
      ending.signal.throwIfAborted();
      call.end();
    } catch (e) {
      call.end(e);
      throw shownError(e, limits.errorTextBytes);
    } finally {
      openStreams.remove(exchange);
      call.end(clientLeft()); // nobody asks for what would come next
    }
  });
  const handler = router.handlers[0]!;
  return async (request) => {
    const response = await handler(request);
    if (response.status !== 405 && response.status !== 415) return response;
    const { status, headers, body } = refuseNoCall(begin(request.header), response.status);
    return { status, header: new Headers(headers), body: createAsyncIterable([body]) };
  };
}

function noMessage(): never {
  throw new Error("an exchange has no single answer");
}

function hasLeft({ reason }: AbortSignal): boolean {
  return ConnectError.from(reason).code !== Code.DeadlineExceeded;
}

/** Waits for requests no longer than the exchange lasts. Connect calls one that can't be read INTERNAL, as if we failed. */
async function* received(requests: AsyncIterable<Message>, signal: AbortSignal): AsyncIterable<Message> {
  const ended = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  ended.catch(() => {});
  const iterator = requests[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await Promise.race([iterator.next(), ended]);
      if (done) return;
      yield value;
    }
  } catch (e) {
    if (signal.aborted) throw signal.reason;
    const error = ConnectError.from(e);
    throw error.code === Code.Internal ? new MalformedError("not a request", error.rawMessage) : error;
  }
}
