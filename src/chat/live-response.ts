import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import {
  createAsyncIterable,
  createDeadlineSignal,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import type { TailItem } from "./tail.ts";
import type { View } from "./view.ts";

type Tail = AsyncGenerator<readonly TailItem[], never>;

/** A stream of changes as its RPC defines it. */
export interface LiveStream<Req extends Message = Message, Desc extends DescMessage = DescMessage> {
  /** Begins to follow, or refuses to. */
  open(req: Req, signal: AbortSignal): Promise<Tail>;
  /** What its readers see. */
  readonly view: View<Desc>;
}

const liveResponseKey = createContextKey<LiveResponse | undefined>(undefined);

/** The live response of the call, if its transport can carry one; otherwise the RPC yields message by message. */
export function liveResponse({ values }: Pick<HandlerContext, "values">): LiveResponse | undefined {
  return values.get(liveResponseKey);
}

/** An RPC that streams changes, as Connect invokes it. */
export async function* serveStream<Req extends Message, Desc extends DescMessage>(
  stream: LiveStream<Req, Desc>,
  req: Req,
  ctx: HandlerContext,
): AsyncGenerator<MessageShape<Desc>> {
  const live = liveResponse(ctx);
  if (live) return live.serve(stream, req, ctx.timeoutMs());
  for await (const items of await stream.open(req, ctx.signal)) {
    for (const item of items) yield* stream.view.messages(item);
  }
}

/** The live responses that are open, which end when the signal is aborted. */
export class OpenStreams {
  readonly #open = new Set<LiveResponse>();
  readonly #shutdownSignal: AbortSignal | undefined;

  constructor(shutdownSignal: AbortSignal | undefined) {
    this.#shutdownSignal = shutdownSignal;
    // One listener for all of them, since a signal looks through its listeners to add another.
    shutdownSignal?.addEventListener("abort", () => this.#open.forEach((live) => live.end(shutdownSignal.reason)));
  }

  add(live: LiveResponse): void {
    this.#open.add(live);
    live.onEnd(() => this.#open.delete(live));
    if (this.#shutdownSignal?.aborted) live.end(this.#shutdownSignal.reason);
  }
}

/** Gives a handler's streams live responses. */
export function withLiveResponses(handler: UniversalHandler, openStreams: OpenStreams): UniversalHandler {
  if (handler.method.methodKind !== "server_streaming") return handler;
  function handle({ body, ...request }: UniversalServerRequest): Promise<UniversalServerResponse> {
    const isJson = request.header.get("content-type")?.includes("json") ?? false;
    const live = new LiveResponse(handler, isJson, () => request);
    openStreams.add(live);
    const leave = () => live.leave();
    if (request.signal.aborted) leave();
    else request.signal.addEventListener("abort", leave);
    live.onEnd(() => request.signal.removeEventListener("abort", leave));
    return live.respond(body as AsyncIterable<Uint8Array>);
  }
  return Object.assign(handle, handler);
}

/**
 * The response to one call of a stream, which goes without Connect between its headers and its end.
 *
 * Connect alone sends no headers before the first message, takes every message of every reader through a chain of async
 * iterables, and keeps that chain, of some 40 KB, for every reader who waits. Here Connect opens a stream and closes it:
 * a first pass of the call, with all that is protocol (negotiation, interceptors, deadlines, refusals), ends as soon as
 * the tail is live; its headers are sent at once, and after them bytes that are encoded once for all readers. When the
 * tail has ended, a second pass of the same call fails with the reason, and what Connect makes of that is the end of the
 * stream.
 */
export class LiveResponse {
  readonly #handler: UniversalHandler;
  readonly #isJson: boolean;
  readonly #request: () => Omit<UniversalServerRequest, "body">;
  /** The request's body, for the second pass. */
  #body: readonly Uint8Array[] = [];
  readonly #ending = new AbortController();
  readonly #onEnd: ((reason: unknown) => void)[] = [];
  #live: { readonly first: Uint8Array; readonly tail: Tail; readonly view: View<DescMessage> } | undefined;
  #isClosing = false;
  #hasLeft = false;

  /** `request` is asked for in both passes; it is the same call each time. */
  constructor(handler: UniversalHandler, isJson: boolean, request: () => Omit<UniversalServerRequest, "body">) {
    this.#handler = handler;
    this.#isJson = isJson;
    this.#request = request;
  }

  /** Whether the tail is live, and Connect not in its second pass. */
  get isLive(): boolean {
    return this.#live !== undefined && !this.#isClosing;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Has the listener called when the stream ends, with the reason. */
  onEnd(listener: (reason: unknown) => void): void {
    if (this.#ending.signal.aborted) listener(this.#ending.signal.reason);
    else this.#onEnd.push(listener);
  }

  /** Releases all that the stream holds. The first reason counts. */
  end(reason: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(reason);
    for (const listener of this.#onEnd) listener(reason);
    void this.#live?.tail.return(undefined as never).catch(() => {});
  }

  /** The client has left; nobody hears how the stream ends. */
  leave(): void {
    this.#hasLeft = true;
    this.end(new ConnectError("the client has left", Code.Canceled));
  }

  /** The RPC's side: the first pass resolves when the tail is live, the second throws what ended it. */
  async serve<Req extends Message>(stream: LiveStream<Req>, req: Req, timeoutMs?: number): Promise<void> {
    const { signal } = this.#ending;
    if (this.#isClosing) throw signal.reason;
    if (timeoutMs !== undefined) {
      const deadline = createDeadlineSignal(timeoutMs);
      deadline.signal.addEventListener("abort", () => this.end(deadline.signal.reason));
      this.onEnd(deadline.cleanup);
    }
    const tail = await stream.open(req, signal);
    const { value: items } = await tail.next();
    if (signal.aborted) await tail.return(undefined as never);
    signal.throwIfAborted();
    this.#live = { first: this.#encode(items, stream.view), tail, view: stream.view };
  }

  /** The transport's side: the response, as soon as the tail is live, or Connect's refusal. */
  async respond(body: AsyncIterable<Uint8Array>): Promise<UniversalServerResponse> {
    let opened: UniversalServerResponse;
    try {
      opened = await this.#pass(this.#recorded(body));
    } finally {
      if (!this.#live) this.end(undefined);
    }
    if (!this.#live) return opened;
    for await (const _ of opened.body as AsyncIterable<Uint8Array>); // the end of a pass that isn't the stream's
    const trailer = opened.trailer && new Headers();
    return { ...opened, trailer, body: this.#chunks(trailer) };
  }

  /**
   * The transport's side for a request that has been read and that asks nothing of the protocol, so that the first pass
   * would find nothing to do: the chunks of the response's body, or Connect's refusal.
   */
  async respondDirectly<Req extends Message>(
    stream: LiveStream<Req>,
    req: Req,
    body: Uint8Array,
  ): Promise<AsyncIterable<Uint8Array> | UniversalServerResponse> {
    this.#body = [body];
    try {
      await this.serve(stream, req);
    } catch (reason) {
      this.end(reason);
      return this.#close();
    }
    return this.#chunks();
  }

  #chunks(trailer?: Headers): AsyncIterable<Uint8Array> {
    const chunks = this.#encoded(trailer);
    const leave = () => {
      this.leave();
      return chunks.return();
    };
    const iterator = { next: () => chunks.next(), return: leave, throw: leave };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async *#encoded(trailer: Headers | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const { tail, view } = this.#live!;
    try {
      yield this.#live!.first; // even if it is empty: it makes adapters send the headers
      for await (const items of tail) {
        const bytes = this.#encode(items, view);
        if (bytes.byteLength > 0) yield bytes;
      }
    } catch (e) {
      this.end(e);
    }
    if (this.#hasLeft) return;
    const closed = await this.#close();
    closed.trailer?.forEach((value, name) => trailer?.set(name, value));
    yield* closed.body as AsyncIterable<Uint8Array>;
  }

  #close(): Promise<UniversalServerResponse> {
    this.#isClosing = true;
    return this.#pass(createAsyncIterable([...this.#body]));
  }

  #pass(body: AsyncIterable<Uint8Array>): Promise<UniversalServerResponse> {
    const { contextValues = createContextValues(), ...request } = this.#request();
    contextValues.set(liveResponseKey, this);
    return this.#handler({ ...request, contextValues, body });
  }

  async *#recorded(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      this.#body = [...this.#body, chunk];
      yield chunk;
    }
  }

  #encode(items: readonly TailItem[], view: View<DescMessage>): Uint8Array {
    if (items.length === 1) return view.encode(items[0]!, this.#isJson);
    return join(items.map((item) => view.encode(item, this.#isJson)));
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
