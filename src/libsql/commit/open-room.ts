import type { InStatement } from "@libsql/client";
import type { Room } from "../../../gen/chat_pb.ts";
import { noRoomOfKey, postHasRoom } from "../../chat/errors.ts";
import { postOf } from "../../chat/room-key.ts";
import type { EnsuredRoom, NewRoom, Reading } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { dataText } from "../schema/data.ts";
import { ROOM_RECORDS, toMember, toRoom } from "../schema/rows.ts";
import { type Bounds, hasRooms, idTooGreat, tooManyRooms } from "./bounds.ts";

/** The room of key ?1, which user ?2 is to open, who may be in ?3 rooms. */
const OPENING = `SELECT CASE
    WHEN EXISTS (SELECT 1 FROM room_records WHERE key = ?1) THEN 'exists'
    WHEN ${hasRooms("?2", "?3")} THEN 'too_many_rooms'
    ELSE 'ok'
  END AS verdict`;

/** The room of a key, whether a user is its member, and the memberships of some users. */
export function keyedRoomStatements({ key, userId }: NewRoom, userIds: readonly bigint[]): InStatement[] {
  return [
    {
      sql: `SELECT *, EXISTS (SELECT 1 FROM members WHERE room_id = room.id AND user_id = ?2 AND removed_at IS NULL) AS is_member
        FROM ${ROOM_RECORDS} AS room WHERE key = ?1`,
      args: [key, userId],
    },
    {
      sql: `SELECT * FROM members WHERE room_id = (SELECT room_id FROM room_records WHERE key = ?1)
        AND user_id IN (SELECT value FROM json_each(?2)) AND removed_at IS NULL ORDER BY user_id`,
      args: [key, `[${userIds}]`],
    },
  ];
}

/** The verdict, the room with its first member, and what keyedRoomStatements() find then. */
export function openRoomStatements(room: NewRoom, userIds: readonly bigint[], bounds: Bounds): InStatement[] {
  const { key, userId, name, data } = room;
  if (userId > bounds.greatestId) throw idTooGreat("user_id", userId, bounds.greatestId);
  const now = BigInt(Date.now());
  const args = [key, userId, BigInt(bounds.userRooms)];
  return [
    { sql: OPENING, args },
    {
      sql: `INSERT INTO rooms (
          id, owner_id, seq, member_seq, first_seq, member_count, last_message_id, revision, frozen_until, slow_mode_ms,
          created_at, updated_at
        )
        SELECT room_id + 1, ?2, 0, members, 1, members, 0, revision + 1, 0, 0, ?4, ?4
        FROM log_head, (SELECT CAST(?2 AS INTEGER) > 0 AS members) WHERE (${OPENING}) = 'ok'`,
      args: [...args, now],
    },
    {
      sql: `INSERT INTO room_records (room_id, key, member_seq, revision, name, data)
        SELECT room_id + 1, ?1, 0, revision, ?2, ?3 FROM log_head WHERE changes() > 0`,
      args: [key, name, data ? dataText(data) : null],
    },
    "UPDATE log_state SET room_id = room_id + 1 WHERE changes() > 0",
    {
      sql: `INSERT INTO members (
          room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at, revision
        )
        SELECT room_id, ?1, member_id + 1, 1, 0, message_id, ?2, ?2, revision FROM log_head
        WHERE changes() > 0 AND CAST(?1 AS INTEGER) > 0`,
      args: [userId, now],
    },
    "UPDATE log_state SET member_id = member_id + 1 WHERE changes() > 0",
    ...keyedRoomStatements(room, userIds),
  ];
}

/** The new room. */
export function openedRoom({ key, userId }: NewRoom, bounds: Bounds, rows: readonly Rows[], reading: Reading): Room {
  const [verdict, found] = [rows[0]![0]!.verdict, rows.at(-2)![0]!];
  if (verdict === "too_many_rooms") throw tooManyRooms(userId, bounds);
  if (verdict === "ok") return toRoom(found);
  const mayRead = reading === "right" || Number(found.is_member) > 0;
  throw postHasRoom(postOf(key), mayRead ? (found.id as bigint) : undefined);
}

/** The room that a user finds by its key, if there is one. */
export function keyedRoom({ key, userId }: NewRoom, [rooms, members]: readonly Rows[]): EnsuredRoom | undefined {
  const found = rooms![0];
  if (!found) return undefined;
  if (userId > 0n && Number(found.is_member) === 0) throw noRoomOfKey(key, userId);
  return { room: toRoom(found), isNew: false, members: members!.map(toMember) };
}

/** Likewise after openRoomStatements(), by which it may be new. */
export function ensuredRoom(room: NewRoom, bounds: Bounds, rows: readonly Rows[]): EnsuredRoom {
  const { verdict } = rows[0]![0]!;
  if (verdict === "too_many_rooms") throw tooManyRooms(room.userId, bounds);
  return { ...keyedRoom(room, rows.slice(-2))!, isNew: verdict === "ok" };
}
