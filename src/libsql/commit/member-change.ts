import type { InStatement } from "@libsql/client";
import { toMember } from "../schema/rows.ts";
import { asSeenBy, isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";
import { ownerIsFree } from "./power.ts";
import { memberOutcome } from "./record.ts";

/** What is set of a member, in whose judgement it is ?4. */
interface MemberValue {
  readonly column: "role" | "muted_until";
  readonly value: bigint;
  readonly judgement: { readonly sql: string; readonly args: bigint[] };
  /** Why it is refused to whom it isn't up to. */
  readonly notAllowed: string;
}

/** Member ?2 of room ?1, of whom actor ?3 sets something; not of the owner. Both conditions may have parameters from ?4 on. */
export function judgedMember(isAllowed: string, isSoAlready: string): string {
  return `SELECT members.*, CASE
      WHEN rooms.id IS NULL THEN 'no_room'
      WHEN members.id IS NULL THEN 'not_member'
      WHEN NOT ${isAllowed} THEN 'not_allowed'
      WHEN members.user_id = rooms.owner_id THEN 'owner'
      WHEN ${isSoAlready} THEN 'done'
      ELSE 'ok'
    END AS verdict
    ${asSeenBy("?3")}
    LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;
}

/** Sets something of a member, by a judgement of {@link judgedMember}. */
export function changeMember(
  req: { readonly roomId: bigint; readonly userId: bigint; readonly actorId: bigint },
  now: bigint,
  { column, value, judgement, notAllowed }: MemberValue,
): Operation {
  const { roomId, userId, actorId } = req;
  const change: InStatement = {
    sql: `UPDATE members SET ${column} = ?4, updated_at = max(CAST(?5 AS INTEGER), updated_at),
        member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1), revision = ${NEXT_REVISION}
      WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${judgement.sql}) WHERE verdict = 'ok') RETURNING *`,
    args: [roomId, userId, actorId, value, now],
  };
  const head: InStatement = {
    sql: `UPDATE rooms SET member_seq = member_seq + 1, updated_at = max(CAST(?2 AS INTEGER), updated_at),
        revision = ${NEXT_REVISION}
      WHERE id = ?1 AND changes() > 0`,
    args: [roomId, now],
  };
  return {
    statements: [judgement, change, head],
    outcome([judged], [changed]) {
      const refused = refusal(judged!.verdict, req, notAllowed) ?? ownerIsFree(judged!.verdict, userId);
      if (refused) return { answer: refused };
      return changed ? memberOutcome(changed) : { answer: toMember(judged!) };
    },
  };
}
