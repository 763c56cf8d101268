import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Event, EventSchema, type Member } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Subscriber } from "./broadcaster.ts";
import { notInRoom } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import { HEARTBEAT_MS, LIMITS, type Limits } from "./limits.ts";
import type { ChatStore, Position, Reader } from "./store.ts";

/** Where a tail gets its changes from: the log is the truth, the subscription only says when to look. */
export interface Source {
  readonly store: Pick<ChatStore, "readLogs">;
  readonly subscriber: Subscriber;
  readonly limits?: Limits;
}

/** Who follows what, from where. */
export interface TailOptions {
  readonly userId: bigint;
  readonly readers: readonly Reader[];
  /** What the reader has to be told first. */
  readonly opening?: readonly Event[];
  /** How often it looks for what was lost on the way. */
  readonly heartbeatMs?: number | undefined;
  /** When it ends; never, if it isn't given. */
  readonly maxAgeMs?: number | undefined;
  /** Whether it ends with NOT_FOUND when a membership of the reader ends, because it can't tell. */
  readonly endsWhenRemoved?: boolean;
}

/** News of a room, which other readers are told as well; or an event that concerns this reader alone. */
export type TailItem = News | Event;

/**
 * Follows rooms from their cursors on.
 *
 * - T1 The first thing it yields is caught_up with the cursors it starts from: the tail is live, and whatever is
 *   committed from here on will be yielded. caught_up comes again after the log was read, heartbeat at its interval.
 * - T2 Each room's messages come in seq order and its members in member_seq order, none missing, none twice, whatever
 *   the subscriber loses, doubles, delays or reorders. There is no order between rooms.
 * - T3 It holds at most an inbox and two pages of each log, however slowly it is read.
 * - T4 It ends by throwing: the signal's reason, what the store threw, or UNAVAILABLE when it is as old as it may get.
 *   Ended or left, it leaves nothing behind.
 * - T5 Once the reader's membership of a room has ended, nothing that was committed later is yielded; member_removed of
 *   the reader is the last of the room.
 *
 * A change that follows its room's cursor is passed on as it arrives. In every other case (the start, a gap, a full
 * inbox, a broken link, a change of the members that isn't known here, and every heartbeat on suspicion) the log is read
 * after the cursor.
 */
export async function* tail(
  source: Source,
  { userId, readers, opening = [], heartbeatMs = HEARTBEAT_MS, maxAgeMs, endsWhenRemoved = false }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly TailItem[], never> {
  signal.throwIfAborted();
  const rooms = new Map(readers.map((reader) => [reader.roomId, new RoomCursor(reader)]));
  const inbox = new Inbox(source.limits);
  const leave = () => inbox.close(signal.reason);
  signal.addEventListener("abort", leave);
  let isHeartbeatDue = false;
  const suspicion = setInterval(() => {
    isHeartbeatDue = true;
    inbox.miss();
  }, heartbeatMs);
  const retirement = maxAgeMs === undefined ? undefined : setTimeout(() => inbox.close(tooOld()), maxAgeMs);
  try {
    await using _subscription = await source.subscriber.subscribe(rooms.keys(), inbox);
    yield [positions("caughtUp", rooms), ...opening];
    let inDoubt = new Set(rooms.keys());
    let read: LogRead | undefined = new LogRead(source, rooms, inDoubt);
    let hasRead = false;
    for (;;) {
      const items: TailItem[] = [];
      const drop = (room: RoomCursor, end?: Member) => {
        if (endsWhenRemoved) throw notInRoom(room.roomId, userId);
        items.push(removed(room, userId, end));
        rooms.delete(room.roomId);
        inDoubt.delete(room.roomId);
      };

      if (read) {
        const pages = await read.pages;
        for (const room of read.asked) {
          const page = pages.get(room.roomId);
          if (!page) drop(room);
          else if (page.messages.length + page.members.length > 0) {
            hasRead = true;
            const next = create(NewsSchema, { roomId: room.roomId, memberSeq: page.head.memberSeq });
            next.messages.push(...page.messages);
            next.members.push(...page.members);
            room.moveTo(next);
            items.push(next);
          }
          if (page && room.isBehind(page.head)) continue;
          inDoubt.delete(room.roomId);
          room.catchUp();
        }
      }

      const isBusy = inDoubt.size > 0 || hasRead || isHeartbeatDue;
      const { news, missed } = isBusy || items.length > 0 ? inbox.take() : await inbox.next();
      for (const each of news) {
        if (inDoubt.has(each.roomId)) continue; // it was committed before the read that is due
        const room = rooms.get(each.roomId);
        const next = room?.advance(each);
        if (next === "gap") inDoubt.add(each.roomId);
        if (!room || !next || next === "gap") continue;
        const end = room.endIn(next, userId);
        if (end) drop(room, end);
        else items.push(next);
      }
      if (missed) inDoubt = new Set(rooms.keys());

      // It goes on while the reader is given what there is; news that it may not have had come after it.
      read = inDoubt.size > 0 ? new LogRead(source, rooms, inDoubt) : undefined;
      if (!read && hasRead) {
        items.push(positions("caughtUp", rooms));
        hasRead = false;
      }
      if (!read && isHeartbeatDue) {
        items.push(positions("heartbeat", rooms));
        isHeartbeatDue = false;
      }
      if (items.length > 0) yield items;
    }
  } finally {
    clearInterval(suspicion);
    clearTimeout(retirement);
    signal.removeEventListener("abort", leave);
  }
}

/** A read of the logs of some rooms, which has begun. */
class LogRead {
  readonly asked: readonly RoomCursor[];
  readonly pages: ReturnType<ChatStore["readLogs"]>;

  constructor(
    { store, limits = LIMITS }: Source,
    rooms: ReadonlyMap<bigint, RoomCursor>,
    roomIds: ReadonlySet<bigint>,
  ) {
    this.asked = [...roomIds].flatMap((roomId) => rooms.get(roomId) ?? []);
    this.pages = store.readLogs(this.asked, {
      changes: Math.ceil(limits.logPageChanges / roomIds.size),
      bytes: limits.logPageBytes,
    });
    this.pages.catch(() => {}); // whoever waits for it hears of it
  }
}

/** Where a reader is in one room. */
class RoomCursor implements Reader {
  readonly roomId: bigint;
  readonly membershipId: bigint;
  readonly cursor: { seq: bigint; memberSeq: bigint };
  knownMembers: bigint;

  constructor({ roomId, membershipId, cursor: { seq, memberSeq } }: Reader) {
    this.roomId = roomId;
    this.membershipId = membershipId;
    this.cursor = { seq, memberSeq };
    this.knownMembers = memberSeq;
  }

  /** Takes what of the news is new and follows the cursor; or nothing; or finds that something is missing before it. */
  advance(news: News): News | "gap" | undefined {
    const { seq, memberSeq } = this.cursor;
    if (news.messages.length > 0 && news.messages[0]!.seq > seq + 1n) return "gap";
    if (news.members.length > 0 && news.members[0]!.member!.memberSeq > memberSeq + 1n) return "gap";
    if (news.memberSeq > (news.members.at(-1)?.member!.memberSeq ?? memberSeq)) return "gap";
    const messages = news.messages.filter((message) => message.seq > seq);
    const members = news.members.filter(({ member }) => member!.memberSeq > memberSeq);
    if (messages.length + members.length + news.typing.length === 0) return undefined;
    const isAllNew = messages.length === news.messages.length && members.length === news.members.length;
    const next = isAllNew ? news : create(NewsSchema, { ...news, messages, members });
    this.moveTo(next);
    this.catchUp();
    return next;
  }

  moveTo({ messages, members }: News): void {
    this.cursor.seq = messages.at(-1)?.seq ?? this.cursor.seq;
    this.cursor.memberSeq = members.at(-1)?.member!.memberSeq ?? this.cursor.memberSeq;
  }

  isBehind(head: Position): boolean {
    return this.cursor.seq < head.seq || this.cursor.memberSeq < head.memberSeq;
  }

  /** Nothing lies between the cursor and the room's head, as far as is known. */
  catchUp(): void {
    this.knownMembers = this.cursor.memberSeq;
  }

  /** What ends the reader's membership, if it is among the news: its removal, or another membership in its place. */
  endIn({ members }: News, userId: bigint): Member | undefined {
    return members
      .map(({ member }) => member!)
      .find(
        (member) => member.userId === userId && (member.id !== this.membershipId || member.removedAt !== undefined),
      );
  }
}

/** Whether or not its record is still to be had, a membership that is lost has ended. */
function removed({ roomId, membershipId: id }: Reader, userId: bigint, end?: Member): Event {
  const value = end?.id === id ? end : { id, roomId, userId, removedAt: timestampNow() };
  return create(EventSchema, { event: { case: "memberRemoved", value } });
}

function positions(kind: "caughtUp" | "heartbeat", rooms: ReadonlyMap<bigint, Reader>): Event {
  const cursors = Object.fromEntries([...rooms].map(([roomId, { cursor }]) => [`${roomId}`, { ...cursor }]));
  return create(EventSchema, { event: { case: kind, value: { cursors } } });
}

function tooOld(): ConnectError {
  return new ConnectError("the stream has reached its maximum age; resume from your cursors", Code.Unavailable);
}
