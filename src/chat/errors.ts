import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Limits } from "./limits.ts";

/** One answer for a room that doesn't exist and for one the user is not a member of; user 0 is who has no user id. */
export function notInRoom(roomId: bigint, userId: bigint): ConnectError {
  return new ConnectError(`no room ${roomId} ${forUser(userId)}`, Code.NotFound);
}

/** Likewise, for who asks for the room of a post. */
export function noRoomOfPost(postId: bigint, userId: bigint): ConnectError {
  return new ConnectError(`no room of post ${postId} ${forUser(userId)}`, Code.NotFound);
}

function forUser(userId: bigint): string {
  return userId === 0n ? "that you may read" : `with user ${userId} as a member`;
}

export function noMessage(messageId: bigint, roomId: bigint): ConnectError {
  return new ConnectError(`no message ${messageId} in room ${roomId}`, Code.NotFound);
}

export function erased(): ConnectError {
  return new ConnectError("changes that the stream has not got to yet were erased; resume", Code.Unavailable);
}

export function tooOld(): ConnectError {
  return new ConnectError("the stream has reached its maximum age; resume from your cursors", Code.Unavailable);
}

/** Too often; the limit has the name that README.md gives it. */
export function rateLimited(limit: keyof Limits, waitMs: number): ConnectError {
  const error = exhausted("RATE_LIMITED", limit, `too many calls (${limit}); try again in ${Math.ceil(waitMs)} ms`);
  error.details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(Math.ceil(waitMs)) } });
  return error;
}

/** As many as there may be. */
export function limitReached(limit: keyof Limits, message: string): ConnectError {
  return exhausted("LIMIT_REACHED", limit, message);
}

function exhausted(reason: string, limit: keyof Limits, message: string): ConnectError {
  const value = { reason, domain: "roomlog", metadata: { limit } };
  return new ConnectError(message, Code.ResourceExhausted, undefined, [{ desc: ErrorInfoSchema, value }]);
}
