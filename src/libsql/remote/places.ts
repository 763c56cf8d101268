import { inTime } from "../../chat/in-time.ts";
import { unavailable } from "../database.ts";

interface Caller {
  /** When it wants nothing any more, a time of performance.now(). */
  readonly deadline: number;
  readonly enter: () => void;
}

/**
 * So many calls at a time; others wait for a place, in order. On Workers a call ends without a word when its client
 * leaves, so a place is taken back at the deadline of whoever has it.
 */
export class Places {
  readonly #count: number;
  readonly #inside = new Set<Caller>();
  readonly #waiting = new Set<Caller>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Runs a call in a place, unless there is none by the deadline, a time of performance.now(). */
  async run<T>(deadline: number, call: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const caller = { deadline, enter: resolve };
    this.#waiting.add(caller);
    this.#admit();
    if (!this.#inside.has(caller)) await this.#wait(caller, promise);
    try {
      return await call();
    } finally {
      this.#inside.delete(caller);
      this.#admit();
    }
  }

  async #wait(caller: Caller, entered: Promise<void>): Promise<void> {
    try {
      while (!this.#inside.has(caller)) {
        const now = performance.now();
        if (caller.deadline <= now) throw unavailable("too many wait for the database");
        const next = Math.min(caller.deadline, ...Array.from(this.#inside, ({ deadline }) => deadline));
        await inTime(entered, next - now + 1, () => unavailable("no place yet")).catch(() => this.#admit());
      }
    } finally {
      this.#waiting.delete(caller);
    }
  }

  /** A free place goes to who has waited longest. */
  #admit(): void {
    const now = performance.now();
    for (const caller of this.#inside) if (caller.deadline < now) this.#inside.delete(caller);
    for (const caller of this.#waiting) {
      if (this.#inside.size === this.#count) return;
      this.#waiting.delete(caller);
      if (caller.deadline < now) continue;
      this.#inside.add(caller);
      caller.enter();
    }
  }
}
