import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type Message, MessageSchema, type SendMessageReq } from "../../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { toMessage } from "../schema/rows.ts";

/** All sends of a commit: statements, and what to make of their results. */
export interface Sends {
  readonly statements: InStatement[];
  /** Doesn't throw: what happened has been committed by then. */
  readonly outcome: (...results: Rows[]) => SendOutcomes;
}

/** An answer or a refusal for each send, in their order, and the messages that are new. */
export interface SendOutcomes {
  readonly answers: readonly (Message | ConnectError)[];
  readonly stored: readonly Message[];
  /** The member_seq of the rooms that have new ones, by room id. */
  readonly memberSeqs: ReadonlyMap<bigint, bigint>;
}

/**
 * Stores sends as if one by one in their order, by three statements whatever their number: one inserts the messages, one
 * tells what was left out and why, one moves the heads.
 *
 * Of the sends with one identity in a commit, the first that may be stored is the message, and those after it are retries
 * of it.
 */
export function sendMessages(sends: readonly SendMessageReq[], now: bigint): Sends {
  if (sends.length === 0)
    return { statements: [], outcome: () => ({ answers: [], stored: [], memberSeqs: new Map() }) };
  const rooms = [...new Set(sends.map(({ roomId }) => roomId))];
  const identities = sends.flatMap((send) => (send.clientMessageId === "" ? [] : [identity(send)]));
  const isAmbiguous = new Set(identities).size < identities.length;
  return {
    statements: [
      { sql: isAmbiguous ? INSERT_FIRSTS : INSERT, args: [toJson(sends, ({ body }) => body), now] },
      { sql: LEFT_OUT, args: [toJson(sends), BigInt(sends.length)] },
      { sql: MOVE_HEADS, args: [`[${rooms}]`] },
    ],
    outcome: (_, leftOut, heads) => sendOutcomes(sends, now, leftOut!, heads!),
  };
}

function sendOutcomes(sends: readonly SendMessageReq[], now: bigint, leftOut: Rows, heads: Rows): SendOutcomes {
  const why = new Map(leftOut.map((row) => [Number(row.ordinal), row]));
  const firsts = new Map<string, Message>();
  const stored: Message[] = [];
  const createdAt = timestampFromMs(Number(now));
  const answers = sends.map((send, ordinal) => {
    const row = why.get(ordinal);
    if (row?.verdict === "not_member") return notInRoom(send.roomId, send.userId);
    const first = row?.verdict === "retry" ? toMessage(row) : firsts.get(identity(send));
    if (first) return retried(send, first);
    if (row?.verdict === "no_message") return noMessage(send.replyToId, send.roomId);
    const { roomId, userId, body, clientMessageId, replyToId } = send;
    const times = { createdAt, updatedAt: createdAt };
    const message = create(MessageSchema, { ...times, roomId, userId, body, clientMessageId, replyToId });
    message.id = BigInt(ordinal);
    if (clientMessageId !== "") firsts.set(identity(send), message);
    stored.push(message);
    return message;
  });
  const newest = stored.at(-1);
  const head = heads.find((row) => row.id === newest?.roomId);
  const memberSeqs = new Map(heads.map((row) => [row.id as bigint, row.member_seq as bigint]));
  if (!newest || !head) return { answers, stored, memberSeqs };
  const firstId = (head.last_message_id as bigint) - newest.id;
  const seqs = new Map(heads.map((row) => [row.id as bigint, row.seq as bigint]));
  for (const message of stored.toReversed()) {
    message.id += firstId;
    message.seq = seqs.get(message.roomId)!;
    seqs.set(message.roomId, message.seq - 1n);
  }
  return { answers, stored, memberSeqs };
}

function retried(send: SendMessageReq, first: Message): Message | ConnectError {
  const { seconds, nanos } = first.createdAt!;
  const isAsSent = first.updatedAt!.seconds === seconds && first.updatedAt!.nanos === nanos;
  if (!isAsSent || first.body === send.body) return first;
  return new ConnectError(
    `client_message_id ${send.clientMessageId} belongs to a message with another body; use a fresh id for a new message`,
    Code.AlreadyExists,
  );
}

/** What makes two sends the same message, where the sender gave an id. */
function identity({ roomId, userId, clientMessageId }: SendMessageReq): string {
  return `${roomId}/${userId}/${clientMessageId}`;
}

/** The sends for judged(), with or without their texts. */
function toJson(sends: readonly SendMessageReq[], textOf: (send: SendMessageReq) => string = () => ""): string {
  const rows = sends.map((send) => {
    const texts = [send.clientMessageId || null, textOf(send)].map((text) => JSON.stringify(text));
    return `[${send.roomId},${send.userId},${send.replyToId},${texts}]`;
  });
  return `[${rows}]`;
}

/**
 * The sends of a list by toJson(), each with a verdict on it: the one that it had before any of them was stored. What the
 * commit itself has inserted lies beyond the room's last_message_id until MOVE_HEADS.
 */
const judged = (list: string) => `SELECT send.*, rooms.seq AS room_seq, earlier.id AS earlier_id, CASE
    WHEN members.id IS NULL THEN 'not_member'
    WHEN earlier.id IS NOT NULL THEN 'retry'
    WHEN send.reply_to_id > 0 AND NOT EXISTS (
      SELECT 1 FROM messages
      WHERE room_id = send.room_id AND id = send.reply_to_id AND id <= last_message_id AND deleted_at IS NULL
    ) THEN 'no_message'
    ELSE 'ok'
  END AS verdict
  FROM (
    SELECT key AS ordinal, value ->> 0 AS room_id, value ->> 1 AS user_id, value ->> 2 AS reply_to_id,
      value ->> 3 AS client_message_id, value ->> 4 AS body
    FROM json_each(${list})
  ) AS send
  LEFT JOIN members
    ON members.room_id = send.room_id AND members.user_id = send.user_id AND members.removed_at IS NULL
  LEFT JOIN rooms ON rooms.id = members.room_id
  LEFT JOIN messages AS earlier
    ON earlier.room_id = members.room_id AND earlier.user_id = members.user_id
      AND earlier.client_message_id = send.client_message_id AND earlier.id <= last_message_id`;

const STORABLE = `SELECT * FROM (${judged("?1")}) WHERE verdict = 'ok'`;

/** Of sends with the same identity the first. Most commits have none, and are spared the sorting. */
const STORABLE_FIRSTS = `SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY room_id, user_id, client_message_id ORDER BY ordinal) AS nth
    FROM (${STORABLE})
  ) WHERE nth = 1 OR client_message_id IS NULL`;

/** A message takes the id of its place in the list; who is left out, leaves a hole. */
const insert = (storable: string) => `INSERT INTO messages
    (room_id, id, seq, user_id, client_message_id, reply_to_id, created_at, updated_at, body)
  SELECT send.room_id, message_id + 1 + ordinal,
    room_seq + row_number() OVER (PARTITION BY send.room_id ORDER BY ordinal),
    user_id, client_message_id, reply_to_id, ?2, ?2, body
  FROM (SELECT message_id FROM log_head) CROSS JOIN (${storable}) AS send`;

const INSERT = insert(STORABLE);
const INSERT_FIRSTS = insert(STORABLE_FIRSTS);

/** Follows the insertion. Judges nothing if all of the ?2 sends were stored. */
const LEFT_OUT = `SELECT ordinal, verdict, earlier.*
  FROM (${judged("iif(changes() < CAST(?2 AS INTEGER), ?1, '[]')")}) AS send
  LEFT JOIN messages AS earlier ON earlier.id = send.earlier_id
  WHERE verdict <> 'ok'`;

/** Follows the insertion too. A room with new messages takes the revision of its place in the list. */
const MOVE_HEADS = `UPDATE rooms
  SET seq = newest.seq, last_message_id = newest.id, revision = head.revision + 1 + asked.key
  FROM (SELECT revision FROM log_head) AS head, json_each(iif(changes() > 0, ?1, '[]')) AS asked, messages AS newest
  WHERE rooms.id = asked.value AND newest.room_id = asked.value
    AND newest.seq = (SELECT max(seq) FROM messages WHERE room_id = asked.value) AND newest.id > rooms.last_message_id
  RETURNING rooms.id, rooms.seq, rooms.last_message_id, rooms.member_seq`;
