import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Cursor,
  type ListMembersRes,
  type ListMessagesRes,
  type ListRoomsRes,
  ListRoomsResSchema,
  type Member,
  MemberSchema,
  type Message,
  type ReadMoved,
  ReadMovedSchema,
  type Room,
  RoomSchema,
} from "../../gen/chat_pb.ts";
import { type News, NewsSchema, type ReadMark, ReadMarkSchema } from "../../gen/room/room_pb.ts";
import type { ViewedRoom } from "../../src/chat/caller.ts";
import { notInRoom } from "../../src/chat/errors.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import type {
  ChangedRooms,
  ChatStore,
  Commit,
  LogPage,
  LogPlace,
  Memberships,
  PageSize,
  Position,
  Reading,
  RoomChange,
} from "../../src/chat/store.ts";
import { type Answer, type Call, lastText, Model, type ModelRoom, orRefused, Refused } from "./model.ts";
import { changesAfter, fitting, headOf, membersOf, positionsOf } from "./room-logs.ts";

export const at = (n: bigint | number) => timestampFromMs(1_800_000_000_000 + Number(n));

type Requests = { readonly [M in Call["method"]]: Extract<Call, { method: M }>["request"] };

/** The model as a store, for tests of what stands on a store. It also does its work at once, for those who can't wait. */
export class MemoryStore implements ChatStore {
  readonly model: Model;
  /** The oldest change that is kept, by room; the first one, if not said. */
  readonly firstSeqs = new Map<bigint, bigint>();
  /** Rooms that one answer of changedRooms() has at most. */
  changedRoomsPage = Number.POSITIVE_INFINITY;
  /** By room: the revision of its newest change, the oldest first. */
  readonly #revisions = new Map<bigint, bigint>();
  #revision = 0n;
  /** The rooms that are yet to come, by page token. */
  readonly #listings = new Map<string, readonly bigint[]>();
  #lastId = 0n;
  #time = 0;

  /** @param pageBytes what the texts of a page of messages or rooms may take in JSON */
  constructor(pageBytes?: number) {
    this.model = new Model(pageBytes);
    this.model.epoch = "memory";
  }

  createRoom = async (req: Requests["createChatRoom"]): Promise<Room> => this.openNow(req);

  commit = async (changes: readonly RoomChange[]): Promise<Commit> => this.commitNow(changes);

  openNow(req: Requests["createChatRoom"], id = ++this.#lastId): Room {
    const creator = create(MemberSchema, { id: ++this.#lastId, ...this.#times() });
    const given = create(RoomSchema, { id, ...this.#times() });
    const room = answered(() => this.model.createChatRoom(req, given, creator));
    this.#touch(id);
    return room;
  }

  commitNow(changes: readonly RoomChange[]): Commit {
    const before = new Map([...this.model.rooms].map(([id, room]) => [id, { ...headOf(room), ...room.room }]));
    const reads: ReadMark[] = [];
    const outcomes = changes.map((change) => {
      const answer = this.#apply(change, reads);
      return answer instanceof Refused ? this.#refusal(answer, change) : (answer as Message);
    });
    const touched = [...new Set(changes.map(({ value }) => value.roomId))].flatMap(
      (id) => this.model.rooms.get(id) ?? [],
    );
    const news = touched.flatMap((room) => {
      const was = before.get(room.room.id)!;
      const made = newsSince(room, was);
      const hasGrown = made.messages.length + made.members.length > 0;
      if (hasGrown || was.ownerId !== room.room.ownerId) this.#touch(room.room.id);
      return hasGrown ? [made] : [];
    });
    return { outcomes, news, reads };
  }

  async readLogs(places: readonly LogPlace[], size: PageSize): Promise<readonly (LogPage | undefined)[]> {
    const pages = new Map<string, LogPage | undefined>();
    return places.map(({ roomId, after: { seq, memberSeq } }) => {
      const place = `${roomId}/${seq}/${memberSeq}`;
      if (!pages.has(place)) pages.set(place, this.#page(roomId, { seq, memberSeq }, size));
      return pages.get(place);
    });
  }

  async memberships(userId: bigint, roomIds: readonly bigint[], byRight: readonly bigint[] = []): Promise<Memberships> {
    const of = [...new Set([...roomIds, ...byRight])].flatMap((roomId) => {
      const room = this.model.rooms.get(roomId);
      const member = room && roomIds.includes(roomId) ? membersOf(room).get(userId) : undefined;
      if (!room || !(member || byRight.includes(roomId))) return [];
      const { id, readMessageId } = member ?? { id: 0n, readMessageId: 0n };
      return [{ roomId, id, readMessageId, head: this.head(roomId), firstSeq: this.#firstSeq(roomId) }];
    });
    return { epoch: this.model.epoch, revision: this.#revision, of };
  }

  async changedRooms(after: bigint, among?: readonly bigint[]): Promise<ChangedRooms> {
    const changed = [...this.#revisions].filter(([roomId, revision]) => {
      return revision > after && (among?.includes(roomId) ?? true);
    });
    const page = changed.slice(0, this.changedRoomsPage);
    const isWhole = page.length === changed.length;
    return {
      epoch: this.model.epoch,
      revision: isWhole ? this.#revision : page.at(-1)![1],
      rooms: page.map(([roomId]) => ({ roomId, head: this.head(roomId) })),
      isWhole,
    };
  }

  getRoom = async (request: Requests["getRoom"], reading?: Reading): Promise<Room> => {
    return answered(() => this.model.getRoom(request, undefined, reading));
  };
  listMessages = async (request: Requests["listMessages"], reading?: Reading): Promise<ListMessagesRes> => {
    return answered(() => this.model.listMessages(request, undefined, reading));
  };
  listMembers = async (request: Requests["listMembers"], reading?: Reading): Promise<ListMembersRes> => {
    return answered(() => this.model.listMembers(request, undefined, reading));
  };
  isMember = async (request: Requests["isMember"]): Promise<boolean> => {
    return answered(() => this.model.isMember(request)).isMember;
  };

  async roomsByKey(keys: readonly string[]): Promise<Map<string, ViewedRoom>> {
    const rooms = [...this.model.rooms.values()].flatMap(({ room: { id, postId } }) => {
      return [`${id}`, `post:${postId}`].map((key) => [key, { id, postId }] as const);
    });
    return new Map(rooms.filter(([key]) => keys.includes(key)));
  }

  /** The pages after the first go through the rooms in the order that they had at the first. */
  async listRooms({ userId, limit, pageToken }: Requests["listRooms"]): Promise<ListRoomsRes> {
    const all = this.model.roomsOf(userId);
    const order = pageToken === "" ? all.map(({ room }) => room!.id) : this.#listings.get(pageToken);
    if (!order) throw new ConnectError("no such page", Code.InvalidArgument);
    const due = order.flatMap((id) => all.find(({ room }) => room!.id === id) ?? []);
    const rooms = fitting(due.slice(0, limit || 50), this.model.pageBytes, lastText);
    const nextPageToken = due.length > rooms.length ? `page ${this.#listings.size}` : "";
    if (nextPageToken !== "") {
      this.#listings.set(
        nextPageToken,
        due.slice(rooms.length).map(({ room }) => room!.id),
      );
    }
    return create(ListRoomsResSchema, { rooms, nextPageToken });
  }

  ping = async () => {};

  async [Symbol.asyncDispose](): Promise<void> {}

  head(roomId: bigint): Position {
    const { seq, memberSeq } = headOf(this.model.rooms.get(roomId)!);
    return { seq, memberSeq };
  }

  #apply(change: RoomChange, reads: ReadMark[]): Answer {
    const { roomId } = change.value;
    const room = this.model.rooms.get(roomId);
    const before = room && positionsOf(room);
    const call = { method: change.case, request: change.value } as Call;
    const given: object = { id: ++this.#lastId, ...this.#times() };
    const answer = this.model.answer(call, given as Message);
    if (change.case === "markRead" && room && !(answer instanceof Refused)) {
      const { userId, readMessageId: messageId } = answer as Member;
      const mark = { roomId, userId, messageId, memberSeq: headOf(room).memberSeq, members: membersOf(room).size };
      if (messageId !== before!.get(userId)) reads.push(create(ReadMarkSchema, mark));
    }
    return answer;
  }

  /** Every time that a change may have. */
  #times() {
    const now = at(++this.#time);
    return { createdAt: now, updatedAt: now, removedAt: now, deletedAt: now };
  }

  #touch(roomId: bigint): void {
    this.#revisions.delete(roomId);
    this.#revisions.set(roomId, ++this.#revision);
  }

  #firstSeq(roomId: bigint): bigint {
    return this.firstSeqs.get(roomId) ?? 1n;
  }

  #page(roomId: bigint, after: Position, { changes, bytes }: PageSize): LogPage | undefined {
    const room = this.model.rooms.get(roomId);
    if (!room) return undefined;
    const allMembers = changesAfter(room.members, after.memberSeq, ({ userId }) => userId);
    const members = allMembers.slice(0, changes);
    const allMessages = changesAfter(room.messages, after.seq, ({ id }) => id);
    const isWhole = members.length === allMembers.length;
    const messages = isWhole ? fitting(allMessages.slice(0, changes), bytes, ({ body }) => body) : [];
    const head = this.head(roomId);
    const news = create(NewsSchema, { roomId, messages, members, memberSeq: head.memberSeq });
    const isAtHead = isWhole && messages.length === allMessages.length;
    const isShared = membersOf(room).size <= SHARED_READS_MEMBERS;
    const reads = isAtHead && isShared ? byUser(positionsOf(room)) : undefined;
    return { news, reads, head, firstSeq: this.#firstSeq(roomId) };
  }

  #refusal({ code }: Refused, { value: { roomId, ...value } }: RoomChange): ConnectError {
    const asked = "actorId" in value ? value.actorId : value.userId;
    return code === Code.NotFound ? notInRoom(roomId, asked) : new ConnectError(Code[code], code);
  }
}

export function readMoved(roomId: bigint, positions: ReadonlyMap<bigint, bigint>): ReadMoved {
  return create(ReadMovedSchema, { roomId, readMessageIds: byUser(positions) });
}

function byUser(positions: ReadonlyMap<bigint, bigint>): Record<string, bigint> {
  return Object.fromEntries([...positions].map(([userId, messageId]) => [`${userId}`, messageId]));
}

/** What a room's logs have after a place. */
export function newsSince(room: ModelRoom, { seq, memberSeq }: Pick<Cursor, "seq" | "memberSeq">): News {
  return create(NewsSchema, {
    roomId: room.room.id,
    messages: room.messages.slice(Number(seq)),
    members: room.members.slice(Number(memberSeq)),
    memberSeq: headOf(room).memberSeq,
  });
}

function answered<T>(ask: () => T): T {
  const answer = orRefused(ask);
  if (answer instanceof Refused) throw new ConnectError(Code[answer.code], answer.code);
  return answer;
}
