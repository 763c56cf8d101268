import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Cursor,
  CursorSchema,
  type Member,
  MemberSchema,
  type Message,
  MessageSchema,
  type Role,
  type Room,
  RoomSchema,
} from "../../../gen/chat_pb.ts";
import type { Rows } from "../database.ts";

type Row = Rows[number];

export function toRoom(row: Row): Room {
  return create(RoomSchema, {
    id: row.id as bigint,
    postId: row.post_id as bigint,
    ownerId: row.owner_id as bigint,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
  });
}

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
  });
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
  });
}

/** The heads of a room's logs, with the epoch of the database. */
export function toCursor(row: Row): Cursor {
  return create(CursorSchema, {
    seq: row.seq as bigint,
    memberSeq: row.member_seq as bigint,
    epoch: row.epoch as string,
  });
}

function toTimestamp(ms: Row[string] | undefined): Timestamp {
  return timestampFromMs(Number(ms));
}
