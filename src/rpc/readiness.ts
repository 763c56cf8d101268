/** How long an answer of the database counts, in milliseconds. */
const FRESH_MS = 1_000;

/** Whether calls can be served: the database answers, and the process is not about to stop. */
export class Readiness {
  readonly #ping: () => Promise<void>;
  readonly #watchers = new Set<() => void>();
  #isDraining = false;
  #lastPing = { at: -Infinity, answered: false };

  constructor(ping: () => Promise<void>) {
    this.#ping = ping;
  }

  /** From now on it is not ready, for good. */
  drain(): void {
    this.#isDraining = true;
    for (const look of this.#watchers) look();
  }

  async isReady(): Promise<boolean> {
    // The answer is kept and not its promise: a Workers request can't wait for what another one asked.
    if (performance.now() - this.#lastPing.at > FRESH_MS) {
      const answered = await this.#ping().then(
        () => true,
        () => false,
      );
      this.#lastPing = { at: performance.now(), answered };
    }
    return this.#lastPing.answered && !this.#isDraining;
  }

  /** Resolves when another look is worth it: a while later, when draining begins, or when the signal aborts. */
  async nextLook(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", look);
        this.#watchers.delete(look);
        resolve();
      };
      const timer = setTimeout(look, FRESH_MS);
      signal.addEventListener("abort", look);
      this.#watchers.add(look);
    });
  }
}
