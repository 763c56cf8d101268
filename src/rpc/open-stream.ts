import type { Message } from "@bufbuild/protobuf";
import type { Call } from "./call.ts";
import { clientLeft, deadlineExceeded } from "./errors.ts";
import type { Batches, StreamRpc } from "./rpc.ts";

/** A stream that a caller has opened: batches of items, until something ends it. Its call ends with it. */
export class OpenStream {
  readonly call: Call;
  readonly view: StreamRpc["view"];
  readonly #rpc: StreamRpc;
  readonly #ending = new AbortController();
  #batches: Batches | undefined;
  #first: readonly Message[] | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  readonly #onEnd: () => void;

  constructor(call: Call, rpc: StreamRpc, openStreams: OpenStreams) {
    this.call = call;
    this.view = rpc.view;
    this.#rpc = rpc;
    this.#onEnd = openStreams.add(this);
  }

  /** Resolves once the stream is live. */
  async open(request: Message): Promise<void> {
    const { signal } = this.#ending;
    const { caller, remainingMs } = this.call;
    try {
      signal.throwIfAborted();
      if (remainingMs !== undefined) this.#deadline = setTimeout(() => this.end(deadlineExceeded()), remainingMs);
      this.#batches = await this.#rpc.open(caller, request, signal);
      const { value } = await this.#batches.next();
      this.#first = value ?? [];
      if (signal.aborted) await this.#batches.return();
      signal.throwIfAborted();
    } catch (reason) {
      this.end(reason);
      throw reason;
    }
  }

  /** What came next; the first, which may be nothing to tell, at once. Rejects with what ended the stream. */
  async next(): Promise<readonly Message[]> {
    if (this.#first) {
      const first = this.#first;
      this.#first = undefined;
      return first;
    }
    try {
      const { value, done } = await this.#batches!.next();
      if (!done && value) return value;
      this.#ending.signal.throwIfAborted();
      throw new Error("a stream ends by throwing");
    } catch (reason) {
      this.end(reason);
      throw reason;
    }
  }

  /** Releases all that the stream holds. The first reason counts. */
  end(reason: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(reason);
    clearTimeout(this.#deadline);
    this.#onEnd();
    this.call.end(reason);
    void this.#batches?.return().catch(() => {});
  }

  /** The client has left; nobody hears how the stream ends. */
  leave(): void {
    this.end(clientLeft());
  }
}

/** What is open in the process, and ends when the signal is aborted. */
export class OpenStreams {
  readonly #open = new Set<Endable>();
  readonly #shutdown: AbortSignal | undefined;

  constructor(shutdown?: AbortSignal) {
    this.#shutdown = shutdown;
    // One listener for all of them, since a signal looks through its listeners to add another.
    shutdown?.addEventListener("abort", () => this.#open.forEach((each) => each.end(shutdown.reason)));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Counts it, until what this returns is called. */
  add(each: Endable): () => void {
    this.#open.add(each);
    if (this.#shutdown?.aborted) queueMicrotask(() => each.end(this.#shutdown!.reason));
    return () => this.#open.delete(each);
  }
}

interface Endable {
  end(reason: unknown): void;
}
