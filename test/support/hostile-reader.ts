import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import type { Room as ChatRoom, Event, Member, Message } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { memberChanges } from "../../src/chat/position.ts";
import type { TailItem } from "../../src/chat/room-cursor.ts";
import type { Membership, Position } from "../../src/chat/store.ts";
import { Tail } from "../../src/chat/tail.ts";
import type { World } from "./hostile-world.ts";
import { membershipsIn, membersOf, positionsOf, subjectOf } from "./room-logs.ts";

export const HEARTBEAT_MS = 1_000;

export interface ReaderPlan {
  readonly userId: bigint;
  readonly rooms: readonly bigint[];
  /** In which process it reads. */
  readonly at: number;
  /** So many changes before the head of either log it starts; at now, if it isn't set. */
  readonly behind: number | undefined;
  readonly endsWhenRemoved: boolean;
  /** So many items it lets itself be handed while it waits, until it is busy; it asks for all, if it isn't set. */
  readonly takes: number | undefined;
  /** How many pauses of the scheduler it waits before it starts, and after it got something. */
  readonly startsAfter: number;
  readonly slowness: number;
  /** Closes after so many pauses, or after it got something so often; otherwise it stays. */
  readonly leaves: { readonly how: "pauses" | "turns"; readonly after: number } | undefined;
}

/** What a reader knows of a room. */
class Room {
  readonly membership: Membership;
  readonly start: Position;
  readonly seen: { seq: bigint; memberSeq: bigint };
  /** By message id and user id. */
  readonly messages = new Map<bigint, Message>();
  readonly members = new Map<bigint, Member | ChatRoom>();
  /** Memberships that it knows of, by user. */
  readonly ids: Map<bigint, bigint>;
  /** How far each member has read, as far as it was told; and which of all positions of the member it was told last. */
  readonly reads = new Map<bigint, bigint>();
  readonly moves = new Map<bigint, number>();
  /** Who has left: of these, rumours that are late are told as they come. */
  readonly gone = new Set<bigint>();
  isOver = false;

  constructor(membership: Membership, start: Position, members: Iterable<Member>) {
    this.membership = membership;
    this.ids = new Map([...members].map(({ userId, id }) => [userId, id]));
    this.start = start;
    this.seen = { seq: start.seq, memberSeq: start.memberSeq };
  }

  /** A membership begins with a read position; what changes of it later doesn't move that. */
  begin({ id, userId, readMessageId }: Member): void {
    const isKnown = this.ids.get(userId) === id && this.reads.has(userId);
    this.ids.set(userId, id);
    if (!isKnown && readMessageId > 0n) this.reads.set(userId, readMessageId);
  }
}

/** A reader that checks all it is told against the log. */
export class WorldReader {
  readonly reason = new Error("the reader left");
  /** How it ended: undefined while it reads, "no rooms", or what was thrown. */
  ended: unknown;
  readonly #world: World;
  readonly #plan: ReaderPlan;
  readonly #rooms = new Map<bigint, Room>();
  #tail: Tail | undefined;
  #hasLeft = false;
  /** How many items it may be handed. */
  #room = 0;
  #last: TailItem | undefined;

  constructor(world: World, plan: ReaderPlan) {
    this.#world = world;
    this.#plan = plan;
  }

  async read(): Promise<void> {
    const { userId, rooms, at, behind, startsAfter, leaves, endsWhenRemoved } = this.#plan;
    for (let i = 0; i < startsAfter; i++) await this.#world.pause("reader starts");
    const memberships = await this.#world.log.memberships(userId, rooms);
    if (memberships.of.length === 0) {
      this.ended = "no rooms";
      return;
    }
    const from = new Map<bigint, Position>();
    const back = (head: bigint) => (head > behind! ? head - BigInt(behind!) : 0n);
    for (const membership of memberships.of) {
      const { roomId, head } = membership;
      if (behind !== undefined) from.set(roomId, { seq: back(head.seq), memberSeq: back(head.memberSeq) });
      const start = from.get(roomId) ?? head;
      const known = membersOf(this.#world.log.logs(roomId), start.memberSeq).values();
      this.#rooms.set(roomId, new Room(membership, start, known));
    }
    await this.#world.pause("memberships are read");
    if (leaves?.how === "pauses") void this.#leaveAfter(leaves.after);
    const { feeds } = this.#world.processes[at % this.#world.processes.length]!;
    try {
      const options = { userId, memberships, from, heartbeatMs: HEARTBEAT_MS, endsWhenRemoved };
      this.#tail = await Tail.open(feeds, options);
      if (this.#hasLeft) this.leave();
      await this.#follow(this.#tail);
    } catch (e) {
      this.ended = e;
    }
  }

  async #follow(tail: Tail): Promise<never> {
    const { takes, slowness, leaves } = this.#plan;
    for (let turns = 0; ; turns++) {
      this.#room = takes ?? 0;
      const items = await tail.next(takes === undefined ? undefined : (item) => this.#take(item));
      this.#room = 0;
      if (turns === 0) expect(items[0], "[T1] the first item").toMatchObject({ event: { case: "caughtUp" } });
      this.#checkSize(items);
      for (const item of items) this.#note(item);
      if (leaves?.how === "turns" && turns >= leaves.after) this.leave();
      for (let i = 0; i < slowness; i++) await this.#world.pause("reader is busy");
    }
  }

  #take(item: TailItem): boolean {
    expect(this.#room, "it is handed nothing while it is busy").toBeGreaterThan(0);
    this.#note(item);
    return --this.#room > 0;
  }

  #checkSize(items: readonly TailItem[]): void {
    const { logPageChanges, logPageBytes, readerPages, feedBytes } = this.#world.limits;
    const news = items.filter((item) => item.$typeName === "room.News");
    const changes = news.reduce((sum, each) => {
      return sum + each.messages.length + memberChanges(each).length + each.typing.length;
    }, 0);
    const largest = Math.max(2 * logPageChanges, feedBytes / 1024);
    const bound = 2 * logPageChanges * readerPages + logPageChanges + largest;
    expect(changes, "[T3] changes in what it gets").toBeLessThanOrEqual(bound);
    const texts = news.flatMap(({ messages }) => messages.map(({ body }) => body.length));
    const characters = texts.reduce((sum, length) => sum + length, 0);
    const longest = Math.max(0, ...texts);
    const textBound = (readerPages + 1) * (logPageBytes + longest) + largest * longest;
    expect(characters, "[T3] text in what it gets").toBeLessThanOrEqual(textBound);
  }

  #note(item: TailItem): void {
    expect(this.ended, "[T4] nothing after its end").toBeUndefined();
    if (item.$typeName === "room.News") this.#noteNews(item);
    else this.#noteEvent(item);
    this.#last = item;
  }

  #noteNews(news: News): void {
    const { roomId, messages, typing, reads } = news;
    const { log } = this.#world;
    const room = this.#rooms.get(roomId)!;
    expect(room.isOver, "[T5] news after the end of the membership").toBe(false);
    const end = log.endOf(roomId, room.membership.id) ?? Number.POSITIVE_INFINITY;
    const logs = log.logs(roomId);
    for (const member of memberChanges(news)) {
      expect(member.memberSeq, "[T2] member_seq").toBeGreaterThan(room.seen.memberSeq);
      room.seen.memberSeq = member.memberSeq;
      const past = logs.members[Number(member.memberSeq) - 1]!;
      if (member.$typeName === "chat_grpc.Room" || past.$typeName === "chat_grpc.Room") {
        expect(member, "as it was committed").toBe(past);
        expect(log.momentOf(past), "[T5] a change of the record").toBeLessThan(end);
        room.members.set(subjectOf(member), member);
        continue;
      }
      const { id, userId, removedAt } = past;
      expect([member.id, member.userId, member.removedAt], "as it was committed").toEqual([id, userId, removedAt]);
      const positions = log.model.rooms
        .get(roomId)!
        .reads.get(id)!
        .map(({ messageId }) => messageId);
      expect(positions, "a read position that the member had").toContain(member.readMessageId);
      expect(log.momentOf(past), "[T5] a change of the members").toBeLessThan(end);
      if (userId === this.#plan.userId) expect(id, "[T5] own").toBe(room.membership.id);
      room.members.set(userId, member);
      for (const told of [room.reads, room.moves]) if (removedAt) told.delete(userId);
      if (removedAt) room.gone.add(userId);
      else room.gone.delete(userId);
      if (!removedAt) room.begin(member);
    }
    for (const message of messages) {
      expect(message.seq, "[T2] seq").toBeGreaterThan(room.seen.seq);
      room.seen.seq = message.seq;
      const past = logs.messages[Number(message.seq) - 1]!;
      expect(message, "as it was committed").toBe(past);
      expect(log.momentOf(past), "[T5] a message").toBeLessThan(end);
      room.messages.set(message.id, message);
    }
    for (const each of typing) expect(log.momentOf(each), "[T5] typing").toBeLessThan(end);
    this.#noteReads(room, reads?.readMessageIds ?? {});
  }

  #noteReads(room: Room, readMessageIds: Readonly<Record<string, bigint>>): void {
    const { roomId, id } = room.membership;
    const { members: changes, reads } = this.#world.log.model.rooms.get(roomId)!;
    const members = membershipsIn(changes);
    const end = members.find((member) => member.id === id && member.removedAt)?.memberSeq;
    for (const [user, messageId] of Object.entries(readMessageIds)) {
      const userId = BigInt(user);
      const ids = new Set(members.flatMap((member) => (member.userId === userId ? [member.id] : [])));
      const own = [...ids].flatMap((id) => reads.get(id)!);
      if (!room.gone.has(userId)) {
        const last = room.moves.get(userId) ?? 0;
        const move = own.findIndex((place, i) => i >= last && place.messageId === messageId);
        expect(move, "a read position that is not older than the last").toBeGreaterThanOrEqual(0);
        room.moves.set(userId, move);
        room.reads.set(userId, messageId);
      }
      const places = own.filter((place) => place.messageId === messageId);
      expect(places, "it has been read").not.toEqual([]);
      const isBeforeEnd = places.some(({ memberSeq }) => end === undefined || memberSeq < end);
      expect(isBeforeEnd, "[T5] a read position").toBe(true);
    }
  }

  #noteEvent({ event }: Event): void {
    if (event.case === "memberRemoved") {
      const { id, roomId, userId } = event.value;
      const room = this.#rooms.get(roomId)!;
      expect(this.#plan.endsWhenRemoved).toBe(false);
      expect(room.isOver, "[T5] the end comes once").toBe(false);
      expect({ id, userId }).toEqual({ id: room.membership.id, userId: this.#plan.userId });
      expect(this.#world.log.endOf(roomId, id), "[T5] it has ended").toBeDefined();
      room.isOver = true;
    } else if (event.case === "readMoved") {
      const room = this.#rooms.get(event.value.roomId)!;
      expect(room.isOver, "[T5] a read position after the end of the membership").toBe(false);
      expect(Object.keys(event.value.readMessageIds)).toEqual([`${this.#plan.userId}`]);
      this.#noteReads(room, event.value.readMessageIds);
    } else if (event.case === "caughtUp" || event.case === "heartbeat") {
      const told = Object.entries(event.value.cursors).map(([roomId, { seq }]) => `${roomId}/${seq}`);
      const open = [...this.#rooms].filter(([, { isOver }]) => !isOver);
      const own = open.map(([roomId, { seen }]) => `${roomId}/${seen.seq}`);
      expect(told.sort(), `[T1] ${event.case}`).toEqual(own.sort());
      for (const [roomId, room] of open) this.#checkMemberSeq(room, event.value.cursors[`${roomId}`]!.memberSeq);
    } else expect.unreachable(`${event.case}`);
  }

  /** A cursor is where the reader is, or after memberships that it had before this one, which it is not told of. */
  #checkMemberSeq({ membership: { roomId, id }, seen }: Room, memberSeq: bigint): void {
    const { members } = this.#world.log.logs(roomId);
    expect(memberSeq, "[T1] member_seq").toBeGreaterThanOrEqual(seen.memberSeq);
    for (const member of members.slice(Number(seen.memberSeq), Number(memberSeq))) {
      const isFormer = subjectOf(member) === this.#plan.userId && member.id !== id;
      expect(isFormer, "[T1] members that the cursor passes over").toBe(true);
    }
  }

  async #leaveAfter(pauses: number): Promise<void> {
    for (let i = 0; i < pauses; i++) await this.#world.pause("reader is about to leave");
    this.leave();
  }

  leave(): void {
    this.#hasLeft = true;
    this.#tail?.close(this.reason);
  }

  /** Whoever has left has a part of the logs, which was looked at as it came; whoever stayed has all of them. */
  check(): void {
    if (this.ended === undefined) {
      for (const room of this.#rooms.values()) this.#checkRoom(room);
    } else if (this.ended instanceof ConnectError) {
      expect(this.#plan.endsWhenRemoved).toBe(true);
      expect(this.ended.code).toBe(Code.NotFound);
      const ends = [...this.#rooms.values()].map(({ membership: { roomId, id } }) => this.#world.log.endOf(roomId, id));
      expect(
        ends.some((end) => end !== undefined),
        "[T5] a membership has ended",
      ).toBe(true);
    } else if (this.ended !== "no rooms" && this.ended !== this.reason) throw this.ended;
  }

  /** After a heartbeat's time, it also heard that it has everything. */
  checkHeartbeat(): void {
    if (this.ended !== undefined) return;
    expect(["heartbeat", "caughtUp"]).toContain(this.#last?.$typeName === "chat_grpc.Event" && this.#last.event.case);
  }

  /** Whoever came from a cursor knows where all members have read to; whoever began now, of those it was told of. */
  checkReads(): void {
    if (this.ended !== undefined || this.#plan.endsWhenRemoved) return;
    for (const { membership, reads, isOver } of this.#rooms.values()) {
      if (isOver) continue;
      const logs = this.#world.log.logs(membership.roomId);
      const current = positionsOf(logs);
      const told = [...current].filter(([userId]) => this.#plan.behind !== undefined || reads.has(userId));
      const known = [...reads].filter(([userId]) => membersOf(logs).has(userId));
      // Who isn't told of has read nothing.
      const some = (positions: [bigint, bigint][]) => new Map(positions.filter(([, messageId]) => messageId > 0n));
      expect(some(known), `[T6] read positions in room ${membership.roomId}`).toEqual(some(told));
    }
  }

  #checkRoom({ membership: { roomId, id }, start, seen, messages, members, isOver }: Room): void {
    const { log } = this.#world;
    expect(isOver, `[T5] knows whether it is in room ${roomId}`).toBe(log.endOf(roomId, id) !== undefined);
    if (isOver) return;
    expect(seen, `[T2] has all of room ${roomId}`).toEqual(log.head(roomId));
    const logs = log.logs(roomId);
    const newMessages = logs.messages.filter(({ seq }) => seq > start.seq);
    expect(messages).toEqual(new Map(newMessages.map((message) => [message.id, message])));
    const newMembers = logs.members.filter(({ memberSeq }) => memberSeq > start.memberSeq);
    const latest = new Map(newMembers.map((member) => [subjectOf(member), member.memberSeq]));
    expect(new Map([...members].map(([userId, { memberSeq }]) => [userId, memberSeq]))).toEqual(latest);
  }
}
