import type {
  CreateRoomReq,
  GetRoomReq,
  GetRoomsRes,
  IsMemberReq,
  ListMembersReq,
  ListMembersRes,
  ListMessagesReq,
  ListMessagesRes,
  ListRoomsReq,
  ListRoomsRes,
  Room,
  SearchMessagesReq,
  SearchMessagesRes,
} from "../../gen/chat_pb.ts";
import type { ViewedRoom } from "../chat/caller.ts";
import type { ChangePlace } from "../chat/change-place.ts";
import type { ChangedRooms } from "../chat/changed-rooms.ts";
import { notInRoom } from "../chat/errors.ts";
import { LIMITS, type Limits } from "../chat/limits.ts";
import type { ListedRooms, ListPage, ListPlace } from "../chat/list-page.ts";
import { keyOfPost } from "../chat/room-key.ts";
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
  Reading,
  RoomChange,
  RoomNames,
} from "../chat/store.ts";
import type { Bounds } from "./commit/bounds.ts";
import { CommitGroup } from "./commit/group.ts";
import { ensuredRoom, keyedRoom, keyedRoomStatements, openedRoom, openRoomStatements } from "./commit/open-room.ts";
import type { Database } from "./database.ts";
import { changedListsStatements, listedRoomsStatements, toListedRooms, toListPages } from "./read/changed-lists.ts";
import { changedRoomsStatements, toChangedRooms } from "./read/changed-rooms.ts";
import { changesStatements, toChanges } from "./read/changes.ts";
import { LogPages } from "./read/logs.ts";
import { memberPage, memberPageStatements } from "./read/member-page.ts";
import { isMemberStatement } from "./read/membership.ts";
import { membershipStatements, toMemberships } from "./read/memberships.ts";
import { messagePage, messagePageStatements } from "./read/message-page.ts";
import { foundRoom, roomStatement } from "./read/room.ts";
import { roomList, roomListStatements } from "./read/room-list.ts";
import { foundRooms, roomsStatements } from "./read/rooms.ts";
import { foundMessages, searchStatements } from "./read/search.ts";
import { toViewedRooms, viewedRoomsStatements } from "./read/viewed-rooms.ts";

/**
 * The log in libSQL. All SQL of the service is in this folder, the tables in schema/migrations.ts.
 *
 * It also runs in the SQLite of a Durable Object: a statement begins and ends no transaction, and asks for no PRAGMA. A
 * number may arrive there as text, and so is compared with a column, or cast.
 */
export class LibsqlStore implements ChatStore {
  readonly #database: Database;
  readonly #pageBytes: number;
  readonly #namedRoomsBytes: number;
  readonly #bounds: Bounds;

  constructor(database: Database, { pageBytes, namedRoomsBytes, ...limits }: Limits = LIMITS) {
    this.#database = database;
    this.#pageBytes = pageBytes;
    this.#namedRoomsBytes = namedRoomsBytes;
    this.#bounds = { greatestId: database.greatestInteger, ...limits };
  }

  async createRoom({ postId, userId }: CreateRoomReq, reading: Reading = "member"): Promise<Room> {
    const room = { key: keyOfPost(postId), userId, name: "" };
    const rows = await this.#database.write(openRoomStatements(room, [], this.#bounds));
    return openedRoom(room, this.#bounds, rows, reading);
  }

  /** Mostly the room is there, and a read finds it. */
  async ensureRoom(room: NewRoom, userIds: readonly bigint[]): Promise<EnsuredRoom> {
    const found = keyedRoom(room, await this.#database.read(keyedRoomStatements(room, userIds)));
    if (found) return found;
    const rows = await this.#database.write(openRoomStatements(room, userIds, this.#bounds));
    return ensuredRoom(room, this.#bounds, rows);
  }

  /** One request to the database: the sends in their order, then the other changes in theirs. */
  async commit(changes: readonly RoomChange[]): Promise<Commit> {
    if (changes.length === 0) return { outcomes: [], news: [], reads: [] };
    const group = new CommitGroup(changes, this.#bounds);
    return group.commit(await this.#database.write(group.statements));
  }

  async readLogs(places: readonly LogPlace[], size: PageSize): Promise<readonly (LogPage | undefined)[]> {
    if (places.length === 0) return [];
    const pages = new LogPages(places, size);
    return pages.pages(await this.#database.read(pages.statements));
  }

  async memberships(userId: bigint, roomIds: readonly bigint[], byRight: readonly bigint[] = []): Promise<Memberships> {
    return toMemberships(await this.#database.read(membershipStatements(userId, roomIds, byRight)));
  }

  async changedRooms(after: bigint, among?: readonly bigint[]): Promise<ChangedRooms> {
    return toChangedRooms(await this.#database.read(changedRoomsStatements(after, among)));
  }

  async listedRooms(userId: bigint): Promise<ListedRooms> {
    return toListedRooms(await this.#database.read(listedRoomsStatements(userId)));
  }

  async changedLists(places: readonly ListPlace[], size: PageSize): Promise<readonly ListPage[]> {
    if (places.length === 0) return [];
    return toListPages(places, await this.#database.read(changedListsStatements(places, size)));
  }

  async changes(after: ChangePlace, size: PageSize): Promise<Changes> {
    return toChanges(after, size, await this.#database.read(changesStatements(after, size)));
  }

  async getRoom(req: GetRoomReq, reading: Reading = "member"): Promise<Room> {
    return foundRoom(req, await this.#database.read([roomStatement(req, reading)]));
  }

  async getRooms(userId: bigint, rooms: RoomNames, byRight: RoomNames): Promise<GetRoomsRes> {
    return foundRooms(await this.#database.read(roomsStatements(userId, rooms, byRight, this.#namedRoomsBytes)));
  }

  async listRooms(req: ListRoomsReq): Promise<ListRoomsRes> {
    const rows = await this.#database.read(roomListStatements(req, this.#pageBytes));
    return roomList(req, rows, this.#pageBytes);
  }

  async listMessages(req: ListMessagesReq, reading: Reading = "member"): Promise<ListMessagesRes> {
    const rows = await this.#database.read(messagePageStatements(req, reading, this.#pageBytes));
    return messagePage(req, rows, this.#pageBytes);
  }

  async listMembers(req: ListMembersReq, reading: Reading = "member"): Promise<ListMembersRes> {
    return memberPage(req, await this.#database.read(memberPageStatements(req, reading)));
  }

  async searchMessages(req: SearchMessagesReq, reading: Reading = "member"): Promise<SearchMessagesRes> {
    const rows = await this.#database.read(searchStatements(req, reading, this.#pageBytes));
    return foundMessages(req, rows, this.#pageBytes);
  }

  async isMember(req: IsMemberReq): Promise<boolean> {
    const [rows] = await this.#database.read([isMemberStatement(req)]);
    if (!rows![0]!.may_ask) throw notInRoom(req.roomId, req.actorId);
    return Boolean(rows![0]!.is_member);
  }

  async roomsByKey(keys: readonly string[]): Promise<ReadonlyMap<string, ViewedRoom>> {
    return toViewedRooms(await this.#database.read(viewedRoomsStatements(keys)));
  }

  async unerasedRooms(): Promise<readonly bigint[]> {
    const [rows] = await this.#database.read([
      "SELECT room_id FROM deleted_rooms INDEXED BY deleted_rooms_to_erase WHERE is_erased = 0 LIMIT 100",
    ]);
    return rows!.map((row) => row.room_id as bigint);
  }

  async ping(): Promise<void> {
    await this.#database.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}
