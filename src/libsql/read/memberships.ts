import type { InStatement } from "@libsql/client";
import type { Memberships } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { HAS_READ, toReadPosition } from "../schema/rows.ts";

export function membershipStatements(
  userId: bigint,
  roomIds: readonly bigint[],
  byRight: readonly bigint[],
): InStatement[] {
  const ofUser = {
    sql: `SELECT rooms.id AS room_id, members.id, read_message_id, members.revision, ${HAS_READ} AS has_read, seq, rooms.member_seq, first_seq
      FROM members JOIN rooms ON rooms.id = members.room_id
      WHERE members.room_id IN (SELECT value FROM json_each(?2)) AND user_id = ?1 AND removed_at IS NULL`,
    args: [userId, `[${roomIds}]`],
  };
  const others = {
    sql: `SELECT id AS room_id, 0 AS id, 0 AS has_read, seq, member_seq, first_seq
      FROM rooms WHERE rooms.id IN (SELECT value FROM json_each(?1))`,
    args: [`[${byRight}]`],
  };
  return ["SELECT epoch, revision FROM log_head", ofUser, ...(byRight.length > 0 ? [others] : [])];
}

export function toMemberships([state, ofUser, byRight = []]: readonly Rows[]): Memberships {
  const own = new Set(ofUser!.map((row) => row.room_id));
  const rows = [...ofUser!, ...byRight.filter((row) => !own.has(row.room_id))];
  return {
    epoch: state![0]!.epoch as string,
    revision: state![0]!.revision as bigint,
    of: rows.map((row) => ({
      roomId: row.room_id as bigint,
      id: row.id as bigint,
      read: Number(row.has_read) > 0 ? toReadPosition(row) : undefined,
      head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
      firstSeq: row.first_seq as bigint,
    })),
  };
}
