import type { SetRoleReq } from "../../../gen/chat_pb.ts";
import { changeMember, judgedMember } from "./member-change.ts";
import { IS_OWNER, type Operation } from "./operation.ts";

/** With ?4, the role. */
const ROLE = judgedMember(IS_OWNER, "members.role = ?4");

export function setRole(req: SetRoleReq, now: bigint): Operation {
  const value = BigInt(req.role);
  return changeMember(req, now, {
    column: "role",
    value,
    judgement: { sql: ROLE, args: [req.roomId, req.userId, req.actorId, value] },
    notAllowed: "only the room's owner may give roles",
  });
}
