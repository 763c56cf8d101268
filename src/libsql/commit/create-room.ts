import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import type { CreateRoomReq, Room } from "../../../gen/chat_pb.ts";
import type { Rows } from "../database.ts";
import { toRoom } from "../schema/rows.ts";
import { type Bounds, hasRooms, idTooGreat, tooManyRooms } from "./bounds.ts";

/** The room of post ?1, which user ?2 is to open, who may be in ?3 rooms. */
const CREATION = `SELECT CASE
    WHEN EXISTS (SELECT 1 FROM rooms WHERE post_id = ?1) THEN 'exists'
    WHEN ${hasRooms("?2", "?3")} THEN 'too_many_rooms'
    ELSE 'ok'
  END AS verdict`;

/** The verdict, the room, and its first member. */
export function createRoomStatements({ postId, userId }: CreateRoomReq, bounds: Bounds): InStatement[] {
  const { greatestId, userRooms } = bounds;
  if (postId > greatestId) throw idTooGreat("post_id", postId, greatestId);
  if (userId > greatestId) throw idTooGreat("user_id", userId, greatestId);
  const now = BigInt(Date.now());
  const args = [postId, userId, BigInt(userRooms)];
  return [
    { sql: CREATION, args },
    {
      sql: `INSERT INTO rooms (
          id, post_id, owner_id, seq, member_seq, first_seq, member_count, last_message_id, revision, created_at, updated_at
        )
        SELECT room_id + 1, ?1, ?2, 0, 1, 1, 1, 0, revision + 1, ?4, ?4 FROM log_head
        WHERE (${CREATION}) = 'ok' RETURNING *`,
      args: [...args, now],
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

export function createdRoom(req: CreateRoomReq, bounds: Bounds, [judged, created]: readonly Rows[]): Room {
  switch (judged![0]!.verdict) {
    case "exists":
      throw new ConnectError(`post ${req.postId} has a room already`, Code.AlreadyExists);
    case "too_many_rooms":
      throw tooManyRooms(req.userId, bounds);
    default:
      return toRoom(created![0]!);
  }
}
