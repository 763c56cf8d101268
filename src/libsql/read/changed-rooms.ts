import type { InStatement } from "@libsql/client";
import type { ChangedMembers, ChangedRooms } from "../../chat/changed-rooms.ts";
import type { Rows } from "../database.ts";

/** Rooms in one answer, and users. */
const CHANGED = 1_000;

export function changedRoomsStatements(after: bigint, among?: readonly bigint[]): InStatement[] {
  const state = "SELECT epoch, revision FROM log_head";
  if (among) return [state, { sql: AMONG, args: [after, `[${among}]`] }];
  return [state, { sql: ROOMS, args: [after] }, { sql: MEMBERS, args: [after] }];
}

const ROOMS = `SELECT id, seq, member_seq, revision, 0 AS is_deleted FROM rooms WHERE revision > ?1
  UNION ALL SELECT room_id, 0, 0, revision, 1 FROM deleted_rooms WHERE revision > ?1
  ORDER BY revision LIMIT ${CHANGED + 1}`;

const MEMBERS = `SELECT user_id, revision FROM members
  WHERE revision > ?1 ORDER BY revision LIMIT ${CHANGED + 1}`;

/** + keeps SQLite from looking at all revisions for the few rooms. */
const AMONG = `SELECT id, seq, member_seq, revision, 0 AS is_deleted FROM rooms
  WHERE id IN (SELECT value FROM json_each(?2)) AND +revision > CAST(?1 AS INTEGER)
  UNION ALL SELECT room_id, 0, 0, revision, 1 FROM deleted_rooms
  WHERE room_id IN (SELECT value FROM json_each(?2)) AND +revision > CAST(?1 AS INTEGER)
  ORDER BY revision`;

export function toChangedRooms([state, rooms, members]: readonly Rows[]): ChangedRooms {
  const { epoch, revision } = state![0]!;
  const newest = revision as bigint;
  // Of those among which it was asked, there are all.
  const [ofRooms, ofMembers] = members ? [endOf(rooms!, newest), endOf(members, newest)] : [newest, newest];
  const end = ofRooms < ofMembers ? ofRooms : ofMembers;
  const page = upTo(end, rooms!);
  return {
    epoch: epoch as string,
    revision: end,
    rooms: page.filter(isThere).map((row) => ({
      roomId: row.id as bigint,
      head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
      revision: row.revision as bigint,
    })),
    deleted: page.filter((row) => !isThere(row)).map((row) => row.id as bigint),
    members: members && toMembers(upTo(end, members)),
    isWhole: end === newest,
  };
}

function isThere({ is_deleted }: Rows[number]): boolean {
  return Number(is_deleted) === 0;
}

/** Up to where rows tell of everything: those of the last revision may not be all of it. */
function endOf(rows: Rows, newest: bigint): bigint {
  if (rows.length <= CHANGED) return newest;
  const [first, last] = [rows[0]!.revision as bigint, rows.at(-1)!.revision as bigint];
  return first < last ? last - 1n : last;
}

function upTo(end: bigint, rows: Rows): Rows {
  return rows.filter((row) => (row.revision as bigint) <= end);
}

/** Of one revision there may be more users than an answer has. */
function toMembers(rows: Rows): ChangedMembers {
  if (rows.length > CHANGED) return "too many";
  return rows.map((row) => ({ userId: row.user_id as bigint, revision: row.revision as bigint }));
}
