import type { TransferOwnershipReq } from "../../../gen/chat_pb.ts";
import { asSeenBy, IS_OWNER, isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";
import { RECORD, RECORD_CHANGED, recordOutcome } from "./record.ts";

/** Room ?1, which actor ?3 hands on to member ?2. */
const TRANSFER = `SELECT rooms.*, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN members.id IS NULL THEN 'not_member'
    WHEN NOT ${IS_OWNER} THEN 'not_allowed'
    WHEN rooms.owner_id = members.user_id THEN 'done'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

export function transferOwnership(req: TransferOwnershipReq, now: bigint): Operation {
  const args = [req.roomId, req.userId, req.actorId];
  return {
    statements: [
      { sql: TRANSFER, args },
      {
        sql: `UPDATE rooms SET owner_id = ?2, member_seq = member_seq + 1,
            updated_at = max(CAST(?4 AS INTEGER), updated_at), revision = ${NEXT_REVISION}
          WHERE id = (SELECT id FROM (${TRANSFER}) WHERE verdict = 'ok')`,
        args: [...args, now],
      },
      { sql: RECORD_CHANGED, args: [req.roomId] },
      { sql: RECORD, args: [req.roomId] },
    ],
    outcome([judged], _, __, [record]) {
      const refused = refusal(judged!.verdict, req, "only the room's owner may hand it on");
      return refused ? { answer: refused } : recordOutcome(judged!, record!);
    },
  };
}
