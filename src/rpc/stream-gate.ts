import type { Caller } from "../chat/caller.ts";

/** Lets streams of callers in, so many of each at a time, and ends those whose tokens are revoked. */
export interface StreamGate {
  /**
   * Resolves when the caller's stream is counted, until the pass is given back; rejects with RESOURCE_EXHAUSTED if it is one
   * too many. `end` may be called meanwhile, with the reason why the stream ends.
   */
  enter(caller: Caller, end: (reason: unknown) => void): Promise<Disposable>;
  /** A user's tokens of before a time (in milliseconds since 1970) don't count any more; that is stored. */
  revoked(userId: bigint, issuedBefore: number): Promise<void>;
}
