import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import type { GetRoomReq, Room } from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { toRoom } from "../schema/rows.ts";
import { OWN_ROOM } from "./membership.ts";

export function roomStatement({ room, userId }: GetRoomReq): InStatement {
  return {
    sql: room.case === "postId" ? ROOM_OF_POST : `SELECT * FROM rooms WHERE id = ${OWN_ROOM}`,
    args: [room.value!, userId],
  };
}

/** The membership is looked up, in a room that doesn't exist, also where the post has none. */
const ROOM_OF_POST = `SELECT * FROM rooms WHERE id = (
    SELECT room_id FROM members
    WHERE room_id = coalesce((SELECT id FROM rooms WHERE post_id = ?1), 0) AND user_id = ?2 AND removed_at IS NULL
  )`;

export function foundRoom({ room, userId }: GetRoomReq, [rows]: readonly Rows[]): Room {
  if (rows![0]) return toRoom(rows![0]);
  if (room.case === "roomId") throw notInRoom(room.value, userId);
  throw new ConnectError(`no room of post ${room.value} with user ${userId} as a member`, Code.NotFound);
}
