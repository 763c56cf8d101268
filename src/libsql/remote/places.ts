import { unavailable } from "../database.ts";

/** So many calls at a time; others wait for a place, in order. */
export class Places {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs a call in a place, unless there is none by the deadline, a time of performance.now(). */
  async run<T>(deadline: number, call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#next(deadline);
    try {
      return await call();
    } finally {
      this.#release();
    }
  }

  async #next(deadline: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const late = setTimeout(
      () => {
        this.#waiting.delete(resolve);
        reject(unavailable("too many wait for the database"));
      },
      Math.max(0, deadline - performance.now()),
    );
    try {
      await promise;
    } finally {
      clearTimeout(late);
    }
  }

  /** The place goes to who has waited longest. */
  #release(): void {
    const [next] = this.#waiting;
    if (!next) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
