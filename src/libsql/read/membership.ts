import type { InStatement } from "@libsql/client";
import type { IsMemberReq } from "../../../gen/chat_pb.ts";
import type { Reading } from "../../chat/store.ts";

/**
 * The room of a membership of user ?2, as a value; null if the user is not a member. Memberships of a room that is deleted
 * end little by little.
 */
export const ownRoom = (room: string) => `(
    SELECT rooms.id FROM members JOIN rooms ON rooms.id = members.room_id
    WHERE members.room_id = ${room} AND user_id = ?2 AND removed_at IS NULL
  )`;

/**
 * Room ?1 for reader ?2, as a value; null if the reader finds no such room. A query that asks for the rows of this room
 * finds nothing at once for a stranger, with the same work whether or not there is such a room.
 */
export const READERS_ROOM = `iif(?2 IS NULL, (SELECT id FROM rooms WHERE id = ?1), ${ownRoom("?1")})`;

/** The reader of a query: a user, or null for who reads by right. */
export function readerOf({ userId }: { userId: bigint }, reading: Reading): bigint | null {
  return reading === "right" ? null : userId;
}

/** Whether a reader finds a room. */
export function isReaderStatement(roomId: bigint, reader: bigint | null): InStatement {
  return { sql: `SELECT ${READERS_ROOM} IS NOT NULL AS is_reader`, args: [roomId, reader] };
}

/** Whether the actor may ask, and whether the user is a member; services, and who asks about nobody else, may ask. */
export function isMemberStatement({ roomId, userId, actorId }: IsMemberReq): InStatement {
  if (actorId === 0n || actorId === userId) {
    return { sql: `SELECT true AS may_ask, ${ownRoom("?1")} IS NOT NULL AS is_member`, args: [roomId, userId] };
  }
  return {
    sql: `SELECT ${ownRoom("?1")} IS NOT NULL AS may_ask, EXISTS (
        SELECT 1 FROM members WHERE room_id = ${ownRoom("?1")} AND user_id = ?3 AND removed_at IS NULL
      ) AS is_member`,
    args: [roomId, actorId, userId],
  };
}
