import type { Member, UpdateRoomReq } from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import { untilMs } from "../../chat/until.ts";
import type { Rows } from "../database.ts";
import { dataText } from "../schema/data.ts";
import { ROOM_RECORDS, toMember, toRoom } from "../schema/rows.ts";
import { asSeenBy, denied, IS_MODERATOR, NEXT_REVISION, type Operation, type OperationOutcome } from "./operation.ts";

/** Follows the statement that gave room ?1 the next member_seq for its record, if it did. */
export const RECORD_CHANGED = `UPDATE room_records SET member_seq = rooms.member_seq, revision = rooms.revision
  FROM rooms WHERE rooms.id = ?1 AND room_records.room_id = ?1 AND changes() > 0`;

/** Likewise, where user ?2 has taken a member_seq before: the room has gone further if its record has changed too. */
export const RECORD_CHANGED_WITH_MEMBER = `${RECORD_CHANGED}
  AND rooms.member_seq > (SELECT member_seq FROM members WHERE room_id = ?1 AND user_id = ?2)`;

/** The record of room ?1. */
export const RECORD = `SELECT * FROM ${ROOM_RECORDS} WHERE id = ?1`;

/** Room ?1 as actor ?2 finds it, who sets its name to ?3, its data to ?4, and its times to ?5 and ?6, where they aren't null. */
const UPDATE = `SELECT rooms.id, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN NOT ${IS_MODERATOR} THEN 'not_allowed'
    WHEN coalesce(name = ?3, true) AND coalesce(data = ?4, ?4 IS NULL)
      AND coalesce(frozen_until = ?5, true) AND coalesce(slow_mode_ms = ?6, true) THEN 'done'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?2")}
  LEFT JOIN room_records ON room_records.room_id = rooms.id`;

export function updateRoom(req: UpdateRoomReq, now: bigint): Operation {
  const { roomId, actorId, name, data, frozenUntil, slowModeSeconds } = req;
  const args = [
    roomId,
    actorId,
    name ?? null,
    data ? dataText(data) : null,
    frozenUntil ? BigInt(untilMs(frozenUntil, Number(now))) : null,
    slowModeSeconds === undefined ? null : BigInt(slowModeSeconds) * 1_000n,
  ];
  return {
    statements: [
      { sql: UPDATE, args },
      {
        sql: `UPDATE rooms SET frozen_until = coalesce(CAST(?5 AS INTEGER), frozen_until),
            slow_mode_ms = coalesce(CAST(?6 AS INTEGER), slow_mode_ms), member_seq = member_seq + 1,
            updated_at = max(CAST(?7 AS INTEGER), updated_at), revision = ${NEXT_REVISION}
          WHERE id = (SELECT id FROM (${UPDATE}) WHERE verdict = 'ok')`,
        args: [...args, now],
      },
      { sql: RECORD_CHANGED, args: [roomId] },
      {
        sql: `UPDATE room_records SET name = coalesce(?2, name), data = coalesce(?3, data)
          WHERE room_id = ?1 AND changes() > 0`,
        args: [roomId, args[2]!, args[3]!],
      },
      { sql: RECORD, args: [roomId] },
    ],
    outcome([judged], _, __, ___, [record]) {
      switch (judged!.verdict) {
        case "no_room":
          return { answer: notInRoom(roomId, actorId) };
        case "not_allowed":
          return { answer: denied("only the room's owner and moderators may change it; ask one of them") };
        default:
          return recordOutcome(judged!, record!);
      }
    },
  };
}

/** Of a change that was not refused: the record as it is after it, which is news unless it was so before. */
export function recordOutcome({ verdict }: Rows[number], record: Rows[number]): OperationOutcome {
  const room = toRoom(record);
  return verdict === "ok" ? { answer: room, room, memberSeq: room.memberSeq } : { answer: room };
}

/** Of a change of a membership, after which the record may have changed its owner. */
export function memberOutcome(
  changed: Rows[number],
  record?: Rows[number],
): OperationOutcome & { readonly member: Member } {
  const member = toMember(changed);
  if (!record) return { answer: member, member, memberSeq: member.memberSeq };
  const room = toRoom(record);
  return { answer: member, member, room, memberSeq: room.memberSeq };
}
