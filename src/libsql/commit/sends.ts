import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type Message, MessageKind, MessageSchema, type SendMessageReq } from "../../../gen/chat_pb.ts";
import { noMessage, notInRoom, notMentionable, tooSoon } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { dataText, storedData } from "../schema/data.ts";
import { toMessage } from "../schema/rows.ts";
import {
  COUNT_REPLIES,
  FOLLOWING,
  MOVE_HEADS,
  NOTE_MENTIONS,
  PLAIN,
  RICH,
  type SendForm,
  SLOW_DOWN,
} from "./send-statements.ts";
import { silenceRefusal } from "./silence.ts";

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
  /** The messages that threads began with which have new replies. */
  readonly roots: readonly Message[];
  /** The member_seq of the rooms that have new ones, by room id. */
  readonly memberSeqs: ReadonlyMap<bigint, bigint>;
}

/**
 * Stores sends as if one by one in their order, by four statements whatever their number: one inserts the messages, one
 * tells what was left out and why, one notes when those in slow rooms have sent, one moves the heads. Where there are mentions or
 * replies, one more notes them.
 *
 * Of the sends with one identity in a commit, the first that may be stored is the message, and those after it are retries
 * of it. In a slow room, only the first send of a member in a commit is stored.
 */
export function sendMessages(sends: readonly SendMessageReq[], now: bigint): Sends {
  if (sends.length === 0) {
    return { statements: [], outcome: () => ({ answers: [], stored: [], roots: [], memberSeqs: new Map() }) };
  }
  const rooms = `[${[...new Set(sends.map(({ roomId }) => roomId))]}]`;
  const identities = sends.flatMap((send) => (send.clientMessageId === "" ? [] : [identity(send)]));
  const isAmbiguous = new Set(identities).size < identities.length;
  const isFollowed = new Set(sends.map(senderOf)).size < sends.length;
  const form = sends.some(isRich) ? RICH : isFollowed ? FOLLOWING : PLAIN;
  const notes = [
    ...(sends.some(({ mentionedUserIds }) => mentionedUserIds.length > 0)
      ? [{ sql: NOTE_MENTIONS, args: [rooms] }]
      : []),
    ...(sends.some(({ replyToId }) => replyToId > 0n) ? [{ sql: COUNT_REPLIES, args: [rooms, now] }] : []),
  ];
  return {
    statements: [
      { sql: isAmbiguous ? form.insertFirsts : form.insert, args: [toJson(sends, form, true), now] },
      { sql: form.leftOut, args: [toJson(sends, form, false), now, BigInt(sends.length)] },
      { sql: SLOW_DOWN, args: [rooms, now] },
      ...notes,
      { sql: MOVE_HEADS, args: [rooms] },
    ],
    outcome(inserted, leftOut, ...rest) {
      const roots = notes.at(-1)?.sql === COUNT_REPLIES ? rest.at(-2)!.map(toMessage) : [];
      return sendOutcomes(sends, now, { inserted: inserted!, leftOut: leftOut!, roots, heads: rest.at(-1)! });
    },
  };
}

interface Results {
  readonly inserted: Rows;
  readonly leftOut: Rows;
  readonly roots: readonly Message[];
  readonly heads: Rows;
}

function sendOutcomes(sends: readonly SendMessageReq[], now: bigint, results: Results): SendOutcomes {
  const why = new Map(results.leftOut.map((row) => [Number(row.ordinal), row]));
  const firsts = new Map<string, Message>();
  const stored: Message[] = [];
  const createdAt = timestampFromMs(Number(now));
  const answers = sends.map((send, ordinal) => {
    const row = why.get(ordinal);
    if (row?.verdict === "not_member") return notInRoom(send.roomId, send.userId);
    const first = row?.verdict === "retry" ? toMessage(row) : firsts.get(identity(send));
    if (first) return retried(send, first);
    if (row) return refusal(send, row, now);
    const { roomId, userId, body, clientMessageId, replyToId, mentionedUserIds } = send;
    const message = create(MessageSchema, { body, roomId, userId, createdAt, updatedAt: createdAt, clientMessageId });
    message.id = BigInt(ordinal);
    message.kind = kindOf(send);
    if (send.data) message.data = storedData(send.data);
    if (replyToId > 0n) message.replyToId = replyToId;
    if (mentionedUserIds.length > 0) message.mentionedUserIds = mentionedUserIds;
    if (clientMessageId !== "") firsts.set(identity(send), message);
    stored.push(message);
    return message;
  });
  number(stored, results);
  const memberSeqs = new Map(results.heads.map((row) => [row.id as bigint, row.member_seq as bigint]));
  return { answers, stored, roots: results.roots, memberSeqs };
}

/** Gives new messages, whose ids are their places in the list, the numbers that they have in the database. */
function number(stored: readonly Message[], { inserted, roots, heads }: Results): void {
  const newest = stored.at(-1);
  const head = heads.find((row) => row.id === newest?.roomId);
  if (!newest || !head) return;
  const firstId = (head.last_message_id as bigint) - newest.id;
  const seqs = new Map(heads.map((row) => [row.id as bigint, row.seq as bigint]));
  for (const { roomId } of roots) seqs.set(roomId, seqs.get(roomId)! - 1n);
  const threads = new Map(inserted.map((row) => [row.id as bigint, row.thread_id as bigint]));
  for (const message of stored.toReversed()) {
    message.id += firstId;
    message.seq = seqs.get(message.roomId)!;
    message.createdSeq = message.seq;
    message.threadId = threads.get(message.id) ?? 0n;
    seqs.set(message.roomId, message.seq - 1n);
  }
}

function retried(send: SendMessageReq, first: Message): Message | ConnectError {
  const isAsSent = !first.editedAt && !first.deletedAt;
  if (!isAsSent || (first.body === send.body && textOf(first.data) === textOf(send.data))) return first;
  return new ConnectError(
    `client_message_id ${send.clientMessageId} belongs to a message with another body or other data; use a fresh id for a new message`,
    Code.AlreadyExists,
  );
}

function refusal(send: SendMessageReq, judged: Rows[number], now: bigint): ConnectError {
  switch (judged.verdict) {
    case "no_message":
      return noMessage(send.replyToId, send.roomId);
    case "not_mentionable":
      return notMentionable(send.roomId);
    case "slow": {
      const [last, delay] = [judged.last_sent_at as bigint, judged.slow_mode_ms as bigint];
      // Whose earlier message is no reason to wait has another one in this commit.
      return tooSoon(timestampFromMs(Number((last + delay > now ? last : now) + delay)), Number(now));
    }
    default:
      return silenceRefusal(judged)!;
  }
}

/** What makes two sends the same message, where the sender gave an id. */
function identity(send: SendMessageReq): string {
  return `${senderOf(send)}/${send.clientMessageId}`;
}

function senderOf({ roomId, userId }: SendMessageReq): string {
  return `${roomId}/${userId}`;
}

/** Whether there is more to a send than its text. */
function isRich(send: SendMessageReq): boolean {
  const { replyToId, data, mentionedUserIds } = send;
  return replyToId > 0n || data !== undefined || mentionedUserIds.length > 0 || kindOf(send) !== MessageKind.USER;
}

function kindOf({ kind }: SendMessageReq): MessageKind {
  return kind || MessageKind.USER;
}

/** The sends for a form of statements, with or without what nobody judges. */
function toJson(sends: readonly SendMessageReq[], form: SendForm, hasTexts: boolean): string {
  const ordinals = new Map<bigint, number>();
  for (const { roomId } of sends) if (!ordinals.has(roomId)) ordinals.set(roomId, ordinals.size);
  const rows = sends.map((send) => {
    const texts = [send.clientMessageId || null, hasTexts ? send.body : ""].map((text) => JSON.stringify(text));
    const row = `${send.roomId},${send.userId},${texts},${ordinals.get(send.roomId)}`;
    if (form !== RICH) return `[${row}]`;
    const mentions = send.mentionedUserIds.length > 0 ? `[${send.mentionedUserIds.map((id) => `"${id}"`)}]` : null;
    const data = hasTexts && send.data ? dataText(send.data) : null;
    return `[${row},${send.replyToId},${kindOf(send)},${data},${mentions}]`;
  });
  return `[${rows}]`;
}

function textOf(data: JsonObject | undefined): string {
  return data ? dataText(data) : "";
}
