import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Role } from "../../../gen/chat_pb.ts";
import { untilMs } from "../../chat/until.ts";
import { IS_MODERATOR, IS_OWNER } from "./operation.ts";

/**
 * Whether an actor, who finds the room by asSeenBy(), may silence a user or keep one out: the owner may anybody, moderators
 * those without a role. The user is given by the name of a parameter, and the membership, if there is one, has the alias
 * members.
 */
export function isPower(user: string): string {
  return `(${IS_OWNER} OR (${IS_MODERATOR} AND rooms.owner_id <> ${user} AND members.role IS NOT ${Role.MODERATOR}))`;
}

/** Until when something is to hold, in milliseconds; 0, if that isn't set, or has passed. */
export function inForce(until: Timestamp | undefined, now: bigint): bigint {
  return BigInt(untilMs(until, Number(now)));
}

export function ownerIsFree(verdict: unknown, userId: bigint): ConnectError | undefined {
  if (verdict !== "owner") return undefined;
  const message = `user ${userId} is the room's owner; hand it on with TransferOwnership first`;
  return new ConnectError(message, Code.FailedPrecondition);
}
