import { durationFromMs, type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Limits } from "./limits.ts";

/** One answer for a room that doesn't exist and for one the user is not a member of; user 0 is who has no user id. */
export function notInRoom(roomId: bigint, userId: bigint): ConnectError {
  return new ConnectError(`no room ${roomId} ${forUser(userId)}`, Code.NotFound);
}

/** Likewise, of the rooms of a stream, all of which the details name. */
export function notInRooms(roomIds: readonly bigint[], userId: bigint): ConnectError {
  const error = notInRoom(roomIds[0]!, userId);
  error.details.push(errorInfo("NO_ROOM", { room_ids: roomIds.join() }));
  return error;
}

/** Likewise, for who asks for the room of a post. */
export function noRoomOfPost(postId: bigint, userId: bigint): ConnectError {
  return new ConnectError(`no room of post ${postId} ${forUser(userId)}`, Code.NotFound);
}

/** Likewise, for who asks for the room of a key. */
export function noRoomOfKey(key: string, userId: bigint): ConnectError {
  return new ConnectError(`no room "${key}" ${forUser(userId)}`, Code.NotFound);
}

function forUser(userId: bigint): string {
  return userId === 0n ? "that you may read" : `with user ${userId} as a member`;
}

/** With the room's id for who may read it. */
export function postHasRoom(postId: bigint, roomId?: bigint): ConnectError {
  const error = new ConnectError(`post ${postId} has a room already`, Code.AlreadyExists);
  if (roomId === undefined) return error;
  error.details.push(errorInfo("ROOM_EXISTS", { room_id: `${roomId}` }));
  return error;
}

/** A user who can't be added. */
export function banned(userId: bigint, until: Timestamp): ConnectError {
  const time = toText(until);
  const message = `user ${userId} is banned from the room until ${time}; lift that with SetBan first`;
  return new ConnectError(message, Code.PermissionDenied, undefined, [errorInfo("BANNED", { until: time })]);
}

export function noMessage(messageId: bigint, roomId: bigint): ConnectError {
  return new ConnectError(`no message ${messageId} in room ${roomId}`, Code.NotFound);
}

export function bansAreSecret(): ConnectError {
  const message = "who is banned is told to the room's owner, its moderators, and services";
  return new ConnectError(message, Code.PermissionDenied);
}

/** A message mentions somebody who isn't in the room. */
export function notMentionable(roomId: bigint): ConnectError {
  const message = `mentioned_user_ids: one of them is no member of room ${roomId}; mention members only`;
  return new ConnectError(message, Code.FailedPrecondition);
}

/** A member may not send, edit and react; READER is for as long as the member has that role. */
export function silenced(reason: "READER"): ConnectError;
export function silenced(reason: "MUTED" | "FROZEN", until: Timestamp): ConnectError;
export function silenced(reason: "READER" | "MUTED" | "FROZEN", until?: Timestamp): ConnectError {
  const metadata: Record<string, string> = until ? { until: toText(until) } : {};
  const texts = {
    READER: "readers of a room send nothing; ask its owner for another role",
    MUTED: `you are muted until ${metadata.until}; send again after that`,
    FROZEN: `the room is frozen until ${metadata.until}; send again after that`,
  };
  return new ConnectError(texts[reason], Code.PermissionDenied, undefined, [errorInfo(reason, metadata)]);
}

/** A member of a slow room sends again too soon. */
export function tooSoon(until: Timestamp, now: number): ConnectError {
  const retryDelay = durationFromMs(Math.max(1, timestampMs(until) - now));
  const text = `the room is in slow mode; send your next message after ${toText(until)}`;
  return new ConnectError(text, Code.ResourceExhausted, undefined, [
    errorInfo("SLOW_MODE", { until: toText(until) }),
    { desc: RetryInfoSchema, value: { retryDelay } },
  ]);
}

/** A time as RFC 3339 has it. */
function toText(time: Timestamp): string {
  return timestampDate(time).toISOString();
}

export function erased(): ConnectError {
  return new ConnectError("changes that the stream has not got to yet were erased; resume", Code.Unavailable);
}

export function anotherDatabase(): ConnectError {
  return new ConnectError("the database is another one than before; resume from your cursors", Code.Unavailable);
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
  return new ConnectError(message, Code.ResourceExhausted, undefined, [errorInfo(reason, { limit })]);
}

function errorInfo(reason: string, metadata: Record<string, string>) {
  return { desc: ErrorInfoSchema, value: { reason, domain: "roomlog", metadata } };
}
