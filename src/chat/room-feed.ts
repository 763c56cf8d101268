import { create } from "@bufbuild/protobuf";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Listener } from "./broadcaster.ts";
import { erased } from "./errors.ts";
import type { FeedReader } from "./feed-reader.ts";
import type { LogReader } from "./log-reader.ts";
import { NewsRing } from "./news-ring.ts";
import { after, furthest, isBefore, isEmpty, isGap, isLast, newOf } from "./position.ts";
import { ReadPositions } from "./read-positions.ts";
import type { LogPage, Position } from "./store.ts";

/** Pauses between attempts to read a log that can't be read, in milliseconds: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** A feed's first look at its log, from which on it follows the read positions. */
export const FIRST_LOOK = 1;

/** A room that is followed, and the look at its log that shows the read positions, for a reader who needs them. */
export interface FollowedRoom {
  readonly feed: RoomFeed;
  readonly look: number | undefined;
}

/**
 * A room as a process follows it, for all of its readers: the newest changes, one after the other without a gap. What it
 * hears is added where it goes on from the change before; in every other case the log is read, once.
 */
export class RoomFeed implements Listener {
  readonly roomId: bigint;
  readonly readers = new Set<FeedReader>();
  readonly #log: LogReader;
  readonly #ring: NewsRing;
  readonly #maxBytes: number;
  readonly #reads: ReadPositions;
  /** News kept that are from pages of the log. */
  readonly #pages = new WeakSet<News>();
  /** After the newest news. */
  #position: Position;
  /** Looks at the log that have begun, and the last one that found the read positions. */
  #looks = 0;
  #readsLook = 0;
  #isLookDue = false;
  #isLooking = false;
  #isGone = false;
  /** Who is here, as it was told last. */
  #presence: News | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(
    roomId: bigint,
    position: Position,
    {
      log,
      maxBytes,
      onResize,
    }: { log: LogReader; maxBytes: number; onResize: (feed: RoomFeed, bytes: number) => void },
  ) {
    this.roomId = roomId;
    this.#position = position;
    this.#log = log;
    this.#maxBytes = maxBytes;
    this.#ring = new NewsRing((bytes) => onResize(this, bytes));
    this.#reads = new ReadPositions(roomId);
  }

  /** The number that the next news will have. Whoever takes news n next knows all before them. */
  get end(): number {
    return this.#ring.end;
  }

  /** Whether there is no such room any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Read positions of all members, if the room is small and the log has been looked at. */
  get reads(): News | undefined {
    return this.#reads.all;
  }

  /** Who is here; not while it looks at the log, which may have the end of a reader's membership. */
  get presence(): News | undefined {
    return this.#isLookDue || this.#isLooking ? undefined : this.#presence;
  }

  /** Whether the read positions of its members are known as a look found them, as far as there are any to tell. */
  knowsReads(look: number): boolean {
    return this.#readsLook >= look;
  }

  /** The number of the news to take first at a position; none, if what lies between is in the log alone. */
  after(position: Position): number | undefined {
    return isBefore(position, this.#position) ? this.#ring.after(position) : this.end;
  }

  /** News by their number, for whoever is at a position; none, if what comes next there isn't kept any more. */
  at(number: number, position: Position): News | undefined {
    return this.#ring.at(number, position);
  }

  /** Whether news are from a page of the log, and so don't tell of the read positions that moved at that time. */
  isPage(news: News): boolean {
    return this.#pages.has(news);
  }

  hear(news: News): void {
    if (this.#isClosed || this.#isGone) return;
    if (news.isDeleted) return this.hearDeleted();
    if (news.presence) this.#presence = news;
    if (isGap(this.#position, news)) return this.miss();
    if (news.presence) return this.#tellPresence();
    if (news.reads && !news.readsArePrivate && this.#reads.arePrivate) this.miss(); // the room has become small
    const next = this.#reads.newOf(newOf(news, this.#position));
    if (!isEmpty(next)) this.#add(next);
  }

  /** Reads the log, if that isn't about to happen. What goes on from here meanwhile needn't wait for it. */
  miss(): void {
    this.#isLookDue = true;
    if (!this.#isLooking && this.#retry === undefined && !this.#isClosed) void this.#look();
  }

  /** Has the log looked at; the number of the look that shows all that is committed by now. */
  look(): number {
    const next = this.#looks + 1;
    this.miss();
    return next;
  }

  /** The room has got at least so far. */
  hearHead(head: Position): void {
    if (isBefore(this.#position, head)) this.miss();
  }

  /** The room is deleted. */
  hearDeleted(): void {
    this.#isGone = true;
    for (const reader of this.readers) reader.hearDeleted();
  }

  /** Whether it hasn't got to a position yet. */
  isBehind(position: Position): boolean {
    return isBefore(this.#position, position);
  }

  /** Takes what is of use to others from a page that a reader has read after a position. */
  hearPage(page: LogPage, from: Position): void {
    if (this.#isClosed) return;
    this.hearHead(page.head);
    this.#keep(page, from);
    if (!this.isBehind(page.head) && this.#tellsReads(page, from)) this.#takeReads(page);
  }

  /** Lets go of the oldest news, until the rest is within a bound. */
  trim(maxBytes: number): void {
    this.#ring.trim(maxBytes);
  }

  /** Ends the reading of one. Of who is here, nothing is kept that nobody is told. */
  leave(reader: FeedReader): void {
    this.readers.delete(reader);
    if (reader.watches && !this.readers.values().some(({ watches }) => watches)) this.#presence = undefined;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.trim(0);
  }

  #add(news: News): void {
    this.#reads.follow(news);
    this.#ring.push(news, this.#position);
    this.#position = after(this.#position, news);
    for (const reader of this.readers) reader.hear(news);
    this.trim(this.#maxBytes);
  }

  /** Keeps what lies before the news kept, so that the next reader needn't read it. */
  #keep({ news, head }: LogPage, from: Position): void {
    if (isBefore(head, this.#position)) return; // a message of it may have changed since
    const start = this.#ring.start ?? this.#position;
    const isAdjacent = isBefore(from, start) && !isBefore(start, from) && !isBefore(after(from, news), start);
    if (!isAdjacent) return;
    const { roomId } = this;
    const { memberSeq } = start;
    const messages = news.messages.filter(({ seq }) => seq <= start.seq);
    const members = news.members.filter((member) => member.memberSeq <= memberSeq);
    const room = news.room && news.room.memberSeq <= memberSeq ? news.room : undefined;
    const kept = create(NewsSchema, { roomId, messages, members, room, memberSeq });
    this.#pages.add(kept);
    this.#ring.unshift(kept, from, this.#maxBytes);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#isLookDue && !this.#isClosed) {
        this.#isLookDue = false;
        this.#looks++;
        const from = this.#position;
        const page = await this.#log.read({ roomId: this.roomId, after: from });
        this.#pauseMs = FIRST_PAUSE_MS;
        if (!page) this.hearDeleted();
        else if (!this.#isClosed) this.#take(page, from);
      }
    } catch {
      this.#isLookDue = true;
      const retry = () => {
        this.#retry = undefined;
        this.miss();
      };
      if (!this.#isClosed) this.#retry = setTimeout(retry, this.#pauseMs * (0.5 + Math.random() / 2));
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    }
    this.#isLooking = false;
    this.#tellPresence();
  }

  #tellPresence(): void {
    if (this.presence) for (const reader of this.readers) reader.hearPresence();
  }

  #take(page: LogPage, from: Position): void {
    const { news, head, firstSeq } = page;
    if (this.#position.seq + 1n < firstSeq) for (const reader of this.readers) reader.end(erased());
    if (this.#isClosed) return;
    const next = newOf(news, this.#position);
    if (!isEmpty(next)) this.#add(next);
    else if (isEmpty(news)) this.#position = furthest(this.#position, head); // nothing is kept in between
    if (!this.#tellsReads(page, from)) return this.miss();
    this.#readsLook = this.#looks;
    this.#takeReads(page);
  }

  /** Whether a page tells how far the members have read, or that nobody is told, and who are members hasn't changed since. */
  #tellsReads(page: LogPage, from: Position): boolean {
    return isLast(page, from) && (!page.reads || page.head.memberSeq >= this.#position.memberSeq);
  }

  #takeReads({ reads, head }: LogPage): void {
    const moved = this.#reads.replace(reads, head.memberSeq);
    if (moved) this.#add(moved);
    for (const reader of this.readers) reader.hearReads();
  }
}
