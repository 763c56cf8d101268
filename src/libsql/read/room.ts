import type { InStatement } from "@libsql/client";
import type { GetRoomReq, Room } from "../../../gen/chat_pb.ts";
import { noRoomOfPost, notInRoom } from "../../chat/errors.ts";
import type { Reading } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { toRoom } from "../schema/rows.ts";
import { ownRoom, READERS_ROOM, readerOf } from "./membership.ts";

export function roomStatement(req: GetRoomReq, reading: Reading): InStatement {
  return {
    sql: req.room.case === "postId" ? ROOM_OF_POST : `SELECT * FROM rooms WHERE id = ${READERS_ROOM}`,
    args: [req.room.value!, readerOf(req, reading)],
  };
}

const ID_OF_POST = "(SELECT id FROM rooms WHERE post_id = ?1)";

/** The membership is looked up, in a room that doesn't exist, also where the post has none. */
const ROOM_OF_POST = `SELECT * FROM rooms
  WHERE id = iif(?2 IS NULL, ${ID_OF_POST}, ${ownRoom(`coalesce(${ID_OF_POST}, 0)`)})`;

export function foundRoom({ room, userId }: GetRoomReq, [rows]: readonly Rows[]): Room {
  if (rows![0]) return toRoom(rows![0]);
  throw room.case === "roomId" ? notInRoom(room.value, userId) : noRoomOfPost(room.value!, userId);
}
