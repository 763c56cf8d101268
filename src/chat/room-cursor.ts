import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema, type Member } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { erased } from "./errors.ts";
import type { FeedReader } from "./feed-reader.ts";
import { after, isEmpty, newOf } from "./position.ts";
import type { PresenceBoard } from "./presence.ts";
import type { ReadPosition } from "./read-positions.ts";
import { isNewer, positionsIn } from "./read-positions.ts";
import { FIRST_LOOK, type FollowedRoom, type RoomFeed } from "./room-feed.ts";
import type { LogPage, Membership, Position } from "./store.ts";

/** News of a room, which other readers are told as well; or an event that concerns this reader alone. */
export type TailItem = News | Event;

/** The reader that a cursor belongs to. */
export interface CursorOwner {
  readonly userId: bigint;
  /** News were added to the feed, and follow what the cursor has taken. */
  hear(cursor: RoomCursor, news: News): void;
  /** There is something else to look after: read positions, or the end of the room. */
  look(cursor: RoomCursor): void;
  end(reason: unknown): void;
}

/** How far a reader has come in a room: in the numbers of its logs, and in the feed's. */
export class RoomCursor implements FeedReader {
  readonly feed: RoomFeed;
  /** The number of the news that it takes next; not set while they are in the log alone. */
  next: number | undefined;
  /** Whether the room can't be followed any more: the membership has ended, or the room is deleted. */
  isLost = false;
  watches = false;
  readonly #owner: CursorOwner;
  readonly #membershipId: bigint;
  /** Up to here nothing has ended the membership. */
  readonly #isMemberAt: bigint;
  #position: Position;
  /** How far the reader has read itself, as far as it was told. */
  #ownRead: ReadPosition | undefined;
  /** The look at the log that shows where the members have read to, if the reader is to be told, once it has caught up. */
  #readsLook: number | undefined;
  #visit: Disposable | undefined;
  /** Who is here, as the reader was told. */
  #presence: News | undefined;

  constructor(owner: CursorOwner, { feed, look }: FollowedRoom, { id, head, read }: Membership, from?: Position) {
    this.feed = feed;
    this.#owner = owner;
    this.#membershipId = id;
    this.#isMemberAt = head.memberSeq;
    this.#position = from ?? head;
    this.#ownRead = read;
    this.#readsLook = look;
    this.next = feed.after(this.#position);
    feed.readers.add(this);
  }

  get position(): Position {
    return this.#position;
  }

  get isAtEnd(): boolean {
    return this.next === this.feed.end;
  }

  /** Whether the reader is to be told where the members have read to, as soon as that is known. */
  get owesReads(): boolean {
    return this.#readsLook !== undefined;
  }

  hear(news: News): void {
    if (this.next === this.feed.end - 1) this.#owner.hear(this, news);
  }

  hearReads(): void {
    if (this.#readsLook !== undefined) this.#owner.look(this);
  }

  hearPresence(): void {
    if (this.watches && this.#presence !== this.feed.presence) this.#owner.look(this);
  }

  /** The reader is here from now on, if it is a member, and told who is, if it `watches`. */
  enter(board: PresenceBoard | undefined, watches: boolean): void {
    this.watches = watches;
    const userId = this.#membershipId === 0n ? 0n : this.#owner.userId;
    this.#visit = board?.enter({ roomId: this.feed.roomId, userId, watches });
  }

  close(): void {
    this.feed.leave(this);
    this.#visit?.[Symbol.dispose]();
  }

  hearDeleted(): void {
    this.#owner.look(this);
  }

  end(reason: unknown): void {
    this.#owner.end(reason);
  }

  /** Takes the news that it takes next, or a page of the log; gives what the reader is told of it. */
  take(news: News): TailItem | undefined {
    if (this.next !== undefined) this.next++;
    if (this.feed.isPage(news)) this.#readsLook ??= FIRST_LOOK;
    const next = newOf(news, this.#position);
    const end = this.#endIn(next);
    if (end) {
      this.isLost = true;
      return this.#removed(end);
    }
    this.#position = after(this.#position, next);
    const told = this.#withoutFormer(next);
    if (isEmpty(told)) return undefined;
    const own = this.#newOwn(told);
    this.#ownRead = own ?? this.#ownRead;
    if (!told.readsArePrivate) return told;
    return own && this.#readMoved(own);
  }

  /** Takes a page of the log, after which it may have a place in the feed. */
  takePage(page: LogPage): TailItem | undefined {
    const from = this.#position;
    this.#readsLook ??= FIRST_LOOK; // what the feed told of them meanwhile is in no log
    if (from.seq + 1n < page.firstSeq) this.#owner.end(erased());
    const item = this.take(page.news);
    if (isEmpty(page.news)) this.#position = page.head; // nothing is kept in between
    this.feed.hearPage(page, from);
    this.next = this.feed.after(this.#position);
    return item;
  }

  /** What isn't in the log, and the reader has to be told. */
  takeRumours(): readonly TailItem[] {
    return [this.#takeReads(), this.#takePresence()].filter((item) => item !== undefined);
  }

  /** The read positions of all members, or in a large room its own, if the reader has to be told. */
  #takeReads(): TailItem | undefined {
    if (this.#readsLook === undefined || !this.feed.knowsReads(this.#readsLook)) return undefined;
    if (this.feed.isBehind(this.#position)) return undefined;
    this.#readsLook = undefined;
    return this.feed.reads ?? (this.#ownRead && this.#readMoved(this.#ownRead));
  }

  #takePresence(): News | undefined {
    const { presence } = this.feed;
    if (!this.watches || !presence || presence === this.#presence || this.feed.isBehind(this.#position))
      return undefined;
    this.#presence = presence;
    return presence;
  }

  /** The end of a room that is deleted, whatever the feed doesn't keep any more. */
  takeDeletion(): Event {
    this.isLost = true;
    return create(EventSchema, { event: { case: "roomDeleted", value: { roomId: this.feed.roomId } } });
  }

  /** The end of the reader's membership; where another one is in its place, its row is not to be had any more. */
  #removed(end: Member): Event {
    const [id, { roomId }] = [this.#membershipId, this.feed];
    const value = end.id === id ? end : { id, roomId, userId: this.#owner.userId, removedAt: timestampNow() };
    return create(EventSchema, { event: { case: "memberRemoved", value } });
  }

  /** What ends the reader's membership, if it is among the news: its removal, or another membership in its place. */
  #endIn({ members }: News): Member | undefined {
    return members.find((member) => {
      return this.#isOwn(member) && member.memberSeq > this.#isMemberAt && !this.#isPresent(member);
    });
  }

  /** The news without memberships that the reader had before this one: their end would be taken for the end of the room. */
  #withoutFormer(news: News): News {
    const isFormer = (member: Member) => this.#isOwn(member) && member.id !== this.#membershipId;
    if (!news.members.some(isFormer)) return news;
    return create(NewsSchema, { ...news, members: news.members.filter((member) => !isFormer(member)) });
  }

  /** Who reads by right has no membership that could end. */
  #isOwn({ userId }: Member): boolean {
    return userId === this.#owner.userId && this.#membershipId !== 0n;
  }

  #isPresent({ id, removedAt }: Member): boolean {
    return id === this.#membershipId && !removedAt;
  }

  /** The reader's own position, if the news have a newer one. */
  #newOwn(news: News): ReadPosition | undefined {
    const own = news.reads && positionsIn(news)[`${this.#owner.userId}`];
    return own && isNewer(own, this.#ownRead) ? own : undefined;
  }

  /** In a large room a reader is told of its own position alone. */
  #readMoved({ messageId }: ReadPosition): Event {
    const value = { roomId: this.feed.roomId, readMessageIds: { [`${this.#owner.userId}`]: messageId } };
    return create(EventSchema, { event: { case: "readMoved", value } });
  }
}
