import type { InStatement } from "@libsql/client";
import type { Memberships } from "../../chat/store.ts";
import type { Rows } from "../database.ts";

export function membershipStatements(userId: bigint, roomIds: readonly bigint[]): InStatement[] {
  return [
    "SELECT epoch, revision FROM log_head",
    {
      sql: `SELECT rooms.id AS room_id, members.id, read_message_id, seq, rooms.member_seq, first_seq
        FROM members JOIN rooms ON rooms.id = members.room_id
        WHERE members.room_id IN (SELECT value FROM json_each(?2)) AND user_id = ?1 AND removed_at IS NULL`,
      args: [userId, `[${roomIds}]`],
    },
  ];
}

export function toMemberships([state, rows]: readonly Rows[]): Memberships {
  return {
    epoch: state![0]!.epoch as string,
    revision: state![0]!.revision as bigint,
    of: rows!.map((row) => ({
      roomId: row.room_id as bigint,
      id: row.id as bigint,
      readMessageId: row.read_message_id as bigint,
      head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
      firstSeq: row.first_seq as bigint,
    })),
  };
}
