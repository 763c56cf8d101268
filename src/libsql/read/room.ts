import type { InStatement } from "@libsql/client";
import type { GetRoomReq, Room } from "../../../gen/chat_pb.ts";
import { noRoomOfKey, noRoomOfPost, notInRoom } from "../../chat/errors.ts";
import { keyOfPost } from "../../chat/room-key.ts";
import type { Reading } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { ROOM_RECORDS, toRoom } from "../schema/rows.ts";
import { ownRoom, READERS_ROOM, readerOf } from "./membership.ts";

export function roomStatement(req: GetRoomReq, reading: Reading): InStatement {
  return {
    sql: req.room.case === "roomId" ? `SELECT * FROM ${ROOM_RECORDS} WHERE id = ${READERS_ROOM}` : ROOM_OF_KEY,
    args: [req.room.case === "postId" ? keyOfPost(req.room.value) : req.room.value!, readerOf(req, reading)],
  };
}

const ID_OF_KEY = "(SELECT room_id FROM room_records WHERE key = ?1)";

/** The membership is looked up, in a room that doesn't exist, also where the key has none. */
const ROOM_OF_KEY = `SELECT * FROM ${ROOM_RECORDS}
  WHERE id = iif(?2 IS NULL, ${ID_OF_KEY}, ${ownRoom(`coalesce(${ID_OF_KEY}, 0)`)})`;

export function foundRoom({ room, userId }: GetRoomReq, [rows]: readonly Rows[]): Room {
  if (rows![0]) return toRoom(rows![0]);
  switch (room.case) {
    case "key":
      throw noRoomOfKey(room.value, userId);
    case "postId":
      throw noRoomOfPost(room.value, userId);
    default:
      throw notInRoom(room.value!, userId);
  }
}
