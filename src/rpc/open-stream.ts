import type { Message } from "@bufbuild/protobuf";
import type { Call } from "./call.ts";
import { clientLeft, deadlineExceeded, tokenExpired, tooOld } from "./errors.ts";
import type { Live, StreamRpc } from "./rpc.ts";
import type { StreamGate } from "./stream-gate.ts";

/** A stream that a caller has opened, until something ends it. Its call ends with it. */
export class OpenStream {
  readonly call: Call;
  readonly view: StreamRpc["view"];
  readonly #rpc: StreamRpc;
  readonly #openStreams: OpenStreams;
  readonly #gate: StreamGate;
  #pass: Disposable | undefined;
  #live: Live | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #retirement: ReturnType<typeof setTimeout> | undefined;

  constructor(call: Call, rpc: StreamRpc, openStreams: OpenStreams, gate: StreamGate) {
    this.call = call;
    this.view = rpc.view;
    this.#rpc = rpc;
    this.#openStreams = openStreams;
    this.#gate = gate;
    openStreams.add(this);
  }

  /** Resolves once the stream is live. */
  async open(request: Message): Promise<void> {
    const { caller, remainingMs } = this.call;
    if (remainingMs !== undefined) this.#deadline = setTimeout(() => this.end(deadlineExceeded()), remainingMs);
    if (caller?.expiresAt !== undefined) {
      this.#expiry = setTimeout(() => this.end(tokenExpired()), Math.max(0, caller.expiresAt - Date.now()));
    }
    const { maxAgeMs } = this.#openStreams;
    if (maxAgeMs !== undefined) {
      // Give or take a tenth, so that those who came together don't come back together.
      this.#retirement = setTimeout(() => this.end(tooOld()), maxAgeMs * (0.9 + 0.2 * Math.random()));
    }
    try {
      // First, since tokens may be revoked while the log is read.
      if (caller) this.#pass = await this.#gate.enter(caller, (reason) => this.end(reason));
      this.#live = await this.#rpc.open(caller, request);
    } catch (reason) {
      this.end(reason);
    }
    if (!this.#ended) return;
    this.#pass?.[Symbol.dispose]();
    this.#live?.close(this.#ended.reason);
    throw this.#ended.reason;
  }

  /** See {@link Live}. */
  next(push?: (item: Message) => boolean): Promise<readonly Message[]> {
    // No async function, of which thousands would wait.
    return this.#live!.next(push).catch((reason: unknown) => {
      this.end(reason);
      throw this.#ended!.reason;
    });
  }

  /** Releases all that the stream holds. The first reason counts. */
  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    clearTimeout(this.#deadline);
    clearTimeout(this.#expiry);
    clearTimeout(this.#retirement);
    this.#pass?.[Symbol.dispose]();
    this.#openStreams.remove(this);
    this.call.end(reason);
    this.#live?.close(reason);
  }

  /** The client has left; nobody hears how the stream ends. */
  leave(): void {
    this.end(clientLeft());
  }
}

/** What is open in the process, and ends when the signal is aborted. */
export class OpenStreams {
  /** When its streams end with UNAVAILABLE, in milliseconds, give or take a tenth; never, if it isn't set. */
  readonly maxAgeMs: number | undefined;
  readonly #open = new Set<Endable>();
  readonly #shutdown: AbortSignal | undefined;

  constructor(shutdown?: AbortSignal, maxAgeMs?: number) {
    this.#shutdown = shutdown;
    this.maxAgeMs = maxAgeMs;
    // One listener for all of them, since a signal looks through its listeners to add another.
    shutdown?.addEventListener("abort", () => this.#open.forEach((each) => each.end(shutdown.reason)));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Counts it, until it is removed. */
  add(each: Endable): void {
    this.#open.add(each);
    if (this.#shutdown?.aborted) queueMicrotask(() => each.end(this.#shutdown!.reason));
  }

  remove(each: Endable): void {
    this.#open.delete(each);
  }
}

interface Endable {
  end(reason: unknown): void;
}
