import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { TailItem } from "./tail.ts";
import type { View } from "./view.ts";

type Tail = AsyncGenerator<readonly TailItem[], never>;

/** The live response of the call, if its transport can carry one; otherwise the RPC yields message by message. */
export const liveResponseKey = createContextKey<LiveResponse | undefined>(undefined);

/**
 * Lets streams of changes bypass Connect's pipeline between headers and end of stream.
 *
 * Connect alone sends no headers before the first message, and takes every message of every reader through a chain of
 * async iterables. Here Connect keeps the protocol (negotiation, interceptors, deadlines, errors, end of stream), and
 * the RPC hands its changes to a {@link LiveResponse}, which sends the headers at once and then bytes that are encoded
 * once for all readers.
 */
export function withLiveResponses(handler: UniversalHandler): UniversalHandler {
  if (handler.method.methodKind !== "server_streaming") return handler;
  async function handle(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const live = new LiveResponse(request);
    const contextValues = request.contextValues ?? createContextValues();
    contextValues.set(liveResponseKey, live);
    const response = handler({ ...request, signal: live.signal, contextValues });
    return Promise.race([live.respond(response), response]);
  }
  return Object.assign(handle, handler);
}

export class LiveResponse {
  readonly #json: boolean;
  readonly #left = new AbortController();
  readonly #started = Promise.withResolvers<{
    ctx: HandlerContext;
    first: readonly TailItem[];
    rest: Tail;
    view: View<DescMessage>;
  }>();
  readonly #ended = Promise.withResolvers<unknown>();
  /** Aborted when the client has left, as far as the runtime tells. */
  readonly signal: AbortSignal;

  constructor(request: UniversalServerRequest) {
    this.#json = request.header.get("content-type")?.includes("json") ?? false;
    this.signal = this.#left.signal;
    if (request.signal.aborted) this.#leave();
    else request.signal.addEventListener("abort", () => this.#leave());
  }

  /**
   * The RPC's side: sends the headers once the tail is live (its first items), then everything it yields, as the view
   * has it. Ends by throwing what ended the tail, from which Connect makes the end of the stream.
   */
  async *serve(ctx: HandlerContext, tail: Tail, view: View<DescMessage>): AsyncGenerator<never> {
    const aborted = new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve(ctx.signal.reason)));
    try {
      const first = await tail.next();
      this.#started.resolve({ ctx, first: first.value, rest: tail, view });
      throw await Promise.race([this.#ended.promise, aborted]);
    } finally {
      await tail.return(undefined as never);
    }
  }

  /** The transport's side: the response, as soon as the RPC is live; `end` is Connect's own response, once it ended. */
  async respond(end: Promise<UniversalServerResponse>): Promise<UniversalServerResponse> {
    const { ctx, first, rest, view } = await this.#started.promise;
    const chunks = this.#chunks(first, rest, view, end);
    const leave = () => {
      this.#leave();
      return chunks.return();
    };
    return {
      status: 200,
      header: ctx.responseHeader,
      trailer: ctx.protocolName === "grpc" ? ctx.responseTrailer : undefined, // others have theirs in the body
      body: { [Symbol.asyncIterator]: () => ({ next: () => chunks.next(), return: leave, throw: leave }) },
    };
  }

  #leave(): void {
    this.#left.abort(new ConnectError("the client has left", Code.Canceled));
  }

  async *#chunks(
    first: readonly TailItem[],
    rest: Tail,
    view: View<DescMessage>,
    end: Promise<UniversalServerResponse>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const encode = (items: readonly TailItem[]) => join(items.map((item) => view.encode(item, this.#json)));
    let reason: unknown;
    try {
      yield encode(first); // even if it is empty: it makes adapters send the headers
      for await (const items of rest) {
        const bytes = encode(items);
        if (bytes.byteLength > 0) yield bytes;
      }
    } catch (e) {
      reason = e;
    } finally {
      this.#ended.resolve(reason);
    }
    yield* (await end).body as AsyncIterable<Uint8Array>;
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
