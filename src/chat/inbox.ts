import type { News } from "../../gen/room/room_pb.ts";
import { LIMITS, type Limits } from "./limits.ts";

/** What waited for a reader. `missed`: something may have been lost, so its rooms' logs need a look. */
export interface Taken {
  readonly news: readonly News[];
  readonly missed: boolean;
}

/** One reader's bounded queue between broadcaster and tail. It never refuses: what doesn't fit becomes "missed". */
export class Inbox {
  readonly #limits: Limits;
  #news: News[] = [];
  #changes = 0;
  #characters = 0;
  #missed = false;
  #closed: { reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
  }

  /** A full inbox drops all it holds: the reader is slow and will read the log, so old news are only memory. */
  push(news: News): void {
    this.#changes += news.messages.length + news.members.length + news.typing.length;
    for (const { body } of news.messages) this.#characters += body.length;
    const { inboxChanges, inboxCharacters } = this.#limits;
    if (this.#changes > inboxChanges || this.#characters > inboxCharacters) {
      this.#empty();
      this.#missed = true;
    } else this.#news.push(news);
    this.#wake?.();
  }

  /** Says that something may have been lost on the way here. */
  miss(): void {
    this.#missed = true;
    this.#wake?.();
  }

  /** Ends the reader: next() and take() throw the reason, now and ever after. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    this.#wake?.();
  }

  /** Waits until there is something to tell, and takes all of it. */
  async next(): Promise<Taken> {
    while (!this.#closed && !this.#missed && this.#news.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.take();
  }

  /** Takes what is there, without waiting. */
  take(): Taken {
    if (this.#closed) throw this.#closed.reason;
    const taken = { news: this.#news, missed: this.#missed };
    this.#empty();
    this.#missed = false;
    return taken;
  }

  #empty(): void {
    this.#news = [];
    this.#changes = 0;
    this.#characters = 0;
  }
}
