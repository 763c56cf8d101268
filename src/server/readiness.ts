/** How long an answer of the database counts, in milliseconds. */
const FRESH_MS = 1_000;

/** Whether calls can be served: the database answers, and the process is not about to stop. */
export class Readiness {
  readonly #ping: () => Promise<void>;
  readonly #draining = Promise.withResolvers<void>();
  #isDraining = false;
  #last: { at: number; answers: Promise<boolean> } | undefined;

  constructor(ping: () => Promise<void>) {
    this.#ping = ping;
  }

  /** From now on it is not ready, for good. */
  drain(): void {
    this.#isDraining = true;
    this.#draining.resolve();
  }

  async isReady(): Promise<boolean> {
    if (!this.#last || performance.now() - this.#last.at > FRESH_MS) {
      const answers = this.#ping().then(() => true, () => false);
      this.#last = { at: performance.now(), answers };
    }
    return (await this.#last.answers) && !this.#isDraining;
  }

  /** Resolves when it is worth another look: a while later, when draining begins, or when the signal aborts. */
  async nextLook(signal: AbortSignal): Promise<void> {
    if (this.#isDraining) return aborted(signal);
    let timer;
    const later = new Promise<void>((resolve) => (timer = setTimeout(resolve, FRESH_MS)));
    await Promise.race([later, this.#draining.promise, aborted(signal)]);
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
