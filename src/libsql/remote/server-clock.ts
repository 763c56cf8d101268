/** How long what is known of a server's clock counts, in milliseconds: it may be set meanwhile. */
const FRESH_MS = 60_000;

/**
 * What our deadlines are by a server's clock, which may be hours away from ours. A time it told was over when it
 * arrived, so a deadline is never later than the true one; the reading that took the shortest way is the best.
 */
export class ServerClock {
  #ahead = -Infinity;
  #since = -Infinity;

  /** Takes the time that an answer told, in milliseconds; as soon as it has arrived. */
  learn(serverTime: number): void {
    const now = performance.now();
    const ahead = serverTime - now;
    if (this.isKnown) this.#ahead = Math.max(this.#ahead, ahead);
    else {
      this.#ahead = ahead;
      this.#since = now;
    }
  }

  get isKnown(): boolean {
    return performance.now() - this.#since < FRESH_MS;
  }

  /** It has turned out to be wrong. */
  forget(): void {
    this.#since = -Infinity;
  }

  /** The server's time at a time of performance.now(). */
  at(time: number): number {
    return time + this.#ahead;
  }
}
