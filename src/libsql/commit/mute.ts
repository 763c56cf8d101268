import type { SetMuteReq } from "../../../gen/chat_pb.ts";
import { changeMember, judgedMember } from "./member-change.ts";
import type { Operation } from "./operation.ts";
import { inForce, isPower } from "./power.ts";

/** With ?4, until when the member is to be silent, which is 0 for not at all, and ?5, the time. */
const MUTE = judgedMember(isPower("?2"), "iif(members.muted_until > ?5, members.muted_until, 0) = CAST(?4 AS INTEGER)");

export function setMute(req: SetMuteReq, now: bigint): Operation {
  const value = inForce(req.mutedUntil, now);
  return changeMember(req, now, {
    column: "muted_until",
    value,
    judgement: { sql: MUTE, args: [req.roomId, req.userId, req.actorId, value, now] },
    notAllowed: "only the room's owner may mute others, and its moderators those without a role",
  });
}
