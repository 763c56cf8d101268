import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import {
  createDeadlineSignal,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import type { TailItem } from "./tail.ts";
import type { View } from "./view.ts";

type Tail = AsyncGenerator<readonly TailItem[], never>;

interface Live {
  readonly tail: Tail;
  readonly encode: (items: readonly TailItem[]) => Uint8Array;
  /** The tail's first items, encoded. */
  readonly first: Uint8Array;
}

/** The live response of the call, if its transport can carry one; otherwise the RPC yields message by message. */
export const liveResponseKey = createContextKey<LiveResponse | undefined>(undefined);

/**
 * Lets streams of changes go without Connect between headers and end of stream.
 *
 * Connect alone sends no headers before the first message, takes every message of every reader through a chain of async
 * iterables, and keeps that chain, of some 40 KB, for every reader who waits. Here Connect opens a stream and closes it:
 * a first pass of the call, with all that is protocol (negotiation, interceptors, deadlines, refusals), ends as soon as
 * the tail is live; its headers are sent at once, and after them bytes that are encoded once for all readers. When the
 * tail has ended, a second pass of the same call fails with the reason, and what Connect makes of that is the end of the
 * stream.
 */
export function withLiveResponses(handler: UniversalHandler, shutdownSignal?: AbortSignal): UniversalHandler {
  if (handler.method.methodKind !== "server_streaming") return handler;
  // One listener for all of them, since a signal looks through all of its listeners to add another.
  const open = new Set<LiveResponse>();
  shutdownSignal?.addEventListener("abort", () => open.forEach((response) => response.end(shutdownSignal.reason)));
  async function handle(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const response = new LiveResponse(handler, request);
    open.add(response);
    response.onEnd(() => open.delete(response));
    if (shutdownSignal?.aborted) response.end(shutdownSignal.reason);
    return response.respond(request.body as AsyncIterable<Uint8Array>);
  }
  return Object.assign(handle, handler);
}

export class LiveResponse implements EventListenerObject {
  readonly #handler: UniversalHandler;
  readonly #request: Omit<UniversalServerRequest, "body">;
  readonly #onEnd: ((reason: unknown) => void)[] = [];
  readonly #body: Uint8Array[] = [];
  readonly #ending = new AbortController();
  readonly #json: boolean;
  #deadline: ReturnType<typeof createDeadlineSignal> | undefined;
  #live: Live | undefined;
  #isClosing = false;
  #hasLeft = false;

  constructor(handler: UniversalHandler, request: UniversalServerRequest) {
    this.#handler = handler;
    const { httpVersion, method, url, header, signal, contextValues = createContextValues() } = request;
    this.#request = { httpVersion, method, url, header, signal, contextValues };
    contextValues.set(liveResponseKey, this);
    this.#json = header.get("content-type")?.includes("json") ?? false;
    if (signal.aborted) this.#leave();
    else signal.addEventListener("abort", this);
  }

  /** Whether the tail is live; it is no more when Connect closes the stream. */
  get isLive(): boolean {
    return this.#live !== undefined && !this.#isClosing;
  }

  /** Whether this pass of the call only makes the end of the stream. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Has the listener called when the stream ends, with the reason. */
  onEnd(listener: (reason: unknown) => void): void {
    if (this.#ending.signal.aborted) listener(this.#ending.signal.reason);
    else this.#onEnd.push(listener);
  }

  /**
   * The RPC's side: in the first pass opens the tail, and resolves when it is live; in the second throws what ended it.
   */
  async serve<Desc extends DescMessage>(
    ctx: HandlerContext,
    open: (signal: AbortSignal) => Promise<Tail>,
    view: View<Desc>,
  ): Promise<void> {
    const { signal } = this.#ending;
    if (this.#isClosing) throw signal.reason;
    const timeoutMs = ctx.timeoutMs();
    if (timeoutMs !== undefined) {
      this.#deadline = createDeadlineSignal(timeoutMs);
      this.#deadline.signal.addEventListener("abort", this);
    }
    const tail = await open(signal);
    const { value: first } = await tail.next();
    if (signal.aborted) await tail.return(undefined as never);
    signal.throwIfAborted();
    const encode = (items: readonly TailItem[]) => join(items.map((item) => view.encode(item, this.#json)));
    this.#live = { tail, encode, first: encode(first) };
  }

  /** One of the signals that end the stream was aborted. */
  handleEvent({ target }: Event): void {
    if (target === this.#request.signal) this.#leave();
    else this.end((target as AbortSignal).reason);
  }

  /** The transport's side: the response, as soon as the tail is live, or Connect's refusal. */
  async respond(body: AsyncIterable<Uint8Array>): Promise<UniversalServerResponse> {
    let opened: UniversalServerResponse;
    try {
      opened = await this.#handler({ ...this.#request, body: this.#recorded(body) });
    } finally {
      if (!this.#live) this.end(undefined);
    }
    if (!this.#live) return opened;
    for await (const _ of opened.body as AsyncIterable<Uint8Array>); // the end of a pass that isn't the stream's
    const trailer = opened.trailer && new Headers();
    const chunks = this.#chunks(this.#live, trailer);
    const leave = () => {
      this.#leave();
      return chunks.return();
    };
    const iterator = { next: () => chunks.next(), return: leave, throw: leave };
    return { ...opened, trailer, body: { [Symbol.asyncIterator]: () => iterator } };
  }

  async *#chunks(
    { first, tail, encode }: Live,
    trailer: Headers | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield first; // even if it is empty: it makes adapters send the headers
      for await (const items of tail) {
        const bytes = encode(items);
        if (bytes.byteLength > 0) yield bytes;
      }
    } catch (e) {
      this.end(e);
    }
    if (this.#hasLeft) return;
    this.#isClosing = true;
    const closed = await this.#handler({ ...this.#request, body: replay(this.#body) });
    closed.trailer?.forEach((value, name) => trailer?.set(name, value));
    yield* closed.body as AsyncIterable<Uint8Array>;
  }

  #leave(): void {
    this.#hasLeft = true;
    this.end(new ConnectError("the client has left", Code.Canceled));
  }

  /** Releases all that the stream holds. The first reason counts. */
  end(reason: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(reason);
    for (const listener of this.#onEnd) listener(reason);
    this.#request.signal.removeEventListener("abort", this);
    this.#deadline?.cleanup();
    void this.#live?.tail.return(undefined as never).catch(() => {});
  }

  /** A request's body is read once; the second pass gets what the first one has read. */
  async *#recorded(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      this.#body.push(chunk);
      yield chunk;
    }
  }
}

async function* replay(chunks: readonly Uint8Array[]) {
  yield* chunks;
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
