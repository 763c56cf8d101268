import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import {
  type CreateRoomReq,
  type GetRoomReq,
  type IsMemberReq,
  type ListMembersReq,
  type ListMembersRes,
  ListMembersResSchema,
  type ListMessagesReq,
  type ListMessagesRes,
  type ListRoomsReq,
  type ListRoomsRes,
  type Message,
  type Room,
} from "../../gen/chat_pb.ts";
import { type MemberChange, type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { notInRoom } from "../chat/errors.ts";
import { LIMITS, type Limits } from "../chat/limits.ts";
import type { ChatStore, Commit, LogPage, PageSize, Reader, RoomChange } from "../chat/store.ts";
import { type OperationOutcome, operation } from "./changes.ts";
import { type Database, type Rows, StatementError } from "./database.ts";
import { messagePage, messagePageStatements } from "./history.ts";
import { logPages, logStatements } from "./logs.ts";
import { roomList, roomListStatements } from "./room-list.ts";
import { toMember, toRoom } from "./rows.ts";
import { Sends } from "./sends.ts";

const DEFAULT_MEMBERS = 50;

/** The log in libSQL. All SQL of the service is in this folder; the tables are in migrations.ts. */
export class LibsqlStore implements ChatStore {
  readonly #database: Database;
  readonly #pageBytes: number;

  constructor(database: Database, { pageBytes }: Limits = LIMITS) {
    this.#database = database;
    this.#pageBytes = pageBytes;
  }

  async createRoom({ postId, userId }: CreateRoomReq): Promise<Room> {
    const now = BigInt(Date.now());
    try {
      const [rows] = await this.#database.write([
        {
          sql: `INSERT INTO rooms (post_id, owner_id, member_seq, created_at, updated_at)
            VALUES (?1, ?2, 1, ?3, ?3) RETURNING *`,
          args: [postId, userId, now],
        },
        {
          sql: `INSERT INTO members (
              room_id, user_id, member_seq, added_seq, read_message_id, joined_id, activity_id, created_at, updated_at
            )
            SELECT id, ?2, 1, 1, 0, joined, joined, ?3, ?3
            FROM rooms, (SELECT coalesce(max(id), 0) AS joined FROM messages) WHERE post_id = ?1`,
          args: [postId, userId, now],
        },
      ]);
      return toRoom(rows![0]!);
    } catch (e) {
      const isTaken = e instanceof StatementError && e.code.startsWith("SQLITE_CONSTRAINT");
      throw isTaken ? new ConnectError(`post ${postId} has a room already`, Code.AlreadyExists) : e;
    }
  }

  /** Sends first, then the other changes in their order, then a look at where the members' logs are. */
  async commit(changes: readonly RoomChange[]): Promise<Commit> {
    const now = Date.now();
    const sends = new Sends(
      changes.flatMap((change) => (change.case === "sendMessage" ? [change.value] : [])),
      now,
    );
    const operations = changes.flatMap((change) => (change.case === "sendMessage" ? [] : [operation(change, now)]));
    const statements = [
      sends.statements,
      ...operations.map((each) => each.statements),
      [memberSeqs(changes.map(({ value }) => value.roomId))],
    ];
    const rows = await this.#database.write(statements.flat());
    const results = statements.map(({ length }) => rows.splice(0, length));

    const sent = await sends.outcomes(results.shift()!, this.#database);
    const others = operations.map(({ outcome }, i) => outcome(...results[i]!));
    const [sendOutcomes, otherOutcomes] = [sent.outcomes.values(), others.values()];
    const outcomes = changes.map((change) => {
      return change.case === "sendMessage" ? sendOutcomes.next().value : otherOutcomes.next().value!.answer;
    });
    const news = toNews(sent.inserted, others, results.at(-1)![0]!);
    const undecided = changes.filter((_, i) => !outcomes[i]);
    if (undecided.length === 0) return { outcomes: outcomes as Commit["outcomes"], news };
    const rest = await this.commit(undecided);
    const later = rest.outcomes.values();
    return { outcomes: outcomes.map((outcome) => outcome ?? later.next().value!), news: [...news, ...rest.news] };
  }

  async readLogs(readers: readonly Reader[], size: PageSize): Promise<Map<bigint, LogPage>> {
    return logPages(await this.#database.read(logStatements(readers, size)), readers);
  }

  async readersAtHead(userId: bigint, roomIds: readonly bigint[]): Promise<Reader[]> {
    const [rows] = await this.#database.read([
      {
        sql: `SELECT rooms.id AS room_id, members.id AS membership_id, rooms.member_seq,
            (SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = rooms.id) AS seq
          FROM members JOIN rooms ON rooms.id = room_id
          WHERE user_id = ?1 AND removed_at IS NULL AND room_id IN (SELECT value FROM json_each(?2))`,
        args: [userId, `[${roomIds}]`],
      },
    ]);
    return rows!.map((row) => ({
      roomId: row.room_id as bigint,
      membershipId: row.membership_id as bigint,
      cursor: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
    }));
  }

  async getRoom({ room, userId }: GetRoomReq): Promise<Room> {
    const column = room.case === "postId" ? "post_id" : "id";
    const [rows] = await this.#database.read([
      {
        sql: `SELECT rooms.* FROM rooms JOIN members ON room_id = rooms.id
          WHERE rooms.${column} = ?1 AND user_id = ?2 AND removed_at IS NULL`,
        args: [room.value!, userId],
      },
    ]);
    if (rows![0]) return toRoom(rows![0]);
    if (room.case === "roomId") throw notInRoom(room.value, userId);
    throw new ConnectError(`no room of post ${room.value} with user ${userId} as a member`, Code.NotFound);
  }

  async listRooms(req: ListRoomsReq): Promise<ListRoomsRes> {
    return roomList(req, await this.#database.read(roomListStatements(req)), this.#pageBytes);
  }

  async listMessages(req: ListMessagesReq): Promise<ListMessagesRes> {
    const rows = await this.#database.read(messagePageStatements(req, this.#pageBytes));
    return messagePage(req, rows, this.#pageBytes);
  }

  async listMembers({ roomId, userId, afterUserId, limit }: ListMembersReq): Promise<ListMembersRes> {
    const size = limit > 0 ? limit : DEFAULT_MEMBERS;
    const [own, rows] = await this.#database.read([
      isMember(roomId, userId),
      {
        sql: `SELECT * FROM members WHERE room_id = ?1 AND user_id > ?2 AND removed_at IS NULL ORDER BY user_id LIMIT ?3`,
        args: [roomId, afterUserId, BigInt(size + 1)],
      },
    ]);
    if (own!.length === 0) throw notInRoom(roomId, userId);
    return create(ListMembersResSchema, { members: rows!.slice(0, size).map(toMember), hasMore: rows!.length > size });
  }

  async isMember({ roomId, userId }: IsMemberReq): Promise<boolean> {
    const [rows] = await this.#database.read([isMember(roomId, userId)]);
    return rows!.length > 0;
  }

  async ping(): Promise<void> {
    await this.#database.read(["SELECT 1"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}

function isMember(roomId: bigint, userId: bigint): InStatement {
  return {
    sql: "SELECT 1 FROM members WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL",
    args: [roomId, userId],
  };
}

function memberSeqs(roomIds: readonly bigint[]): InStatement {
  return {
    sql: "SELECT id, member_seq FROM rooms WHERE id IN (SELECT value FROM json_each(?1))",
    args: [`[${[...new Set(roomIds)]}]`],
  };
}

/** What readers have to know of a commit: per room, its changes in the order of their numbers. */
function toNews(inserted: readonly Message[], others: readonly OperationOutcome[], memberSeqs: Rows): News[] {
  const messages: Message[] = [...inserted, ...others.flatMap(({ message }) => message ?? [])];
  const members: MemberChange[] = others.flatMap(({ member }) => member ?? []);
  const messagesOf = Map.groupBy(messages, ({ roomId }) => roomId);
  const membersOf = Map.groupBy(members, ({ member }) => member!.roomId);
  return memberSeqs.flatMap((row) => {
    const roomId = row.id as bigint;
    const news = create(NewsSchema, { roomId, memberSeq: row.member_seq as bigint });
    news.messages.push(...(messagesOf.get(roomId) ?? []).sort((a, b) => Number(a.seq - b.seq)));
    news.members.push(
      ...(membersOf.get(roomId) ?? []).sort((a, b) => Number(a.member!.memberSeq - b.member!.memberSeq)),
    );
    return news.messages.length + news.members.length > 0 ? [news] : [];
  });
}
