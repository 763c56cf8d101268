import type { SetMuteReq } from "../../../gen/chat_pb.ts";
import { toMember } from "../schema/rows.ts";
import { asSeenBy, isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";
import { inForce, isPower, ownerIsFree } from "./power.ts";

/** Member ?2 of room ?1, whom actor ?3 keeps silent until ?4, which is 0 for not at all; the time is ?5. */
const MUTE = `SELECT members.*, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN members.id IS NULL THEN 'not_member'
    WHEN NOT ${isPower("?2")} THEN 'not_allowed'
    WHEN members.user_id = rooms.owner_id THEN 'owner'
    WHEN iif(members.muted_until > ?5, members.muted_until, 0) = CAST(?4 AS INTEGER) THEN 'done'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

export function setMute(req: SetMuteReq, now: bigint): Operation {
  const { roomId, userId, actorId } = req;
  const args = [roomId, userId, actorId, inForce(req.mutedUntil, now), now];
  return {
    statements: [
      { sql: MUTE, args },
      {
        sql: `UPDATE members SET muted_until = ?4, updated_at = max(CAST(?5 AS INTEGER), updated_at),
            member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1), revision = ${NEXT_REVISION}
          WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${MUTE}) WHERE verdict = 'ok') RETURNING *`,
        args,
      },
      {
        sql: `UPDATE rooms SET member_seq = member_seq + 1, updated_at = max(CAST(?2 AS INTEGER), updated_at),
            revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
        args: [roomId, now],
      },
    ],
    outcome([judged], [changed]) {
      const notAllowed = "only the room's owner may mute others, and its moderators those without a role";
      const refused = refusal(judged!.verdict, req, notAllowed) ?? ownerIsFree(judged!.verdict, userId);
      if (refused) return { answer: refused };
      if (!changed) return { answer: toMember(judged!) };
      const member = toMember(changed);
      return { answer: member, member, memberSeq: member.memberSeq };
    },
  };
}
