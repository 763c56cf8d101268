import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Cursor,
  CursorSchema,
  type Member,
  MemberSchema,
  type Message,
  type MessageKind,
  MessageSchema,
  type ReactionSchema,
  type Role,
  type Room,
  RoomSchema,
} from "../../../gen/chat_pb.ts";
import type { ReadPosition } from "../../chat/read-positions.ts";
import { postOf } from "../../chat/room-key.ts";
import type { Rows } from "../database.ts";

type Row = Rows[number];

/** Rooms with their records. Columns with the prefix `record_` are of the latter. */
export const ROOM_RECORDS = `(
    SELECT rooms.*, key, name, data, room_records.member_seq AS record_member_seq,
      room_records.revision AS record_revision
    FROM rooms JOIN room_records ON room_id = rooms.id
  )`;

/** Of a row of {@link ROOM_RECORDS}. */
export function toRoom(row: Row): Room {
  const key = row.key as string;
  return create(RoomSchema, {
    id: row.id as bigint,
    postId: postOf(key),
    ownerId: row.owner_id as bigint,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
    key,
    name: row.name as string,
    data: toStruct(row.data),
    memberCount: Number(row.member_count),
    memberSeq: row.record_member_seq as bigint,
    frozenUntil: toSetTime(row.frozen_until),
    slowModeSeconds: Number(row.slow_mode_ms) / 1_000,
  });
}

/** As all members may see it. */
export function toMember(row: Row): Member {
  return create(MemberSchema, {
    id: row.id as bigint,
    roomId: row.room_id as bigint,
    userId: row.user_id as bigint,
    memberSeq: row.member_seq as bigint,
    readMessageId: row.read_message_id as bigint,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
    removedAt: row.removed_at === null ? undefined : toTimestamp(row.removed_at),
    role: Number(row.role) as Role,
    mutedUntil: toSetTime(row.muted_until),
  });
}

/** With until when the user is banned, if that is after a time; it is for moderators and services to know. */
export function toBanned(row: Row, now: bigint): Member {
  const isBanned = Number(row.banned_until) > now;
  return { ...toMember(row), ...(isBanned && { bannedUntil: toTimestamp(row.banned_until) }) };
}

/** Whether a member has a read position to tell of: one at the beginning is told if it has moved back there. */
export const HAS_READ = "(read_message_id > 0 OR members.updated_at > members.created_at)";

/** Of a row of a member. */
export function toReadPosition(row: Row): ReadPosition {
  return {
    memberId: row.id as bigint,
    messageId: row.read_message_id as bigint,
    revision: row.revision as bigint,
  };
}

export function toMessage(row: Row): Message {
  return create(MessageSchema, {
    id: row.id as bigint,
    body: row.body as string,
    roomId: row.room_id as bigint,
    userId: row.user_id as bigint,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
    seq: row.seq as bigint,
    clientMessageId: (row.client_message_id as string | null) ?? "",
    replyToId: row.reply_to_id as bigint,
    deletedAt: row.deleted_at === null ? undefined : toTimestamp(row.deleted_at),
    data: toStruct(row.data),
    kind: Number(row.kind) as MessageKind,
    createdSeq: row.created_seq as bigint,
    editedAt: row.edited_at === null ? undefined : toTimestamp(row.edited_at),
    mentionedUserIds: toIds(row.mentions),
    reactions: toReactions(row.reactions),
    threadId: row.thread_id as bigint,
    replyCount: Number(row.reply_count),
    pinnedAt: row.pinned_at === null ? undefined : toTimestamp(row.pinned_at),
  });
}

/** The JSON of what a product keeps in a room or a message. */
function toStruct(json: Row[string] | undefined): JsonObject | undefined {
  return typeof json === "string" ? JSON.parse(json) : undefined;
}

function toIds(json: Row[string] | undefined): bigint[] {
  return typeof json === "string" ? JSON.parse(json).map(BigInt) : [];
}

function toReactions(json: Row[string] | undefined): MessageInitShape<typeof ReactionSchema>[] {
  if (typeof json !== "string") return [];
  const reactions: [string, number, string[]][] = JSON.parse(json);
  return reactions.map(([emoji, count, userIds]) => ({ emoji, count, userIds: userIds.map(BigInt) }));
}

/** The heads of a room's logs, with the epoch of the database. */
export function toCursor(row: Row): Cursor {
  return create(CursorSchema, {
    seq: row.seq as bigint,
    memberSeq: row.member_seq as bigint,
    epoch: row.epoch as string,
  });
}

/** A time until which something holds; 0 is none. */
function toSetTime(ms: Row[string] | undefined): Timestamp | undefined {
  return Number(ms) > 0 ? toTimestamp(ms) : undefined;
}

export function toTimestamp(ms: Row[string] | undefined): Timestamp {
  return timestampFromMs(Number(ms));
}
