import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import type { CreateRoomReq, Room } from "../../../gen/chat_pb.ts";
import type { Rows } from "../database.ts";
import { toRoom } from "../schema/rows.ts";
import { idTooGreat } from "./ids.ts";

/** The room and its first member; nothing where the post has a room. */
export function createRoomStatements({ postId, userId }: CreateRoomReq, greatestId: bigint): InStatement[] {
  if (postId > greatestId) throw idTooGreat("post_id", postId, greatestId);
  if (userId > greatestId) throw idTooGreat("user_id", userId, greatestId);
  const now = BigInt(Date.now());
  return [
    {
      sql: `INSERT INTO rooms (
          id, post_id, owner_id, seq, member_seq, first_seq, member_count, last_message_id, revision, created_at, updated_at
        )
        SELECT room_id + 1, ?1, ?2, 0, 1, 1, 1, 0, revision + 1, ?3, ?3 FROM log_head WHERE true
        ON CONFLICT (post_id) DO NOTHING RETURNING *`,
      args: [postId, userId, now],
    },
    {
      sql: `INSERT INTO members (
          room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at
        )
        SELECT room_id + 1, ?1, member_id + 1, 1, 0, message_id, ?2, ?2 FROM log_head WHERE changes() > 0`,
      args: [userId, now],
    },
    "UPDATE log_state SET room_id = room_id + 1, member_id = member_id + 1 WHERE changes() > 0",
  ];
}

export function createdRoom({ postId }: CreateRoomReq, [created]: readonly Rows[]): Room {
  if (created![0]) return toRoom(created![0]);
  throw new ConnectError(`post ${postId} has a room already`, Code.AlreadyExists);
}
