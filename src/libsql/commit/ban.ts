import { create } from "@bufbuild/protobuf";
import { MemberSchema, type SetBanReq } from "../../../gen/chat_pb.ts";
import { toBanned, toMember } from "../schema/rows.ts";
import { type Bounds, idTooGreat } from "./bounds.ts";
import { asSeenBy, isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";
import { inForce, isPower, ownerIsFree } from "./power.ts";

/** User ?2, whom actor ?3 keeps out of room ?1 until ?4, which is 0 for not at all; the time is ?5. */
const BAN = `SELECT latest.*, rooms.id AS room, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN NOT ${isPower("?2")} THEN 'not_allowed'
    WHEN rooms.owner_id = ?2 THEN 'owner'
    WHEN iif(latest.banned_until > ?5, latest.banned_until, 0) = CAST(?4 AS INTEGER)
      AND (members.id IS NULL OR CAST(?4 AS INTEGER) = 0) THEN 'done'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members AS latest ON latest.room_id = rooms.id AND latest.user_id = ?2
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

/** Who never was a member gets a membership that has ended. */
export function setBan(req: SetBanReq, now: bigint, { greatestId }: Bounds): Operation {
  const { roomId, userId, actorId } = req;
  const until = inForce(req.bannedUntil, now);
  const args = [roomId, userId, actorId, until, now];
  const isTooGreat = userId > greatestId;
  const judgement = { sql: BAN, args };
  const ban = [
    {
      sql: `UPDATE rooms SET member_seq = member_seq + 1, member_count = member_count - (
            SELECT count(*) FROM members WHERE ${isMember("members", "?2")}
          ), updated_at = max(CAST(?5 AS INTEGER), updated_at), revision = ${NEXT_REVISION}
        WHERE id = (SELECT room FROM (${BAN}) WHERE verdict = 'ok')`,
      args,
    },
    {
      sql: `INSERT INTO members (
          room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at, removed_at, revision,
          banned_until
        )
        SELECT rooms.id, ?2, member_id + 1, member_seq, 0, 0, ?4, ?4, ?4, rooms.revision, ?3
        FROM rooms CROSS JOIN log_state WHERE rooms.id = ?1 AND changes() > 0
        ON CONFLICT (room_id, user_id) DO UPDATE SET
          member_seq = excluded.member_seq, updated_at = max(excluded.updated_at, updated_at),
          left_revision = iif(removed_at IS NULL, excluded.revision, left_revision),
          removed_at = coalesce(removed_at, excluded.removed_at), revision = excluded.revision,
          banned_until = excluded.banned_until
        RETURNING *`,
      args: [roomId, userId, until, now],
    },
    {
      sql: `UPDATE log_state SET member_id = member_id + 1 WHERE member_id + 1 = (
          SELECT id FROM members WHERE room_id = ?1 AND user_id = ?2
        )`,
      args: [roomId, userId],
    },
  ];
  return {
    statements: isTooGreat ? [judgement] : [judgement, ...ban],
    outcome([judged], _, [changed] = []) {
      const notAllowed = "only the room's owner may ban others, and its moderators those without a role";
      const refused = refusal(judged!.verdict, req, notAllowed) ?? ownerIsFree(judged!.verdict, userId);
      if (refused) return { answer: refused };
      if (isTooGreat) return { answer: idTooGreat("user_id", userId, greatestId) };
      if (!changed) {
        return { answer: judged!.id === null ? create(MemberSchema, { roomId, userId }) : toBanned(judged!, now) };
      }
      const member = toMember(changed);
      return { answer: toBanned(changed, now), member, memberSeq: member.memberSeq };
    },
  };
}
