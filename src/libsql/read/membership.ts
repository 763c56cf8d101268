import type { InStatement } from "@libsql/client";

/**
 * Room ?1 for user ?2, as a value; null if the user is not a member. A query that asks for the rows of this room finds
 * nothing at once for a stranger, with the same work whether or not there is such a room.
 */
export const OWN_ROOM = "(SELECT room_id FROM members WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL)";

export function isMemberStatement(roomId: bigint, userId: bigint): InStatement {
  return { sql: `SELECT ${OWN_ROOM} IS NOT NULL AS is_member`, args: [roomId, userId] };
}
