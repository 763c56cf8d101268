import type { Batch } from "./broadcaster.ts";
import { INBOX_MESSAGES } from "./limits.ts";

/** What waited for a reader. `missed`: something may have been lost, so the heads of its rooms need a look. */
export interface News {
  readonly batches: readonly Batch[];
  readonly missed: boolean;
}

/** One reader's bounded queue between broadcaster and tail. It never refuses: what doesn't fit becomes "missed". */
export class Inbox {
  #batches: Batch[] = [];
  #messages = 0;
  #missed = false;
  #closed: { reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** A full inbox drops all it holds: the reader is slow and will read the log, so old news are only memory. */
  push(batch: Batch): void {
    if (this.#messages + batch.length > INBOX_MESSAGES) {
      this.#batches = [];
      this.#messages = 0;
      this.#missed = true;
    } else {
      this.#batches.push(batch);
      this.#messages += batch.length;
    }
    this.#wake?.();
  }

  /** Says that something may have been lost on the way here. */
  miss(): void {
    this.#missed = true;
    this.#wake?.();
  }

  /** Ends the reader: next() rejects with the reason, now and ever after. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    this.#wake?.();
  }

  /** Waits until there is something to tell, and takes all of it. */
  async next(): Promise<News> {
    while (!this.#closed && !this.#missed && this.#batches.length === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    return this.take();
  }

  /** Takes what is there, without waiting. */
  take(): News {
    if (this.#closed) throw this.#closed.reason;
    const news = { batches: this.#batches, missed: this.#missed };
    this.#batches = [];
    this.#messages = 0;
    this.#missed = false;
    return news;
  }
}
