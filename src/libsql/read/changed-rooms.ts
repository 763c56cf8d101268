import type { InStatement } from "@libsql/client";
import type { ChangedRooms } from "../../chat/store.ts";
import type { Rows } from "../database.ts";

/** Rooms in one answer. */
const CHANGED_ROOMS = 1_000;

export function changedRoomsStatements(after: bigint, among?: readonly bigint[]): InStatement[] {
  const state = "SELECT epoch, revision FROM log_head";
  // + keeps SQLite from looking at all revisions for the few rooms.
  const rooms = among
    ? {
        sql: `SELECT id, seq, member_seq, revision FROM rooms
          WHERE id IN (SELECT value FROM json_each(?2)) AND +revision > CAST(?1 AS INTEGER) ORDER BY +revision`,
        args: [after, `[${among}]`],
      }
    : {
        sql: `SELECT id, seq, member_seq, revision FROM rooms
          WHERE revision > ?1 ORDER BY revision LIMIT ${CHANGED_ROOMS + 1}`,
        args: [after],
      };
  return [state, rooms];
}

export function toChangedRooms(among: readonly bigint[] | undefined, [state, rows]: readonly Rows[]): ChangedRooms {
  const isWhole = among !== undefined || rows!.length <= CHANGED_ROOMS;
  const page = isWhole ? rows! : rows!.slice(0, CHANGED_ROOMS);
  return {
    epoch: state![0]!.epoch as string,
    revision: (isWhole ? state![0]! : page.at(-1)!).revision as bigint,
    rooms: page.map((row) => ({
      roomId: row.id as bigint,
      head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
    })),
    isWhole,
  };
}
