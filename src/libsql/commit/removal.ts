import type { RemoveMemberReq } from "../../../gen/chat_pb.ts";
import { asSeenBy, isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";
import { isPower } from "./power.ts";
import { memberOutcome, RECORD, RECORD_CHANGED_WITH_MEMBER } from "./record.ts";

/** Member ?2 of room ?1, whom actor ?3 removes. */
const REMOVAL = `SELECT members.user_id, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN members.id IS NULL THEN 'not_member'
    WHEN members.id = actors.id OR ${isPower("?2")} THEN 'ok'
    ELSE 'not_allowed'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

export function removeMember(req: RemoveMemberReq, now: bigint): Operation {
  const { roomId, userId, actorId } = req;
  return {
    statements: [
      { sql: REMOVAL, args: [roomId, userId, actorId] },
      {
        sql: `UPDATE members SET removed_at = ?4, updated_at = max(CAST(?4 AS INTEGER), updated_at),
            member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1), revision = ${NEXT_REVISION},
            left_revision = ${NEXT_REVISION}
          WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${REMOVAL}) WHERE verdict = 'ok') RETURNING *`,
        args: [roomId, userId, actorId, now],
      },
      {
        sql: `UPDATE rooms SET member_seq = member_seq + iif(owner_id = ?2, 2, 1), member_count = member_count - 1,
            owner_id = iif(owner_id <> ?2, owner_id, ${OLDEST_MEMBER}), updated_at = max(CAST(?3 AS INTEGER), updated_at),
            revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
        args: [roomId, userId, now],
      },
      { sql: RECORD_CHANGED_WITH_MEMBER, args: [roomId, userId] },
      { sql: `${RECORD} AND changes() > 0`, args: [roomId] },
    ],
    outcome([judged], [removed], _, __, [record]) {
      const refused = refusal(
        judged!.verdict,
        req,
        "only the room's owner may remove others, and its moderators those without a role",
      );
      return refused ? { answer: refused } : memberOutcome(removed!, record);
    },
  };
}

const OLDEST_MEMBER = `coalesce(
  (SELECT user_id FROM members WHERE room_id = ?1 AND removed_at IS NULL ORDER BY id LIMIT 1), 0
)`;
