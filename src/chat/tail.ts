import { create } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { notInRooms } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import { ListCursor, type ListOwner } from "./list-cursor.ts";
import { isOfCommit } from "./lists.ts";
import { messageCharacters } from "./message-characters.ts";
import { isBefore, memberChanges } from "./position.ts";
import { type CursorOwner, RoomCursor, type TailItem } from "./room-cursor.ts";
import type { FollowedRoom } from "./room-feed.ts";
import type { LogPage } from "./store.ts";
import type { TailOptions } from "./tail-options.ts";
import { WaitingReader } from "./waiting-reader.ts";

/**
 * Follows rooms from their cursors on, which are places in the rooms' feeds.
 *
 * - T1 The first thing it gives is caught_up with the cursors it starts from: it is live, and gives whatever is committed
 *   from here on. caught_up comes again when it has caught up from cursors given, or from the log; heartbeat at its interval.
 * - T2 Each room's messages come in seq order and its members in member_seq order, none missing, none twice, whatever
 *   the subscriber loses, doubles, delays or reorders. There is no order between rooms.
 * - T3 It holds nothing but its cursors and a few pages of the log, however slowly it is read.
 * - T4 It ends by rejecting: with the reason it was closed for, or with what the store threw. Closed, it leaves nothing
 *   behind.
 * - T5 Once the reader's membership of a room has ended, nothing that was committed later is given; member_removed of
 *   the reader is the last of the room. Likewise, room_deleted is the last of a room that is deleted.
 * - T6 A reader that started a room from a cursor is told where its members have read to, before it has caught up.
 * - T7 Whoever keeps what room_changed and room_left tell, and the cursor in the list, has the list of the user's rooms as
 *   the database has it, whatever is lost in between; a room that changes is told again, once in an interval at most.
 * - T8 A reader that asked is told who is here, the newest only, and not before it knows that it is still a member.
 *
 * A reader that waits at the end of its feeds is handed what is added to them. What is added while it is busy it takes
 * from the feeds when it comes back, and from the log what they don't keep any more.
 */
export class Tail implements CursorOwner, ListOwner {
  readonly userId: bigint;
  readonly #feeds: Feeds;
  readonly #epoch: string;
  readonly #endsWhenRemoved: boolean;
  readonly #reader = new WaitingReader<TailItem>();
  readonly #rooms = new Map<bigint, RoomCursor>();
  readonly #list: ListCursor | undefined;
  /** Rooms that have something to take, or may have. */
  readonly #due = new Set<RoomCursor>();
  /** What the reader is told next, before it takes more. */
  #items: TailItem[] = [];
  /** Whether it is to be told that it has caught up, once it has. */
  #isCatchingUp = false;
  #isHeartbeatDue = false;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #closed: { readonly reason: unknown } | undefined;

  static async open(feeds: Feeds, options: TailOptions): Promise<Tail> {
    // Who can't be told of a removal can't be told of read positions either.
    const withReads = new Set(options.endsWhenRemoved ? [] : options.from.keys());
    return new Tail(feeds, options, await feeds.follow(options.memberships, withReads));
  }

  private constructor(feeds: Feeds, options: TailOptions, followed: readonly FollowedRoom[]) {
    const { userId, memberships, from, opening = [], heartbeatMs, endsWhenRemoved = false } = options;
    this.userId = userId;
    this.#feeds = feeds;
    this.#epoch = memberships.epoch;
    this.#endsWhenRemoved = endsWhenRemoved;
    if (options.list) this.#list = new ListCursor(this, feeds, options.list);
    this.#isCatchingUp = this.#list?.isCatchingUp ?? false;
    for (const [i, membership] of memberships.of.entries()) {
      const cursor = new RoomCursor(this, followed[i]!, membership, from.get(membership.roomId));
      if (options.visit) cursor.enter(feeds.presence, options.visit.watches);
      this.#rooms.set(membership.roomId, cursor);
      this.#due.add(cursor);
      this.#isCatchingUp ||= !cursor.isAtEnd || cursor.owesReads || isBefore(cursor.position, membership.head);
    }
    this.#items.push(this.#positions("caughtUp"), ...opening);
    if (heartbeatMs !== undefined) this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  /** What there is to tell. While the reader waits, items go to `push`; if that returns false, there is nothing more. */
  async next(push?: (item: TailItem) => boolean): Promise<readonly TailItem[]> {
    for (;;) {
      // First, or rooms in which much happens would keep the others waiting.
      if (this.#items.length === 0) await this.#readLog();
      this.#throwIfClosed();
      const items = this.#take();
      this.#throwIfClosed();
      if (items.length > 0) return items;
      if (this.#due.size > 0) continue;
      const isWaiting = await this.#reader.wait(push);
      this.#throwIfClosed();
      if (!isWaiting) return [];
    }
  }

  /** Ends it. The first reason counts. */
  close(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = { reason };
    clearInterval(this.#heartbeat);
    for (const cursor of this.#rooms.values()) this.#leave(cursor);
    this.#list?.close();
    this.#rooms.clear();
    this.#due.clear();
    this.#reader.wake();
  }

  end(reason: unknown): void {
    this.close(reason);
  }

  hear(cursor: RoomCursor, news: News): void {
    if (!this.#reader.takesItems) return this.look(cursor);
    for (const item of this.#told(cursor, cursor.take(news))) this.#hand(item);
    if (cursor.isLost) this.#reader.wake(); // perhaps it was the last room to catch up
  }

  look(cursor: RoomCursor): void {
    this.#due.add(cursor);
    this.#reader.wake();
  }

  lookAtList(): void {
    this.#reader.wake();
  }

  #throwIfClosed(): void {
    if (this.#closed) throw this.#closed.reason;
  }

  /** One reader's trouble is not that of the others. */
  #hand(item: TailItem): void {
    try {
      this.#reader.hand(item);
    } catch (e) {
      this.close(e);
    }
  }

  /** Takes what there is. Rooms that stay due have more, or have to be read of in the log. */
  #take(): readonly TailItem[] {
    const items = [...this.#items, ...this.#takeNews(), ...(this.#list?.take() ?? [])];
    this.#items = [];
    const owes = this.#list?.isCatchingUp || this.#rooms.values().some(({ owesReads }) => owesReads);
    if (this.#isCatchingUp && this.#due.size === 0 && !owes) {
      items.push(this.#positions("caughtUp"));
      this.#isCatchingUp = false;
    }
    if (this.#isHeartbeatDue) items.push(this.#positions("heartbeat"));
    this.#isHeartbeatDue = false;
    return items;
  }

  /** Takes what the feeds keep, as much as a page has. */
  #takeNews(): readonly TailItem[] {
    const { logPageChanges, logPageBytes } = this.#feeds.limits;
    const items: TailItem[] = [];
    let [changes, characters] = [0, 0];
    for (const cursor of this.#due) {
      while (!cursor.isLost && cursor.next !== undefined && !cursor.isAtEnd) {
        if (changes >= logPageChanges || characters >= logPageBytes) {
          this.#postpone(cursor);
          return items;
        }
        const news = cursor.feed.at(cursor.next, cursor.position);
        if (!news) {
          cursor.next = undefined;
          break;
        }
        items.push(...this.#told(cursor, cursor.take(news)));
        changes += news.messages.length + memberChanges(news).length + news.typing.length;
        for (const message of news.messages) characters += messageCharacters(message);
      }
      if (!cursor.isLost && cursor.feed.isGone) items.push(...this.#told(cursor, cursor.takeDeletion()));
      if (cursor.isLost || cursor.next === undefined) continue;
      this.#due.delete(cursor);
      items.push(...cursor.takeRumours());
    }
    return items;
  }

  /** Lets the other rooms have their turn first. */
  #postpone(cursor: RoomCursor): void {
    this.#due.delete(cursor);
    this.#due.add(cursor);
  }

  /** Reads a page of each of a few rooms that are behind their feeds; those whose turn it was longest ago come first. */
  async #readLog(): Promise<void> {
    const { log, limits } = this.#feeds;
    const behind = [...this.#due].filter(({ next, feed }) => next === undefined && !feed.isGone);
    const cursors = behind.slice(0, limits.readerPages);
    if (cursors.length === 0 || this.#closed) return;
    let pages: readonly (LogPage | undefined)[];
    try {
      pages = await Promise.all(cursors.map(({ feed: { roomId }, position }) => log.read({ roomId, after: position })));
    } catch (e) {
      return this.close(e);
    }
    if (this.#closed) return;
    for (const [i, cursor] of cursors.entries()) {
      const page = pages[i];
      if (cursor.isLost) continue;
      this.#postpone(cursor);
      if (page) {
        const items = this.#told(cursor, cursor.takePage(page));
        if (items.length > 0) this.#isCatchingUp = true;
        this.#items.push(...items);
      } else cursor.feed.hearDeleted();
    }
  }

  /** What the reader is told of an item, which may be the last of the room. */
  #told(cursor: RoomCursor, item: TailItem | undefined): readonly TailItem[] {
    if (item?.$typeName === "room.News" && isOfCommit(item)) this.#list?.wake();
    if (cursor.isLost) {
      const { roomId } = cursor.feed;
      this.#due.delete(cursor);
      if (this.#rooms.delete(roomId)) this.#leave(cursor);
      if (this.#endsWhenRemoved) {
        this.close(notInRooms([roomId], this.userId));
        return [];
      }
    }
    return item ? [item] : [];
  }

  #leave(cursor: RoomCursor): void {
    cursor.close();
    this.#feeds.release(cursor.feed);
  }

  #beat(): void {
    if (this.#reader.takesItems) return this.#hand(this.#positions("heartbeat"));
    this.#isHeartbeatDue = true;
    this.#reader.wake();
  }

  #positions(kind: "caughtUp" | "heartbeat"): Event {
    const epoch = this.#epoch;
    const cursors = Object.fromEntries(
      [...this.#rooms].map(([roomId, { position }]) => [`${roomId}`, { ...position, epoch }]),
    );
    const value = { cursors, ...(this.#list && { list: this.#list.position }) };
    return create(EventSchema, { event: { case: kind, value } });
  }
}
