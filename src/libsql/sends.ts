import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type Message, MessageSchema, type SendMessageReq } from "../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../chat/errors.ts";
import type { Database, Rows } from "./database.ts";
import { toMessage } from "./rows.ts";

/**
 * All sends of a commit: one statement inserts those that may be inserted and numbers them. Why others were left out is
 * found out afterwards, which is rare.
 */
export class Sends {
  readonly #sends: readonly SendMessageReq[];
  /** The first send of each identity; later ones in the same commit are retries of it. */
  readonly #firsts = new Map<string, SendMessageReq>();
  readonly #inserts: SendMessageReq[];
  readonly #replies: SendMessageReq[];
  readonly #now: number;

  constructor(sends: readonly SendMessageReq[], now: number) {
    this.#sends = sends;
    this.#now = now;
    for (const send of sends) {
      if (send.clientMessageId !== "" && !this.#firsts.has(identity(send))) this.#firsts.set(identity(send), send);
    }
    this.#inserts = sends.filter((send) => send.clientMessageId === "" || this.#firsts.get(identity(send)) === send);
    this.#replies = this.#inserts.filter((send) => send.replyToId > 0n);
  }

  /**
   * One that inserts, one that tells how far it got, one that keeps the members' lists of rooms in order, and one that
   * tells bad replies apart. Rows are inserted in the order of the sends, so their ids follow one another.
   */
  get statements(): InStatement[] {
    if (this.#sends.length === 0) return [];
    const insert = {
      sql: `INSERT INTO messages (room_id, seq, user_id, body, client_message_id, reply_to_id, created_at, updated_at)
        SELECT
          room_id,
          coalesce((SELECT max(seq) FROM messages WHERE room_id = send.room_id), 0)
            + row_number() OVER (PARTITION BY room_id ORDER BY ordinal),
          send.user_id, body, client_message_id, reply_to_id, ?2, ?2
        FROM (${SENDS}) AS send JOIN members USING (room_id, user_id)
        WHERE removed_at IS NULL
          AND (client_message_id IS NULL OR NOT EXISTS (SELECT 1 FROM messages AS earlier WHERE ${IS_RETRY}))
          AND (reply_to_id = 0 OR ${IS_REPLY_VALID})
        ORDER BY ordinal`,
      args: [toJson(this.#inserts), BigInt(this.#now)],
    };
    const rooms = [...new Set(this.#inserts.map(({ roomId }) => roomId))];
    const heads = {
      sql: `SELECT value AS room_id, (SELECT max(seq) FROM messages WHERE room_id = value) AS seq,
          changes() AS inserted, last_insert_rowid() AS last_id
        FROM json_each(?1)`,
      args: [`[${rooms}]`],
    };
    const activity = {
      sql: `UPDATE members SET activity_id = newest.id
        FROM (
          SELECT value AS room_id, (SELECT max(id) FROM messages WHERE room_id = room.value) AS id
          FROM json_each(?1) AS room
        ) AS newest
        WHERE members.room_id = newest.room_id AND removed_at IS NULL AND activity_id < newest.id`,
      args: [`[${rooms}]`],
    };
    if (this.#replies.length === 0) return [insert, heads, activity];
    const badReplies = {
      sql: `SELECT ordinal FROM (${SENDS}) AS send JOIN members USING (room_id, user_id)
        WHERE removed_at IS NULL AND NOT ${IS_REPLY_VALID}`,
      args: [toJson(this.#replies)],
    };
    return [insert, heads, activity, badReplies];
  }

  /**
   * What came of each send: a new message, the earlier one of a retry, or the reason against it. A send has none yet
   * whose first in the same commit was refused for its reply: it is no retry then, and has a commit of its own to come.
   */
  async outcomes(
    results: readonly Rows[],
    database: Database,
  ): Promise<{ outcomes: (Message | ConnectError | undefined)[]; inserted: Message[] }> {
    if (this.#sends.length === 0) return { outcomes: [], inserted: [] };
    const inserted = await this.#inserted(results[1]!, database);
    const badReplies = new Set(results[3]?.map((row) => this.#replies[Number(row.ordinal)]!));
    const leftOut = this.#inserts.filter((send) => send.clientMessageId !== "" && !inserted.has(send));
    const earlier = await findEarlier(leftOut, database);
    const outcomes = this.#sends.map((send) => {
      const own = inserted.get(send);
      if (own) return own;
      const first = this.#firsts.get(identity(send)) ?? send;
      const message = inserted.get(first) ?? earlier.get(identity(send));
      if (message) return retried(send, message);
      if (!badReplies.has(first)) return notInRoom(send.roomId, send.userId);
      return send.replyToId === first.replyToId ? noMessage(send.replyToId, send.roomId) : undefined;
    });
    return { outcomes, inserted: [...inserted.values()].reverse() };
  }

  /** The messages that were inserted, by their sends. */
  async #inserted(heads: Rows, database: Database): Promise<Map<SendMessageReq, Message>> {
    const count = Number(heads[0]!.inserted);
    const lastId = heads[0]!.last_id as bigint;
    const sends = count === this.#inserts.length ? this.#inserts : await this.#findInserted(lastId, count, database);
    const createdAt = timestampFromMs(this.#now);
    const seqs = new Map(heads.map((row) => [row.room_id as bigint, row.seq as bigint]));
    const inserted = new Map<SendMessageReq, Message>();
    for (const [i, send] of sends.toReversed().entries()) {
      const { roomId, userId, body, clientMessageId, replyToId } = send;
      const seq = seqs.get(roomId)!;
      const numbers = { id: lastId - BigInt(i), seq, createdAt, updatedAt: createdAt };
      inserted.set(send, create(MessageSchema, { ...numbers, roomId, userId, body, clientMessageId, replyToId }));
      seqs.set(roomId, seq - 1n);
    }
    return inserted;
  }

  /**
   * Which sends were inserted, if not all of them. The rows are in the order of the sends; a send that was left out
   * differs from every row that is still to come in user, client_message_id or reply_to_id, which never change.
   */
  async #findInserted(lastId: bigint, count: number, database: Database): Promise<SendMessageReq[]> {
    if (count === 0) return [];
    const [rows] = await database.read([
      {
        sql: "SELECT room_id, user_id, client_message_id, reply_to_id FROM messages WHERE id > ?1 AND id <= ?2 ORDER BY id",
        args: [lastId - BigInt(count), lastId],
      },
    ]);
    const rest = rows!.values();
    let row = rest.next().value;
    return this.#inserts.filter(({ roomId, userId, clientMessageId, replyToId }) => {
      const isMatch =
        row?.room_id === roomId &&
        row.user_id === userId &&
        (row.client_message_id ?? "") === clientMessageId &&
        row.reply_to_id === replyToId;
      if (isMatch) row = rest.next().value;
      return isMatch;
    });
  }
}

/** The messages that were stored for earlier sends with the same identity, for senders who are members. */
async function findEarlier(sends: readonly SendMessageReq[], database: Database): Promise<Map<string, Message>> {
  if (sends.length === 0) return new Map();
  const [rows] = await database.read([
    {
      sql: `SELECT earlier.* FROM (${SENDS}) AS send JOIN members USING (room_id, user_id)
        JOIN messages AS earlier ON ${IS_RETRY}
        WHERE removed_at IS NULL`,
      args: [toJson(sends)],
    },
  ]);
  return new Map(rows!.map(toMessage).map((message) => [identity(message), message]));
}

function retried(send: SendMessageReq, message: Message): Message | ConnectError {
  const { seconds, nanos } = message.createdAt!;
  const isAsSent = message.updatedAt!.seconds === seconds && message.updatedAt!.nanos === nanos;
  if (!isAsSent || message.body === send.body) return message;
  return new ConnectError(
    `client_message_id ${send.clientMessageId} belongs to message ${message.id}, which has another body; ` +
      "use a fresh id for a new message",
    Code.AlreadyExists,
  );
}

/** The sends of toJson() as rows. */
const SENDS = `SELECT key AS ordinal, value ->> 0 AS room_id, value ->> 1 AS user_id, value ->> 2 AS body,
  value ->> 3 AS client_message_id, value ->> 4 AS reply_to_id FROM json_each(?1)`;

const IS_RETRY = `earlier.room_id = send.room_id AND earlier.user_id = send.user_id
  AND earlier.client_message_id = send.client_message_id`;

const IS_REPLY_VALID = `EXISTS (
  SELECT 1 FROM messages AS target
  WHERE target.id = send.reply_to_id AND target.room_id = send.room_id AND target.deleted_at IS NULL
)`;

function toJson(sends: readonly SendMessageReq[]): string {
  const rows = sends.map(({ roomId, userId, body, clientMessageId, replyToId }) => {
    return `[${roomId},${userId},${JSON.stringify(body)},${JSON.stringify(clientMessageId || null)},${replyToId}]`;
  });
  return `[${rows}]`;
}

/** What makes two sends the same message, where the sender gave an id. */
function identity({ roomId, userId, clientMessageId }: SendMessageReq | Message): string {
  return `${roomId}/${userId}/${clientMessageId}`;
}
