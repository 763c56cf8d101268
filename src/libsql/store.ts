import type {
  CreateRoomReq,
  GetRoomReq,
  IsMemberReq,
  ListMembersReq,
  ListMembersRes,
  ListMessagesReq,
  ListMessagesRes,
  ListRoomsReq,
  ListRoomsRes,
  Room,
} from "../../gen/chat_pb.ts";
import type { ViewedRoom } from "../chat/caller.ts";
import { notInRoom } from "../chat/errors.ts";
import { LIMITS, type Limits } from "../chat/limits.ts";
import type {
  ChangedRooms,
  ChatStore,
  Commit,
  LogPage,
  LogPlace,
  Memberships,
  PageSize,
  Reading,
  RoomChange,
} from "../chat/store.ts";
import type { Bounds } from "./commit/bounds.ts";
import { createdRoom, createRoomStatements } from "./commit/create-room.ts";
import { CommitGroup } from "./commit/group.ts";
import type { Database } from "./database.ts";
import { changedRoomsStatements, toChangedRooms } from "./read/changed-rooms.ts";
import { LogPages } from "./read/logs.ts";
import { memberPage, memberPageStatements } from "./read/member-page.ts";
import { isMemberStatement } from "./read/membership.ts";
import { membershipStatements, toMemberships } from "./read/memberships.ts";
import { messagePage, messagePageStatements } from "./read/message-page.ts";
import { foundRoom, roomStatement } from "./read/room.ts";
import { roomList, roomListStatements } from "./read/room-list.ts";
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
  readonly #bounds: Bounds;

  constructor(database: Database, { pageBytes, roomMembers, userRooms }: Limits = LIMITS) {
    this.#database = database;
    this.#pageBytes = pageBytes;
    this.#bounds = { greatestId: database.greatestInteger, roomMembers, userRooms };
  }

  async createRoom(req: CreateRoomReq): Promise<Room> {
    const rows = await this.#database.write(createRoomStatements(req, this.#bounds));
    return createdRoom(req, this.#bounds, rows);
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
    return toChangedRooms(among, await this.#database.read(changedRoomsStatements(after, among)));
  }

  async getRoom(req: GetRoomReq, reading: Reading = "member"): Promise<Room> {
    return foundRoom(req, await this.#database.read([roomStatement(req, reading)]));
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

  async isMember(req: IsMemberReq): Promise<boolean> {
    const [rows] = await this.#database.read([isMemberStatement(req)]);
    if (!rows![0]!.may_ask) throw notInRoom(req.roomId, req.actorId);
    return Boolean(rows![0]!.is_member);
  }

  async roomsByKey(keys: readonly string[]): Promise<ReadonlyMap<string, ViewedRoom>> {
    return toViewedRooms(await this.#database.read(viewedRoomsStatements(keys)));
  }

  async ping(): Promise<void> {
    await this.#database.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}
