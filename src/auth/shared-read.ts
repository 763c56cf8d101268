/** How long a call waits before it looks whether what another one reads has arrived: at first, and at most, in milliseconds. */
const WAIT_MS = 5;
const MAX_WAIT_MS = 100;

export interface SharedReadTimes {
  /** After so many milliseconds a read counts as lost: that of a Worker's request ends without a word when its client leaves. */
  readonly lostMs: number;
  /** For so many milliseconds after a failure, no other read begins. */
  readonly pauseMs: number;
}

/**
 * A read that calls share, one at a time. They don't share its promise, since a request of a Worker can't wait for what
 * another one asked, but look whether it is done.
 */
export class SharedRead {
  readonly #read: () => Promise<void>;
  readonly #times: SharedReadTimes;
  #doneAt = -Infinity;
  #readingSince = -Infinity;
  #failed: { readonly at: number; readonly reason: unknown } = { at: -Infinity, reason: undefined };

  constructor(read: () => Promise<void>, times: SharedReadTimes) {
    this.#read = read;
    this.#times = times;
  }

  /** For how many milliseconds nothing has been read. */
  get age(): number {
    return performance.now() - this.#doneAt;
  }

  /** Resolves when what was read was at most so many milliseconds old at the call. Rejects with that for which a read failed. */
  async renew(maxAgeMs: number): Promise<void> {
    const asked = performance.now();
    let waitMs = WAIT_MS;
    while (this.#doneAt < asked - maxAgeMs) {
      const now = performance.now();
      if (this.#failed.at > Math.min(asked, now - this.#times.pauseMs)) throw this.#failed.reason;
      if (now - this.#readingSince >= this.#times.lostMs) await this.#run();
      else {
        await new Promise((go) => setTimeout(go, waitMs));
        waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
      }
    }
  }

  async #run(): Promise<void> {
    const began = performance.now();
    this.#readingSince = began;
    try {
      await this.#read();
      this.#doneAt = Math.max(this.#doneAt, began);
    } catch (reason) {
      this.#failed = { at: performance.now(), reason };
      throw reason;
    } finally {
      this.#readingSince = -Infinity;
    }
  }
}
