import { clone, create, equals, toJsonString } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import {
  type Cursor,
  CursorSchema,
  type Event,
  EventSchema,
  type Member,
  MemberSchema,
  type Message,
  MessageSchema,
  type ReadMoved,
  type Room,
  RoomSchema,
  StreamEventsReqSchema,
  StreamMessageReqSchema,
  type Typing,
} from "../../gen/chat_pb.ts";
import type { ChatClient } from "../support/clients.ts";
import { type Model, type ModelRoom, orRefused, Refused, type StreamStart } from "../support/model.ts";
import { headOf, membershipsIn, membersOf, messagesOf, positionsOf, subjectOf } from "../support/room-logs.ts";
import { TestEvents, TestStream } from "../support/test-stream.ts";
import { FollowedList, type ListEvent } from "./followed-list.ts";

/** When a membership ended. */
export interface End {
  readonly seq: bigint;
  readonly memberSeq: bigint;
  readonly moment: number;
}

/** What a reader has to know of a history, beside the model. */
export interface Past {
  readonly model: Model;
  /** By membership that has ended. */
  readonly ended: ReadonlyMap<bigint, End>;
  /** By membership and message: the moments when the membership came to have read so far. */
  readonly readAt: ReadonlyMap<string, readonly number[]>;
  /** By membership: when its read position last moved. */
  readonly movedAt: ReadonlyMap<bigint, number>;
  /** How often SendTyping was answered, by room and user. */
  readonly typed: ReadonlyMap<string, number>;
  /** What was seen, so that the tests can tell that they have seen everything. */
  saw(what: string): void;
}

/** What a reader follows. */
export type ReaderKind = "events" | "messages" | "events and the list";

/** Where to start in a room: a cursor, or now. */
export type Start = Cursor | "now";

/** What a client keeps of a room. */
interface RoomState {
  cursor: Cursor;
  readonly messages: Map<bigint, Message>;
  readonly members: Map<bigint, Member>;
  /** Read positions that it was told of, by user, each with the earliest moment that it can be of. */
  readonly positions: Map<bigint, { readonly messageId: bigint; readonly moment: number }>;
}

/** A room of the stream that is open. */
interface Followed {
  /** The reader's membership when the stream began; two, if it may have been either. */
  readonly memberships: Set<bigint>;
  isOver: boolean;
  /** It came back to a room that had moved on, and has to say when it has caught up. */
  isCatchingUp: boolean;
  /** Members whose read positions it has to be told, at least as they were when it came back. */
  readonly due: readonly (Member & { readonly moment: number })[];
}

interface Opening {
  readonly expected: StreamStart | Refused;
  readonly start: () => StreamStart | Refused;
}

/**
 * A client that follows rooms, keeps what it learns, and resumes from the cursors it has reached. It checks each thing
 * it receives against the model: whether it happened, comes in order, once, with nothing left out, and may be known.
 */
export class Reader implements AsyncDisposable {
  readonly #past: Past;
  readonly #clients: readonly ChatClient[];
  readonly #name: string;
  readonly userId: bigint;
  readonly kind: "events" | "messages";
  /** What it has of the user's list, if it follows that. */
  readonly #list: FollowedList | undefined;
  /** By room: what it has learnt. */
  readonly rooms = new Map<bigint, RoomState>();
  #stream: TestEvents | TestStream | undefined;
  #error: ConnectError | Error | undefined;
  #opening: Opening | undefined;
  #followed = new Map<bigint, Followed>();
  #resets: bigint[] = [];
  #heartbeatSeconds = 0;
  #heartbeats = 0;
  #typing = new Map<string, { count: number; expiresAt: number }>();
  #streams = 0;

  /** @param clients of the servers; it begins with the first, and goes to the next one whenever it comes back */
  constructor(past: Past, clients: readonly ChatClient[], name: string, userId: bigint, kind: ReaderKind) {
    this.#past = past;
    this.#clients = clients;
    this.#name = name;
    this.userId = userId;
    this.kind = kind === "messages" ? kind : "events";
    if (kind === "events and the list") this.#list = new FollowedList(past, userId);
  }

  /** Whether it has something to come back to. */
  get canResume(): boolean {
    return this.rooms.size > 0 || this.#list !== undefined;
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** The heartbeats of the stream, which are to come every second; or nothing, if it has none. */
  get heartbeats(): number | undefined {
    return this.kind === "events" && this.isOpen && this.#heartbeatSeconds === 1 ? this.#heartbeats : undefined;
  }

  toString(): string {
    return `${this.#name} (${this.kind} of user ${this.userId})`;
  }

  /** Begins a stream of the rooms; confirm() says whether it was right. */
  begin(starts: ReadonlyMap<bigint, Start>, heartbeatSeconds: number, stray?: bigint): void {
    const roomIds = [...starts.keys()];
    const cursors = [...starts].filter((entry): entry is [bigint, Cursor] => entry[1] !== "now");
    if (stray) cursors.push([stray, create(CursorSchema)]);
    const client = this.#clients[this.#streams++ % this.#clients.length]!;
    // Each server knows only of the typing that it has passed on.
    if (this.#clients.length > 1) for (const typing of this.#typing.values()) typing.expiresAt = 0;
    let start: Opening["start"];
    if (this.kind === "events") {
      const after = Object.fromEntries(cursors.map(([id, cursor]) => [`${id}`, clone(CursorSchema, cursor)]));
      const request = create(StreamEventsReqSchema, {
        roomIds,
        userId: this.userId,
        after,
        heartbeatSeconds,
        ...this.#list?.from,
      });
      start = () => orRefused(() => this.#past.model.streamEvents(request));
      this.#stream = new TestEvents(client, request);
    } else {
      const afterSeq = Object.fromEntries(cursors.map(([id, { seq }]) => [`${id}`, seq]));
      const epoch = this.#epochOf(cursors.map(([, { epoch }]) => epoch));
      const request = create(StreamMessageReqSchema, { roomIds, userId: this.userId, afterSeq, epoch });
      start = () => orRefused(() => this.#past.model.streamMessage(request));
      this.#stream = new TestStream(client, request);
    }
    const expected = start();
    this.#opening = { expected, start };
    this.#followed = new Map(
      roomIds.map((id) => {
        const cursor = expected instanceof Refused ? undefined : expected.cursors.get(id);
        const isCatchingUp = cursor !== undefined && !this.#isAtHead(id, cursor);
        const isBack = starts.get(id) !== "now" && !(expected instanceof Refused) && !expected.resets.includes(id);
        const room = this.#past.model.rooms.get(id);
        const moved = room && positionsOf(room);
        const due = isBack && room ? [...membersOf(room).values()].filter(({ userId }) => moved!.has(userId)) : [];
        const positions = due.map((member) => ({ ...member, moment: this.#past.movedAt.get(member.id)! }));
        return [id, { memberships: this.#membership(id), isOver: false, isCatchingUp, due: positions }];
      }),
    );
    this.#heartbeatSeconds = heartbeatSeconds;
    this.#error = undefined;
    const stream = this.#stream;
    stream.ended.then((error) => {
      if (this.#stream === stream) this.#error = error ?? new Error("ended without an error");
    });
  }

  /** Begins again where it is. */
  resume(heartbeatSeconds: number): void {
    this.begin(new Map([...this.rooms].map(([id, { cursor }]) => [id, cursor])), heartbeatSeconds);
  }

  /** Waits until the stream is live or refused, which has to be what the model said, before or since. */
  async confirm(): Promise<void> {
    const { expected, start } = this.#opening!;
    const stream = this.#stream!;
    const possible = [expected, start()];
    let hasChanged = false;
    for (const [id, { memberships }] of this.#followed) {
      const before = [...memberships];
      const now = this.#membership(id);
      for (const membership of now) memberships.add(membership);
      if (now.size !== before.length || memberships.size !== before.length) hasChanged = true;
    }
    // Headers may come before a refusal, so they tell little where one has to be reckoned with.
    let isLive = false;
    stream.live.then(
      () => (isLive = true),
      () => {},
    );
    const hasBegun = () => (this.kind === "events" ? stream.received.length > 0 : isLive);
    await until(5_000, () => hasBegun() || this.#error !== undefined);
    const isCertain = this.kind === "events" || !(hasChanged || expected instanceof Refused);
    if (!isCertain) await until(200, () => this.#error !== undefined);
    this.#opening = undefined;

    const error = this.#error;
    if (error && stream.received.length === 0) {
      const code = "code" in error ? error.code : undefined;
      const isPossible = possible.some((each) => each instanceof Refused && each.code === code);
      this.#check(isPossible || (hasChanged && code === Code.NotFound), `was refused: ${error}`);
      this.#past.saw(`stream refused: ${Code[code!]}`);
      await this.#end();
      return;
    }
    const begun = possible.find((each): each is StreamStart => !(each instanceof Refused));
    if (!begun) throw this.#wrong(`was not refused with ${Code[(expected as Refused).code]}`);
    this.#resets = [...begun.resets];
    for (const [id, cursor] of begun.cursors) {
      const kept = this.rooms.get(id);
      const isKept =
        kept?.cursor.seq === cursor.seq && (this.kind === "messages" || kept.cursor.memberSeq === cursor.memberSeq);
      if (isKept) continue;
      const room = this.#roomOf(id);
      const [messages, members] = [messagesOf(room, cursor.seq), membersOf(room, cursor.memberSeq)];
      this.rooms.set(id, { cursor: clone(CursorSchema, cursor), messages, members, positions: new Map() });
    }
  }

  /** Takes in what has arrived. */
  absorb(): void {
    if (!this.#stream || this.#opening) return;
    const [first] = this.#stream.received;
    for (const item of this.#stream.takeNew()) {
      if (item.$typeName === MessageSchema.typeName) this.#onMessage(item);
      else this.#onEvent(item, item === first);
    }
    const error = this.#error;
    if (!error) return;
    if (!this.#isEnded(error)) throw this.#wrong(`ended: ${error}`);
    this.#past.saw("stream ended: NotFound");
    void this.#end();
  }

  /** Whether it has received all that happened. */
  get isSettled(): boolean {
    if (!this.#stream) return true;
    if (this.#opening || this.#resets.length > 0 || this.#list?.isWrong) return false;
    return [...this.#followed].every(([id, { memberships, isOver, isCatchingUp }]) => {
      if (isOver) return true;
      const isDeleted = this.#past.model.deleted.has(id);
      const hasEnded = isDeleted || [...memberships].every((membership) => this.#past.ended.has(membership));
      const isCaughtUp = this.kind === "messages" || (!isCatchingUp && this.#knowsPositions(id));
      return !hasEnded && isCaughtUp && this.#isAtHead(id, this.rooms.get(id)!.cursor);
    });
  }

  /** Says what it waits for. */
  late(): Error {
    const heads = [...this.#followed.keys()].map((id) => {
      const { seq, memberSeq } = headOf(this.#roomOf(id));
      const isEvents = this.kind === "events";
      const positions = isEvents && !this.#knowsPositions(id) ? ", and read positions" : "";
      const caughtUp = isEvents && this.#followed.get(id)!.isCatchingUp ? ", and caught_up" : "";
      return `${id}: ${seq}, ${memberSeq}${positions}${caughtUp}`;
    });
    return this.#wrong(
      `waits in vain; the heads: ${heads.join("; ")}${this.#list?.isWrong ? `; the list, ${this.#list.isWrong}` : ""}`,
    );
  }

  /** Has to be settled: has it the state of the tables? */
  verify(): void {
    for (const [id, { messages, members }] of this.rooms) {
      const room = this.#past.model.rooms.get(id)!;
      const text = (each: ReadonlyMap<bigint, Message>) => {
        return [...each.values()].sort((a, b) => Number(a.id - b.id)).map((each) => toJsonString(MessageSchema, each));
      };
      this.#check(`${text(messages)}` === `${text(messagesOf(room))}`, `knows other messages of room ${id}`);
      if (this.kind === "messages") continue;
      const current = membersOf(room);
      const isSame = [...current].every(([user, member]) => {
        const known = members.get(user);
        return known && isSameMembership(known, member);
      });
      this.#check(isSame && members.size === current.size, `knows other members of room ${id}`);
    }
  }

  /** Leaves, and keeps what it has learnt. */
  async drop(): Promise<void> {
    if (!this.#opening) this.absorb();
    await this.#end();
  }

  /** Forgets the rooms it is no longer a member of, as a client does that was told NOT_FOUND. */
  forget(): void {
    for (const id of this.rooms.keys()) if (this.#membership(id).size === 0) this.rooms.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#opening = undefined;
    await stream?.[Symbol.asyncDispose]();
  }

  #onEvent(item: Event, isFirst: boolean): void {
    const { case: kind, value } = item.event;
    this.#past.saw(`event: ${kind}`);
    this.#check(isFirst === (kind === "caughtUp" && isFirst), "didn't begin with caught_up");
    switch (kind) {
      case "message":
        return this.#onMessage(value);
      case "memberAdded":
      case "memberRemoved":
        return this.#onMember(kind, value);
      case "roomUpdated":
        return this.#onRoom(value);
      case "roomDeleted":
        return this.#onDeleted(value.roomId);
      case "readMoved":
        return this.#onReadMoved(value);
      case "caughtUp":
      case "heartbeat": {
        const reached = [...this.#followed].filter(([, { isOver }]) => !isOver).map(([id]) => id);
        const isRight = reached.every((id) => {
          const cursor = value.cursors[`${id}`];
          return cursor && equals(CursorSchema, cursor, this.rooms.get(id)!.cursor);
        });
        const isAll = Object.keys(value.cursors).length === reached.length;
        this.#check(isRight && isAll, `has reached other cursors than ${toJsonString(EventSchema, item)}`);
        this.#list?.reach(value.list);
        if (kind === "heartbeat") this.#heartbeats++;
        else if (!isFirst) for (const id of reached) this.#followed.get(id)!.isCatchingUp = false;
        return;
      }
      case "reset": {
        const place = this.#resets.indexOf(value.roomId);
        this.#check(place >= 0, `was reset in room ${value.roomId}`);
        this.#resets.splice(place, 1);
        const cursor = this.rooms.get(value.roomId)!.cursor;
        this.#check(equals(CursorSchema, value.cursor!, cursor), `was reset to another cursor in room ${value.roomId}`);
        return;
      }
      case "typing":
        return this.#onTyping(value);
      case "roomChanged":
      case "roomLeft": {
        const problem = this.#list?.take(item.event as ListEvent) ?? "what it doesn't follow";
        return this.#check(problem === "", `received of the list ${problem}: ${toJsonString(EventSchema, item)}`);
      }
      default:
        throw this.#wrong(`received ${toJsonString(EventSchema, item)}`);
    }
  }

  #onMessage(message: Message): void {
    const room = this.#openRoom(message.roomId);
    const { cursor, messages } = this.rooms.get(message.roomId)!;
    const log = this.#roomOf(message.roomId).messages;
    const text = toJsonString(MessageSchema, message);
    this.#follows(message.seq, cursor.seq, log, (a, b) => a.id === b.id, text);
    this.#check(equals(MessageSchema, log[Number(message.seq) - 1]!, message), "received something that never was");
    const mayKnow = [...room.memberships].some((id) => message.seq <= (this.#past.ended.get(id)?.seq ?? message.seq));
    this.#check(mayKnow, `received change ${message.seq} of room ${message.roomId} after its membership`);
    messages.set(message.id, message);
    cursor.seq = message.seq;
  }

  #onRoom(record: Room): void {
    this.#openRoom(record.id);
    const { cursor } = this.rooms.get(record.id)!;
    const log = this.#roomOf(record.id).members;
    const text = `roomUpdated ${toJsonString(RoomSchema, record)}`;
    this.#follows(record.memberSeq, cursor.memberSeq, log, isSameSubject, text);
    const past = log[Number(record.memberSeq) - 1]!;
    const { memberCount, updatedAt } = record;
    const isRight =
      isRecord(past) && equals(RoomSchema, { ...past, memberCount, ...(updatedAt && { updatedAt }) }, record);
    this.#check(isRight, `received what never was: ${text}`);
    cursor.memberSeq = record.memberSeq;
  }

  #onDeleted(roomId: bigint): void {
    const room = this.#openRoom(roomId);
    this.#check(this.#past.model.deleted.has(roomId), `was told that room ${roomId} is deleted`);
    room.isOver = true;
    this.rooms.delete(roomId);
  }

  /** Also one that is deleted. */
  #roomOf(id: bigint): ModelRoom {
    return (this.#past.model.rooms.get(id) ?? this.#past.model.deleted.get(id))!;
  }

  #onMember(kind: "memberAdded" | "memberRemoved", member: Member): void {
    const room = this.#openRoom(member.roomId);
    this.#check((kind === "memberRemoved") === (member.removedAt !== undefined), `received ${kind}`);
    if (kind === "memberRemoved" && member.userId === this.userId) {
      const isTrue = room.memberships.has(member.id) && this.#past.ended.has(member.id);
      this.#check(isTrue, `was told of the end of its membership ${member.id} of room ${member.roomId}`);
      this.#past.saw("own membership ended");
      room.isOver = true;
      this.rooms.delete(member.roomId);
      return;
    }
    const { cursor, members, positions } = this.rooms.get(member.roomId)!;
    const { members: log, reads } = this.#roomOf(member.roomId);
    const text = `${kind} ${toJsonString(MemberSchema, member)}`;
    this.#follows(member.memberSeq, cursor.memberSeq, log, isSameSubject, text);
    const past = log[Number(member.memberSeq) - 1]!;
    this.#check(!isRecord(past) && isSameMembership(past, member), `received what never was: ${text}`);
    this.#check(
      reads.get(member.id)!.some(({ messageId }) => messageId === member.readMessageId),
      `received a position that never was: ${text}`,
    );
    const mayKnow = [...room.memberships].some((id) => {
      return member.memberSeq < (this.#past.ended.get(id)?.memberSeq ?? member.memberSeq + 1n);
    });
    this.#check(mayKnow, `received change ${member.memberSeq} of the members of room ${member.roomId} after its own`);
    if (members.get(member.userId)?.id === member.id) {
      this.#past.saw(`event: ${kind} of a member who was known`);
    } else {
      positions.delete(member.userId); // another membership, another position
    }
    if (kind === "memberRemoved") members.delete(member.userId);
    else members.set(member.userId, member);
    cursor.memberSeq = member.memberSeq;
  }

  #onReadMoved({ roomId, readMessageIds }: ReadMoved): void {
    const room = this.#openRoom(roomId);
    const { positions } = this.rooms.get(roomId)!;
    const log = membershipsIn(this.#roomOf(roomId).members);
    const all = Object.entries(readMessageIds).map(([user, position]) => [BigInt(user), position] as const);
    this.#check(all.length > 0, "was told that no position moved");
    for (const [userId, position] of all) {
      const text = `position ${position} of user ${userId} in room ${roomId}`;
      const memberships = new Set(log.filter((member) => member.userId === userId).map(({ id }) => id));
      const moments = [...memberships].flatMap((id) => this.#past.readAt.get(`${id}/${position}`) ?? []);
      this.#check(moments.length > 0, `was told of ${text}, which never was`);
      const mayKnow = [...room.memberships].some((id) => {
        return moments.some((moment) => moment <= (this.#past.ended.get(id)?.moment ?? moment));
      });
      this.#check(mayKnow, `was told of ${text} after its membership`);
      const before = positions.get(userId);
      const moment = moments.find((each) => each >= (before?.moment ?? 0));
      this.#check(moment !== undefined, `was told of ${text}, which was at ${before?.messageId} later`);
      positions.set(userId, { messageId: position, moment: moment! });
    }
  }

  /** Whether it was told all positions that it may have missed while it was away, at once or within their interval. */
  #knowsPositions(roomId: bigint): boolean {
    const current = membersOf(this.#roomOf(roomId));
    const positions = this.rooms.get(roomId)?.positions;
    return this.#followed.get(roomId)!.due.every(({ id, userId, readMessageId, moment }) => {
      const told = positions?.get(userId);
      const since = told && this.#past.readAt.get(`${id}/${told.messageId}`)?.some((each) => each >= moment);
      return since || told?.messageId === readMessageId || current.get(userId)?.id !== id;
    });
  }

  /** A change comes after the one before it; those between them have to be of what changed again later. */
  #follows<T>(seq: bigint, cursor: bigint, log: readonly T[], isSame: (a: T, b: T) => boolean, text: string): void {
    this.#check(seq > cursor, `received twice, or too late: ${text}`);
    this.#check(Number(seq) <= log.length, `received what didn't happen: ${text}`);
    const skipped = log.slice(Number(cursor), Number(seq) - 1);
    const missed = skipped.find((each, i) => !log.slice(Number(cursor) + i + 1).some((later) => isSame(each, later)));
    this.#check(missed === undefined, `missed a change after ${cursor}: received ${text}`);
    if (skipped.length > 0) this.#past.saw("stream: several changes in one");
  }

  #onTyping({ roomId, userId, expiresAt }: Typing): void {
    this.#openRoom(roomId);
    const key = `${roomId}/${userId}`;
    const { count, expiresAt: last } = this.#typing.get(key) ?? { count: 0, expiresAt: 0 };
    const expires = timestampMs(expiresAt!);
    this.#check(count < (this.#past.typed.get(key) ?? 0), `received more typing of ${key} than there was`);
    this.#check(
      expires - last > 950 && expires < Date.now() + 7_000,
      `received typing of ${key} too often, or too long`,
    );
    this.#typing.set(key, { count: count + 1, expiresAt: expires });
  }

  /** What a request says that has one epoch for all of its cursors: another one, if there is any. */
  #epochOf(epochs: readonly string[]): string {
    return epochs.find((epoch) => epoch !== "" && epoch !== this.#past.model.epoch) ?? epochs[0] ?? "";
  }

  #openRoom(id: bigint): Followed {
    const room = this.#followed.get(id);
    this.#check(room !== undefined, `received something of room ${id}, which it doesn't follow`);
    this.#check(!room!.isOver, `received something of room ${id} after its end`);
    return room!;
  }

  #isAtHead(id: bigint, cursor: Cursor): boolean {
    const { seq, memberSeq } = headOf(this.#roomOf(id));
    return cursor.seq === seq && (this.kind === "messages" || cursor.memberSeq === memberSeq);
  }

  /** Whether the stream had to end so, because a membership has ended. */
  #isEnded(error: ConnectError | Error): boolean {
    if (this.kind === "events" || !("code" in error) || error.code !== Code.NotFound) return false;
    return [...this.#followed].some(([id, { memberships }]) => {
      if (this.#past.model.deleted.has(id)) return true;
      return [...memberships].some((membership) => this.#past.ended.has(membership));
    });
  }

  #membership(roomId: bigint): Set<bigint> {
    const room = this.#past.model.rooms.get(roomId);
    const member = room && membersOf(room).get(this.userId);
    return new Set(member ? [member.id] : []);
  }

  #check(isRight: boolean, problem: string): void {
    if (!isRight) throw this.#wrong(problem);
  }

  #wrong(problem: string): Error {
    const cursors = [...this.rooms].map(
      ([
        id,
        {
          cursor: { seq, memberSeq },
        },
      ]) => `${id}: ${seq}, ${memberSeq}`,
    );
    return new Error(`${this} ${problem}\nits cursors: ${cursors.join("; ")}`);
  }
}

function isRecord(change: Member | Room): change is Room {
  return change.$typeName === RoomSchema.typeName;
}

function isSameSubject(a: Member | Room, b: Member | Room): boolean {
  return subjectOf(a) === subjectOf(b);
}

/** Whether two are the same but for how far the member has read, which is told apart from the log. */
function isSameMembership(a: Member, b: Member): boolean {
  const { readMessageId, updatedAt } = b;
  return equals(MemberSchema, { ...a, readMessageId, ...(updatedAt && { updatedAt }) }, b);
}

/** Waits until it is so, or for some milliseconds. Resolves with whether it is so. */
export async function until(ms: number, isSo: () => boolean): Promise<boolean> {
  for (const giveUp = Date.now() + ms; !isSo(); await new Promise((resolve) => setTimeout(resolve, 1))) {
    if (Date.now() > giveUp) return false;
  }
  return true;
}
