import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMembersReq,
  type AddMembersRes,
  AddMembersResSchema,
  type Cursor,
  GetRoomReqSchema,
  type GetRoomsRes,
  type ListMembersRes,
  type ListMessagesRes,
  type ListRoomsRes,
  ListRoomsResSchema,
  type Member,
  MemberSchema,
  type Message,
  type Room,
  RoomSchema,
  RoomSummarySchema,
  type SearchMessagesReq,
  type SearchMessagesRes,
} from "../../gen/chat_pb.ts";
import { ErasedSchema, type News, NewsSchema, type ReadMark, ReadMarkSchema } from "../../gen/room/room_pb.ts";
import type { ViewedRoom } from "../../src/chat/caller.ts";
import type { ChangePlace } from "../../src/chat/change-place.ts";
import type { ChangedRooms } from "../../src/chat/changed-rooms.ts";
import { noRoomOfKey, notInRoom } from "../../src/chat/errors.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import type { ListedRooms, ListPage, ListPlace } from "../../src/chat/list-page.ts";
import type { ReadPosition } from "../../src/chat/read-positions.ts";
import type {
  Changes,
  ChatStore,
  Commit,
  EnsuredRoom,
  LogPage,
  LogPlace,
  Memberships,
  NewRoom,
  PageSize,
  Position,
  Reading,
  RoomChange,
  RoomNames,
} from "../../src/chat/store.ts";
import { ChangeLedger } from "./change-ledger.ts";
import { searchIn } from "./memory-search.ts";
import { type Answer, type Call, Model, type ModelRoom, orRefused, type PageLimits, Refused } from "./model.ts";
import {
  changesAfter,
  fitting,
  headOf,
  membershipsIn,
  membersOf,
  messagesOf,
  positionsOf,
  recordIn,
  subjectOf,
  summaryText,
  textOf,
} from "./room-logs.ts";

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
  readonly #ledger = new ChangeLedger();
  #revision = 0n;
  /** By room and user: the revision of the latest membership. */
  readonly #memberRevisions = new Map<string, bigint>();
  /** Likewise, those who are members now, and of those who were, the revision of the end. */
  readonly #present = new Set<string>();
  readonly #leftRevisions = new Map<string, bigint>();
  /** The rooms that are yet to come, by page token. */
  readonly #listings = new Map<string, readonly bigint[]>();
  #lastId = 0n;
  #time = 0;

  constructor(limits?: PageLimits) {
    this.model = new Model(limits);
    this.model.epoch = "memory";
  }

  createRoom = async (req: Requests["createChatRoom"]): Promise<Room> => this.openNow(req);

  async ensureRoom(asked: NewRoom, userIds: readonly bigint[]): Promise<EnsuredRoom> {
    const { key, userId } = asked;
    const found = [...this.model.rooms.values()].find(({ room }) => room.key === key);
    const member = create(MemberSchema, { id: ++this.#lastId, ...this.#times() });
    const given = create(RoomSchema, { id: ++this.#lastId, ...this.#times() });
    const room = found ?? this.model.openRoom(asked, given, member);
    if (!found) this.#noteNew(room.room.id);
    const members = [...membersOf(room).values()].sort((a, b) => Number(a.userId - b.userId));
    if (userId > 0n && !members.some((each) => each.userId === userId)) throw noRoomOfKey(key, userId);
    const isAsked = (each: Member) => userIds.includes(each.userId);
    const record = await this.getRoom(byId(room.room.id), "right");
    return { room: record, isNew: !found, members: members.filter(isAsked) };
  }

  commit = async (changes: readonly RoomChange[]): Promise<Commit> => this.commitNow(changes);

  openNow(req: Requests["createChatRoom"], id = ++this.#lastId): Room {
    const creator = create(MemberSchema, { id: ++this.#lastId, ...this.#times() });
    const given = create(RoomSchema, { id, ...this.#times() });
    const room = answered(() => this.model.createChatRoom(req, given, creator));
    this.#noteNew(id);
    return room;
  }

  commitNow(changes: readonly RoomChange[]): Commit {
    const before = new Map([...this.model.rooms].map(([id, room]) => [id, { ...room.room, ...headOf(room) }]));
    const membersBefore = new Map([...this.model.rooms].map(([id, room]) => [id, [...membersOf(room).values()]]));
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
      const hasGrown = made.messages.length + made.members.length > 0 || made.room !== undefined;
      if (hasGrown) {
        this.#touch(room.room.id, made.members);
        this.#ledger.note(made, this.#revision);
      }
      return hasGrown ? [made] : [];
    });
    const deleted = [...before.keys()].filter((id) => !this.model.rooms.has(id));
    for (const roomId of deleted) {
      this.#touch(roomId, ended(membersBefore.get(roomId)!));
      this.#ledger.note(deletion(roomId), this.#revision);
    }
    for (const mark of reads) {
      mark.revision = ++this.#revision;
      this.#memberRevisions.set(`${mark.roomId}/${mark.userId}`, mark.revision);
      this.#ledger.noteRead(mark, mark.revision);
    }
    return { outcomes, news: [...news, ...deleted.map(deletion)], reads };
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
      const read = member && this.readPositions(roomId).get(userId);
      return [{ roomId, id: member?.id ?? 0n, read, head: this.head(roomId), firstSeq: this.#firstSeq(roomId) }];
    });
    return { epoch: this.model.epoch, revision: this.#revision, of };
  }

  async changedRooms(after: bigint, among?: readonly bigint[]): Promise<ChangedRooms> {
    const changed = [...this.#revisions].filter(([roomId, revision]) => {
      return revision > after && (among?.includes(roomId) ?? true);
    });
    const page = changed.slice(0, this.changedRoomsPage);
    const isWhole = page.length === changed.length;
    const [there, deleted] = [true, false].map((is) => {
      return page.map(([roomId]) => roomId).filter((roomId) => this.model.rooms.has(roomId) === is);
    });
    return {
      epoch: this.model.epoch,
      revision: isWhole ? this.#revision : page.at(-1)![1],
      rooms: there!.map((roomId) => ({ roomId, head: this.head(roomId), revision: this.#revisions.get(roomId)! })),
      deleted: deleted!,
      members: among ? undefined : this.#changedMembers(after),
      isWhole,
    };
  }

  async listedRooms(userId: bigint): Promise<ListedRooms> {
    const roomIds = this.model.roomsOf(userId).map(({ room }) => room!.id);
    return { epoch: this.model.epoch, revision: this.#revision, roomIds };
  }

  async changedLists(places: readonly ListPlace[], size: PageSize): Promise<readonly ListPage[]> {
    return places.map((place) => this.#listPage(place, size));
  }

  async changes(after: ChangePlace, size: PageSize): Promise<Changes> {
    const read = ({ room: { id } }: ModelRoom) => {
      const request = create(GetRoomReqSchema, { room: { case: "roomId", value: id } });
      return answered(() => this.model.getRoom(request, undefined, "right"));
    };
    const page = this.#ledger.page(this.model.rooms.values(), read, after, size);
    return { epoch: this.model.epoch, revision: this.#revision, ...page };
  }

  getRoom = async (request: Requests["getRoom"], reading?: Reading): Promise<Room> => {
    return answered(() => this.model.getRoom(request, undefined, reading));
  };

  /** Who reads by right has nothing unread. */
  async getRooms(userId: bigint, { ids, keys }: RoomNames, byRight: RoomNames): Promise<GetRoomsRes> {
    const isNamed = ({ ids, keys }: RoomNames, { id, key }: Room) => ids.includes(id) || keys.includes(key);
    const own = this.model.roomsOf(userId).filter(({ room }) => isNamed({ ids, keys }, room!));
    const others = [...this.model.rooms.values()].flatMap((room) => {
      if (!isNamed(byRight, room.room) || own.some((each) => each.room!.id === room.room.id)) return [];
      const head = headOf(room, this.model.epoch);
      const record = this.model.getRoom(byId(room.room.id), undefined, "right");
      return create(RoomSummarySchema, { room: record, lastMessage: [...messagesOf(room).values()].at(-1), head });
    });
    return this.model.asNamed([...own, ...others]);
  }

  listMessages = async (request: Requests["listMessages"], reading?: Reading): Promise<ListMessagesRes> => {
    return answered(() => this.model.listMessages(request, undefined, reading));
  };
  listMembers = async (request: Requests["listMembers"], reading?: Reading): Promise<ListMembersRes> => {
    return answered(() => this.model.listMembers(request, undefined, reading));
  };
  searchMessages = async (request: SearchMessagesReq, reading?: Reading): Promise<SearchMessagesRes> => {
    return searchIn(this.model.rooms, request, reading);
  };
  isMember = async (request: Requests["isMember"]): Promise<boolean> => {
    return answered(() => this.model.isMember(request)).isMember;
  };

  async roomsByKey(keys: readonly string[]): Promise<Map<string, ViewedRoom>> {
    const rooms = [...this.model.rooms.values()].flatMap(({ room: { id, key } }) => {
      return [key, `${id}`].map((name) => [name, { id, key }] as const);
    });
    return new Map(rooms.filter(([key]) => keys.includes(key)));
  }

  /** The pages after the first go through the rooms in the order that they had at the first. */
  async listRooms({ userId, limit, pageToken }: Requests["listRooms"]): Promise<ListRoomsRes> {
    const all = this.model.roomsOf(userId);
    const order = pageToken === "" ? all.map(({ room }) => room!.id) : this.#listings.get(pageToken);
    if (!order) throw new ConnectError("no such page", Code.InvalidArgument);
    const due = order.flatMap((id) => all.find(({ room }) => room!.id === id) ?? []);
    const rooms = fitting(due.slice(0, limit || 50), this.model.limits.pageBytes, summaryText);
    const nextPageToken = due.length > rooms.length ? `page ${this.#listings.size}` : "";
    if (nextPageToken !== "") {
      this.#listings.set(
        nextPageToken,
        due.slice(rooms.length).map(({ room }) => room!.id),
      );
    }
    const list = { revision: this.#revision, epoch: this.model.epoch };
    return create(ListRoomsResSchema, { rooms, nextPageToken, list });
  }

  unerasedRooms = async () => [];

  ping = async () => {};

  async [Symbol.asyncDispose](): Promise<void> {}

  head(roomId: bigint): Position {
    const { seq, memberSeq } = headOf(this.model.rooms.get(roomId)!);
    return { seq, memberSeq };
  }

  #apply(change: RoomChange, reads: ReadMark[]): Answer {
    const { roomId } = change.value;
    const room = this.model.rooms.get(roomId);
    const before = room && membersOf(room);
    const call = { method: change.case, request: change.value } as Call;
    const given: object = { id: ++this.#lastId, ...this.#times() };
    if (change.case === "eraseRoom") return create(ErasedSchema) as never;
    const answer = this.model.answer(
      call,
      change.case === "addMembers" ? this.#added(change.value) : (given as Message),
    );
    if (change.case === "markRead" && room && !(answer instanceof Refused)) {
      const { userId, id: memberId, readMessageId: messageId } = answer as Member;
      if (messageId === before!.get(userId)?.readMessageId) return answer;
      const [{ memberSeq }, members] = [headOf(room), membersOf(room).size];
      reads.push(create(ReadMarkSchema, { roomId, userId, messageId, memberSeq, members, memberId }));
    }
    return answer;
  }

  /** What the members may be who are added together. */
  #added({ userIds }: AddMembersReq): AddMembersRes {
    const members = userIds.map((userId) => ({ id: ++this.#lastId, userId, ...this.#times() }));
    return create(AddMembersResSchema, { members });
  }

  /** Every time that a change may have. */
  #times() {
    const now = at(++this.#time);
    return { createdAt: now, updatedAt: now, removedAt: now, deletedAt: now, editedAt: now, pinnedAt: now };
  }

  #changedMembers(after: bigint): { userId: bigint; revision: bigint }[] {
    const changed = [...this.#memberRevisions].filter(([, revision]) => revision > after);
    return changed.map(([key, revision]) => ({ userId: BigInt(key.split("/")[1]!), revision }));
  }

  #listPage({ userId, after }: ListPlace, { changes, bytes }: PageSize): ListPage {
    const { epoch } = this.model;
    const current = this.model.roomsOf(userId).map((summary) => {
      const { id } = summary.room!;
      const [ofRoom, ofMember] = [this.#revisions.get(id)!, this.#memberRevision(id, userId)];
      return { id, summary, at: ofRoom > ofMember ? ofRoom : ofMember };
    });
    const left = [...this.#leftRevisions].flatMap(([key, at]) => {
      const [id, user] = key.split("/").map(BigInt) as [bigint, bigint];
      return user === userId ? [{ id, summary: undefined, at }] : [];
    });
    const all = [...current, ...left].filter(({ at }) => at > after).sort((a, b) => Number(a.at - b.at));
    const page = fitting(all.slice(0, changes), bytes, ({ summary }) => (summary ? summaryText(summary) : ""));
    const isWhole = page.length === all.length;
    return {
      epoch,
      revision: isWhole ? this.#revision : page.at(-1)!.at,
      rooms: page.flatMap(({ summary }) => summary ?? []),
      left: page.flatMap(({ id, summary }) => (summary ? [] : [id])),
      isWhole,
    };
  }

  #noteNew(roomId: bigint): void {
    const room = this.model.rooms.get(roomId)!;
    this.#touch(roomId, membershipsIn(room.members));
    this.#ledger.note(newsSince(room, { seq: 0n, memberSeq: 0n }), this.#revision);
    this.#ledger.noteRecord(roomId, this.#revision);
  }

  #touch(roomId: bigint, members: readonly Member[]): void {
    this.#revisions.delete(roomId);
    this.#revisions.set(roomId, ++this.#revision);
    for (const { userId, removedAt } of members) {
      const key = `${roomId}/${userId}`;
      this.#memberRevisions.set(key, this.#revision);
      if (!removedAt) {
        this.#present.add(key);
        this.#leftRevisions.delete(key);
      } else if (this.#present.delete(key)) this.#leftRevisions.set(key, this.#revision);
    }
  }

  #memberRevision(roomId: bigint, userId: bigint): bigint {
    return this.#memberRevisions.get(`${roomId}/${userId}`)!;
  }

  /** How far the members of a room have read, of those who have, or whose position has moved. */
  readPositions(roomId: bigint): Map<bigint, ReadPosition> {
    const positions = [...positionsOf(this.model.rooms.get(roomId)!)].map(([userId, messageId]) => {
      const { id: memberId } = membersOf(this.model.rooms.get(roomId)!).get(userId)!;
      return [userId, { memberId, messageId, revision: this.#memberRevision(roomId, userId) }] as const;
    });
    return new Map(positions);
  }

  #firstSeq(roomId: bigint): bigint {
    return this.firstSeqs.get(roomId) ?? 1n;
  }

  #page(roomId: bigint, after: Position, { changes, bytes }: PageSize): LogPage | undefined {
    const room = this.model.rooms.get(roomId);
    if (!room) return undefined;
    const allChanges = changesAfter(room.members, after.memberSeq, subjectOf);
    const memberChanges = allChanges.slice(0, changes);
    const allMessages = changesAfter(room.messages, after.seq, ({ id }) => id);
    const isWhole = memberChanges.length === allChanges.length;
    const messages = isWhole ? fitting(allMessages.slice(0, changes), bytes, textOf) : [];
    const head = this.head(roomId);
    const [members, record] = [membershipsIn(memberChanges), recordIn(memberChanges)];
    const news = create(NewsSchema, { roomId, messages, members, room: record, memberSeq: head.memberSeq });
    const isAtHead = isWhole && messages.length === allMessages.length;
    const isShared = membersOf(room).size <= SHARED_READS_MEMBERS;
    const reads = isAtHead && isShared ? byUser(this.readPositions(roomId)) : undefined;
    return { news, reads, head, firstSeq: this.#firstSeq(roomId) };
  }

  #refusal({ code }: Refused, { value: { roomId, ...value } }: RoomChange): ConnectError {
    const asked = "userId" in value && !("actorId" in value) ? value.userId : "actorId" in value ? value.actorId : 0n;
    return code === Code.NotFound ? notInRoom(roomId, asked) : new ConnectError(Code[code], code);
  }
}

/** Read positions as records have them. */
export function byUser(positions: ReadonlyMap<bigint, ReadPosition>): Record<string, ReadPosition> {
  return Object.fromEntries([...positions].map(([userId, position]) => [`${userId}`, position]));
}

/** What a room's logs have after a place. */
export function newsSince(room: ModelRoom, { seq, memberSeq }: Pick<Cursor, "seq" | "memberSeq">): News {
  const changes = room.members.slice(Number(memberSeq));
  return create(NewsSchema, {
    roomId: room.room.id,
    messages: room.messages.slice(Number(seq)),
    members: membershipsIn(changes),
    room: recordIn(changes),
    memberSeq: headOf(room).memberSeq,
  });
}

function ended(members: readonly Member[]): Member[] {
  return members.map((member) => ({ ...member, removedAt: at(0) }));
}

function deletion(roomId: bigint): News {
  return create(NewsSchema, { roomId, isDeleted: true });
}

function byId(roomId: bigint) {
  return create(GetRoomReqSchema, { room: { case: "roomId", value: roomId } });
}

function answered<T>(ask: () => T): T {
  const answer = orRefused(ask);
  if (answer instanceof Refused) throw new ConnectError(Code[answer.code], answer.code);
  return answer;
}
