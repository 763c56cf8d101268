import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type StreamAllReq, UpToDateSchema } from "../../gen/chat_pb.ts";
import { type AllNews, AllNewsSchema } from "../../gen/room/room_pb.ts";
import type { ChangeLog, ChangePage } from "./change-log.ts";
import { beginningOf, type ChangePlace, comparePlaces, fromCursorText, toCursorText } from "./change-place.ts";
import { anotherDatabase } from "./errors.ts";
import { HEARTBEAT_MS } from "./limits.ts";

/** Beyond every revision. */
const NO_REVISION = 2n ** 63n - 1n;

/**
 * Follows the log of all rooms from a cursor on. When it has given all that there is, it says so, and then again at its
 * interval. It holds a place and, however slowly it is read, at most one page beside the one that is being taken.
 */
export class ChangeFollower {
  readonly #log: ChangeLog;
  readonly #epoch: string;
  #page: Promise<ChangePage> | undefined;
  #place: ChangePlace;
  /** The page that was taken last. */
  #last: ChangePage | undefined;
  #isBeatDue = true;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #wake: (() => void) | undefined;
  #closed: { readonly reason: unknown } | undefined;

  /** Rejects with OUT_OF_RANGE if the cursor can't be served. */
  static async open(log: ChangeLog, { after, heartbeatSeconds }: StreamAllReq): Promise<ChangeFollower> {
    const asked = after === "" || after === "now" ? undefined : fromCursorText(after);
    const place = after === "now" ? beginningOf(NO_REVISION) : (asked?.place ?? beginningOf(0n));
    const first = await log.read(place);
    if (asked && (asked.epoch !== first.epoch || comparePlaces(place, first.head) > 0)) {
      throw new ConnectError("after: the log is not the one that it was; start anew", Code.OutOfRange);
    }
    const start = after === "now" ? first.head : place;
    return new ChangeFollower(log, first, start, heartbeatSeconds * 1_000 || HEARTBEAT_MS);
  }

  private constructor(log: ChangeLog, first: ChangePage, place: ChangePlace, heartbeatMs: number) {
    this.#log = log;
    this.#epoch = first.epoch;
    this.#page = Promise.resolve(first);
    this.#place = place;
    this.#heartbeat = setInterval(() => {
      this.#isBeatDue = true;
      this.#wake?.();
    }, heartbeatMs);
  }

  /** The next events, once there are some. */
  async next(): Promise<readonly AllNews[]> {
    for (;;) {
      if (this.#last?.isWhole) await this.#moved(this.#last);
      this.#throwIfClosed();
      this.#page ??= this.#log.read(this.#place);
      const page = await this.#page.catch((reason: unknown) => this.close(reason));
      this.#throwIfClosed();
      const news = this.#take(page!);
      if (news.length > 0) return news;
    }
  }

  /** Ends it. The first reason counts. */
  close(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = { reason };
    clearInterval(this.#heartbeat);
    this.#wake?.();
  }

  #take(page: ChangePage): readonly AllNews[] {
    const { news, epoch, head, end, isWhole } = page;
    if (epoch !== this.#epoch || comparePlaces(this.#place, head) > 0) this.close(anotherDatabase());
    this.#throwIfClosed();
    this.#last = page;
    this.#place = end;
    this.#page = isWhole ? undefined : this.#log.read(end);
    this.#page?.catch(() => {}); // the next call awaits it, if there is one
    const told = news.events.length > 0 ? [news] : [];
    if (!isWhole || !this.#isBeatDue) return told;
    this.#isBeatDue = false;
    return [...told, this.#upToDate()];
  }

  /** Resolves when there may be more than the page has, something is due, or it is closed. */
  async #moved(page: ChangePage): Promise<void> {
    if (this.#closed || this.#isBeatDue) return;
    let stop = () => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      stop = this.#log.wait(page, resolve);
    });
    this.#wake = undefined;
    stop();
  }

  #throwIfClosed(): void {
    if (this.#closed) throw this.#closed.reason;
  }

  #upToDate(): AllNews {
    const event = { case: "upToDate", value: create(UpToDateSchema) } as const;
    return create(AllNewsSchema, { events: [{ cursor: toCursorText(this.#place, this.#epoch), event }] });
  }
}
