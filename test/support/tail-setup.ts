import { expect, vi } from "vitest";
import type { Message } from "../../gen/chat_pb.ts";
import type { Subscriber } from "../../src/chat/broadcaster.ts";
import { type FeedParts, Feeds } from "../../src/chat/feeds.ts";
import { HEAD_WATCH_MS, LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { ListPlace } from "../../src/chat/list-page.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { memberChanges } from "../../src/chat/position.ts";
import type { TailItem } from "../../src/chat/room-cursor.ts";
import type { ChatStore, LogPage, LogPlace, PageSize, Position } from "../../src/chat/store.ts";
import { Tail } from "../../src/chat/tail.ts";
import type { TailOptions } from "../../src/chat/tail-options.ts";
import { MemoryLog, type Step } from "./memory-log.ts";
import { nextTurn } from "./stream-setup.ts";

export const HEARTBEAT_MS = 1_000;

export interface Following extends Partial<Omit<TailOptions, "memberships" | "from" | "list">> {
  readonly rooms?: readonly bigint[];
  /** Where to start, by room; a number is a seq, with all changes of the members known. */
  readonly from?: Readonly<Record<string, number | Position>>;
  /** Where to start in the list, if it is followed. */
  readonly listAfter?: bigint | "now";
}

/** Rooms in memory, of which users 1, 2 and 3 are members, and a process that follows them. Needs fake timers. */
export class TailSetup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly limits: Limits;
  readonly feeds: Feeds;
  /** What each read of the log asked for, as room/seq+memberSeq. */
  readonly reads: string[][] = [];
  /** The pages it got. */
  readonly pages: (LogPage | undefined)[] = [];
  /** The rooms that each look was about; all, if it isn't set. */
  readonly looks: (readonly bigint[] | undefined)[] = [];
  /** The lists that each look was about, as user/after. */
  readonly listLooks: string[][] = [];
  /** Replace reads and looks as long as they are set. */
  readLogs: ChatStore["readLogs"] | undefined;
  changedRooms: ChatStore["changedRooms"] | undefined;
  changedLists: ChatStore["changedLists"] | undefined;

  constructor(
    limits: Partial<Limits> = {},
    subscriber?: Subscriber,
    parts: Pick<FeedParts, "listWatchMs" | "presence"> = {},
  ) {
    this.limits = { ...LIMITS, ...limits };
    const store = {
      readLogs: (places: readonly LogPlace[], size: PageSize) => this.#readLogs(places, size),
      changedRooms: (after: bigint, among?: readonly bigint[]) => {
        this.looks.push(among);
        return this.changedRooms ? this.changedRooms(after, among) : this.log.changedRooms(after, among);
      },
      changedLists: (places: readonly ListPlace[], size: PageSize) => {
        this.listLooks.push(places.map(({ userId, after }) => `${userId}/${after}`));
        return this.changedLists ? this.changedLists(places, size) : this.log.changedLists(places, size);
      },
    };
    this.feeds = new Feeds({ store, subscriber: subscriber ?? this.broadcaster, limits: this.limits, ...parts });
  }

  /** A tail of user 1, if no other is named, that begins now. */
  async tail({ userId = 1n, rooms = [1n], from = {}, listAfter, ...options }: Following = {}): Promise<Tail> {
    const places = Object.entries(from).map(([id, at]) => {
      const roomId = BigInt(id);
      const { memberSeq } = this.log.head(roomId);
      return [roomId, typeof at === "number" ? { seq: BigInt(at), memberSeq } : at] as const;
    });
    const memberships = await this.log.memberships(userId, rooms);
    const listed = await this.log.listedRooms(userId);
    const after = listAfter === "now" ? listed.revision : listAfter;
    return Tail.open(this.feeds, {
      userId,
      memberships,
      from: new Map(places),
      heartbeatMs: HEARTBEAT_MS,
      list: after === undefined ? undefined : { listed, after },
      ...options,
    });
  }

  /** Tails at the end of a room with one change, whose feed has looked at the log; the reads up to here don't count. */
  async following(options: Following = {}): Promise<Tail> {
    if (this.log.head(1n).seq === 0n) this.log.append(1n);
    const tail = await this.tail(options);
    await tail.next();
    await this.settle();
    return tail;
  }

  publish(roomId: bigint, ...steps: Step[]): void {
    this.broadcaster.publish(this.log.change(roomId, ...steps));
  }

  send(roomId = 1n, count = 1): void {
    this.broadcaster.publish(this.log.append(roomId, count));
  }

  /** Lets all that is under way come to its end; what was read up to here doesn't count. */
  async settle(): Promise<void> {
    await nextTurn();
    this.reads.length = 0;
    this.looks.length = 0;
  }

  /** Lets the watch look, and the feeds read what it has found. */
  async beat(): Promise<void> {
    await vi.advanceTimersByTimeAsync(HEAD_WATCH_MS);
    await nextTurn();
  }

  async expectNothingLeft(): Promise<void> {
    await nextTurn();
    expect(this.feeds.size, "followed rooms").toBe(0);
    expect(this.feeds.lists.size, "followed lists").toBe(0);
    expect(this.broadcaster.size, "subscriptions").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
  }

  async #readLogs(places: readonly LogPlace[], size: PageSize): Promise<readonly (LogPage | undefined)[]> {
    if (this.reads.length > 1_000) throw new Error("it reads and reads");
    this.reads.push(places.map(({ roomId, after: { seq, memberSeq } }) => `${roomId}/${seq}+${memberSeq}`));
    const pages = await (this.readLogs ? this.readLogs(places, size) : this.log.readLogs(places, size));
    this.pages.push(...pages);
    return pages;
  }
}

/** What items say, in short: messages as room/seq, members as room+memberSeq, positions as user reads, events by kind. */
export function said(items: readonly TailItem[]): string[] {
  return items.flatMap((item) => {
    if (item.$typeName === "chat_grpc.Event") {
      const { event } = item;
      if (event.case === "readMoved") return readBy(event.value.readMessageIds);
      if (event.case === "roomChanged") return [`room ${event.value.room!.id}: ${event.value.unreadCount} unread`];
      if (event.case === "roomLeft") return [`left ${event.value.roomId}`];
      if (event.case !== "caughtUp" && event.case !== "heartbeat") return [event.case!];
      const at = Object.entries(event.value.cursors);
      return [`${event.case} ${at.map(([roomId, cursor]) => `${roomId}/${cursor.seq}+${cursor.memberSeq}`)}`];
    }
    return [
      ...memberChanges(item).map(({ memberSeq }) => `${item.roomId}+${memberSeq}`),
      ...item.messages.map(({ seq }) => `${item.roomId}/${seq}`),
      ...item.typing.map(({ userId }) => `${userId} types`),
      ...(item.reads ? readBy(item.reads.readMessageIds) : []),
    ];
  });
}

const readBy = (positions: Readonly<Record<string, bigint>>) => {
  return Object.entries(positions).map(([user, id]) => `${user} read ${id}`);
};

export function messages(items: readonly TailItem[]): Message[] {
  return items.flatMap((item) => (item.$typeName === "room.News" ? item.messages : []));
}

export const seqs = (items: readonly TailItem[]) => messages(items).map(({ seq }) => Number(seq));

export const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
