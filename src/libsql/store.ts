import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMemberReq,
  type CreateRoomReq,
  type Member,
  MemberSchema,
  type Message,
  MessageSchema,
  type Room,
  RoomSchema,
  type SendMessageReq,
} from "../../gen/chat_pb.ts";
import { notInRoom } from "../chat/errors.ts";
import type { ChatStore, Outcome, Positions } from "../chat/store.ts";
import { StatementError, type Database, type Rows } from "./database.ts";

/** The log in libSQL. All SQL of the service is here; the tables are in migrations.ts. */
export class LibsqlStore implements ChatStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async createRoom({ postId, userId }: CreateRoomReq): Promise<Room> {
    const now = Date.now();
    const [rows] = await this.#writeUnique(`post ${postId} has a room already`, [
      {
        sql: "INSERT INTO rooms (post_id, created_at, updated_at) VALUES (?1, ?2, ?2) RETURNING id",
        args: [postId, BigInt(now)],
      },
      {
        sql: `INSERT INTO members (room_id, user_id, created_at, updated_at)
          SELECT id, ?2, ?3, ?3 FROM rooms WHERE post_id = ?1`,
        args: [postId, userId, BigInt(now)],
      },
    ]);
    return create(RoomSchema, { id: rows![0]!.id as bigint, postId, ...times(now) });
  }

  async addMember({ roomId, userId }: AddMemberReq): Promise<Member> {
    const now = Date.now();
    const [rows] = await this.#writeUnique(`user ${userId} is a member of room ${roomId} already`, [
      {
        sql: `INSERT INTO members (room_id, user_id, created_at, updated_at)
          SELECT id, ?2, ?3, ?3 FROM rooms WHERE id = ?1 RETURNING id`,
        args: [roomId, userId, BigInt(now)],
      },
    ]);
    const row = rows![0];
    if (!row) throw new ConnectError(`no room ${roomId}`, Code.NotFound);
    return create(MemberSchema, { id: row.id as bigint, roomId, userId, ...times(now) });
  }

  /**
   * One statement inserts what may be inserted and numbers it; what it left out is told apart afterwards, which is rare.
   */
  async commit(sends: readonly SendMessageReq[]): Promise<Outcome[]> {
    const now = Date.now();
    const firstSends = new Map<string, SendMessageReq>();
    for (const send of sends) {
      if (send.clientMessageId !== "" && !firstSends.has(identity(send))) firstSends.set(identity(send), send);
    }
    const inserts = sends.filter((send) => send.clientMessageId === "" || firstSends.get(identity(send)) === send);
    const [rows] = await this.#database.write([
      {
        sql: `INSERT INTO messages (room_id, seq, user_id, body, client_message_id, created_at, updated_at)
          SELECT
            room_id,
            coalesce((SELECT max(seq) FROM messages WHERE room_id = send.room_id), 0)
              + row_number() OVER (PARTITION BY room_id ORDER BY ordinal),
            user_id, body, client_message_id, ?2, ?2
          FROM (${SENDS}) AS send JOIN members USING (room_id, user_id)
          WHERE client_message_id IS NULL
            OR NOT EXISTS (SELECT 1 FROM messages AS earlier WHERE ${IS_RETRY})
          ORDER BY ordinal
          RETURNING id, room_id, seq, user_id, client_message_id`,
        args: [toJson(inserts), BigInt(now)],
      },
    ]);
    const inserted = matchInserted(inserts, rows!, now);
    const known = await this.#earlier(inserts.filter((send) => send.clientMessageId !== "" && !inserted.has(send)));

    return sends.map((send): Outcome => {
      const own = inserted.get(send);
      if (own) return { message: own, isNew: true };
      const first = firstSends.get(identity(send));
      const message = (first && inserted.get(first)) ?? known.get(identity(send));
      if (!message) return notInRoom(send.roomId, send.userId);
      if (message.body === send.body) return { message, isNew: false };
      return new ConnectError(
        `client_message_id ${send.clientMessageId} belongs to message ${message.id}, which has another body; ` +
          "use a fresh id for a new message",
        Code.AlreadyExists,
      );
    });
  }

  async changesAfter(cursors: Positions, limit: number): Promise<Message[]> {
    const [rows] = await this.#database.read([
      {
        sql: `SELECT message.* FROM (
            SELECT room_id, after, (
              SELECT seq FROM messages WHERE room_id = reader.room_id AND seq > after
              ORDER BY seq LIMIT 1 OFFSET ?2 - 1
            ) AS page_end
            FROM (SELECT value ->> 0 AS room_id, value ->> 1 AS after FROM json_each(?1)) AS reader
          ) AS page
          JOIN messages AS message
            ON message.room_id = page.room_id AND seq > after AND seq <= coalesce(page_end, ${MAX_INT64})
          ORDER BY message.room_id, seq`,
        args: [`[${[...cursors].map(([roomId, after]) => `[${roomId},${after}]`)}]`, BigInt(limit)],
      },
    ]);
    return rows!.map(toMessage);
  }

  async headsFor(userId: bigint, roomIds: readonly bigint[]): Promise<Positions> {
    const [rows] = await this.#database.read([
      {
        sql: `SELECT room_id, (SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = members.room_id) AS head
          FROM members WHERE user_id = ?1 AND room_id IN (SELECT value FROM json_each(?2))`,
        args: [userId, `[${roomIds}]`],
      },
    ]);
    return new Map(rows!.map((row) => [row.room_id as bigint, row.head as bigint]));
  }

  async ping(): Promise<void> {
    await this.#database.read(["SELECT 1"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }

  /** The messages that were stored for earlier sends with the same identity, for senders who are members. */
  async #earlier(sends: readonly SendMessageReq[]): Promise<Map<string, Message>> {
    if (sends.length === 0) return new Map();
    const [rows] = await this.#database.read([
      {
        sql: `SELECT earlier.* FROM (${SENDS}) AS send JOIN members USING (room_id, user_id)
          JOIN messages AS earlier ON ${IS_RETRY}`,
        args: [toJson(sends)],
      },
    ]);
    return new Map(rows!.map(toMessage).map((message) => [identity(message), message]));
  }

  async #writeUnique(alreadyExists: string, statements: Parameters<Database["write"]>[0]): Promise<Rows[]> {
    try {
      return await this.#database.write(statements);
    } catch (e) {
      if (e instanceof StatementError && e.code.startsWith("SQLITE_CONSTRAINT")) {
        throw new ConnectError(alreadyExists, Code.AlreadyExists);
      }
      throw e;
    }
  }
}

const MAX_INT64 = 2n ** 63n - 1n;

/** The sends of toJson() as rows. */
const SENDS = `SELECT key AS ordinal, value ->> 0 AS room_id, value ->> 1 AS user_id, value ->> 2 AS body,
  value ->> 3 AS client_message_id FROM json_each(?1)`;

const IS_RETRY = `earlier.room_id = send.room_id AND earlier.user_id = send.user_id
  AND earlier.client_message_id = send.client_message_id`;

function toJson(sends: readonly SendMessageReq[]): string {
  const rows = sends.map(({ roomId, userId, body, clientMessageId }) => {
    return `[${roomId},${userId},${JSON.stringify(body)},${JSON.stringify(clientMessageId || null)}]`;
  });
  return `[${rows}]`;
}

/** What makes two sends the same message, where the sender gave an id. */
function identity({ roomId, userId, clientMessageId }: SendMessageReq | Message): string {
  return `${roomId}/${userId}/${clientMessageId}`;
}

/**
 * Which sends the rows were inserted for. A room's rows, by seq, are its inserted sends in their order; a send that was
 * left out has another user or client_message_id than every row that is still to come.
 */
function matchInserted(sends: readonly SendMessageReq[], rows: Rows, now: number): Map<SendMessageReq, Message> {
  const byRoom = Map.groupBy(rows, (row) => row.room_id as bigint);
  for (const inRoom of byRoom.values()) inRoom.sort((a, b) => Number((b.seq as bigint) - (a.seq as bigint)));
  const inserted = new Map<SendMessageReq, Message>();
  for (const send of sends) {
    const inRoom = byRoom.get(send.roomId);
    const row = inRoom?.at(-1);
    if (row?.user_id !== send.userId || (row.client_message_id ?? "") !== send.clientMessageId) continue;
    inRoom!.pop();
    const { body, roomId, userId, clientMessageId } = send;
    inserted.set(
      send,
      create(MessageSchema, {
        id: row.id as bigint,
        body,
        roomId,
        userId,
        seq: row.seq as bigint,
        clientMessageId,
        ...times(now),
      }),
    );
  }
  return inserted;
}

function toMessage(row: Rows[number]): Message {
  return create(MessageSchema, {
    id: row.id as bigint,
    body: row.body as string,
    roomId: row.room_id as bigint,
    userId: row.user_id as bigint,
    createdAt: timestampFromMs(Number(row.created_at)),
    updatedAt: timestampFromMs(Number(row.updated_at)),
    seq: row.seq as bigint,
    clientMessageId: (row.client_message_id as string | null) ?? "",
  });
}

function times(now: number) {
  return { createdAt: timestampFromMs(now), updatedAt: timestampFromMs(now) };
}
