import { create } from "@bufbuild/protobuf";
import type { MarkReadReq } from "../../../gen/chat_pb.ts";
import { ReadMarkSchema } from "../../../gen/room/room_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import { toMember } from "../schema/rows.ts";
import { isMember, NEXT_REVISION, type Operation } from "./operation.ts";

/** Member ?2 of room ?1, who has read up to message ?3, or nothing, where that is 0. ?4 says whether it may be less than before. */
const MARK = `SELECT members.*, rooms.member_seq AS room_member_seq, rooms.member_count, CASE
    WHEN rooms.id IS NULL THEN 'not_member'
    WHEN messages.id IS NULL AND CAST(?3 AS INTEGER) > 0 THEN 'no_message'
    WHEN members.read_message_id = ?3 OR (members.read_message_id > ?3 AND NOT CAST(?4 AS INTEGER)) THEN 'done'
    ELSE 'ok'
  END AS verdict
  FROM (SELECT 1)
  LEFT JOIN members ON ${isMember("members", "?2")}
  LEFT JOIN rooms ON rooms.id = members.room_id
  LEFT JOIN messages ON messages.room_id = members.room_id AND messages.id = ?3`;

/** A read position is in no log: it takes no number but a revision, and leaves the room's row alone. */
export function markRead({ roomId, userId, messageId, mayMoveBack }: MarkReadReq, now: bigint): Operation {
  const args = [roomId, userId, messageId, mayMoveBack ? 1n : 0n];
  return {
    statements: [
      { sql: MARK, args },
      {
        // Later than its beginning, so that a position back there is known to have moved.
        sql: `UPDATE members SET read_message_id = ?3, revision = ${NEXT_REVISION},
            updated_at = max(CAST(?5 AS INTEGER), updated_at, created_at + 1)
          WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${MARK}) WHERE verdict = 'ok') RETURNING *`,
        args: [...args, now],
      },
      `UPDATE log_state SET revision = ${NEXT_REVISION} WHERE changes() > 0`,
    ],
    outcome([judged], [moved]) {
      if (judged!.verdict === "not_member") return { answer: notInRoom(roomId, userId) };
      if (judged!.verdict === "no_message") return { answer: noMessage(messageId, roomId) };
      if (!moved) return { answer: toMember(judged!) };
      const [memberSeq, members] = [judged!.room_member_seq as bigint, Number(judged!.member_count)];
      return {
        answer: toMember(moved),
        read: create(ReadMarkSchema, {
          roomId,
          userId,
          messageId,
          memberSeq,
          members,
          revision: moved.revision as bigint,
          memberId: moved.id as bigint,
        }),
      };
    },
  };
}
