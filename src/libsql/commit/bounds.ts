import { Code, ConnectError } from "@connectrpc/connect";
import { limitReached } from "../../chat/errors.ts";
import type { Limits } from "../../chat/limits.ts";

/** What a commit may store. */
export interface Bounds extends Pick<Limits, "roomMembers" | "userRooms" | "pinnedMessages"> {
  /** The greatest id that the database keeps. */
  readonly greatestId: bigint;
}

/** Whether a user is in a number of rooms; both are given by the names of parameters. */
export function hasRooms(user: string, count: string): string {
  return `EXISTS (
      SELECT 1 FROM members WHERE user_id = ${user} AND removed_at IS NULL LIMIT 1 OFFSET CAST(${count} AS INTEGER) - 1
    )`;
}

export function tooManyRooms(userId: bigint, { userRooms }: Bounds): ConnectError {
  return limitReached(
    "userRooms",
    `user ${userId} is in ${userRooms} rooms, as many as a user may be in; leave one first`,
  );
}

export function roomFull(roomId: bigint, { roomMembers }: Bounds): ConnectError {
  return limitReached("roomMembers", `room ${roomId} has ${roomMembers} members, as many as a room may have`);
}

/** Why an id of the caller's own, by the name of its field, can't be stored. */
export function idTooGreat(field: string, id: bigint, greatest: bigint): ConnectError {
  const message = `${field} ${id} is greater than ${greatest}, the greatest id that this server's database keeps`;
  return new ConnectError(message, Code.InvalidArgument);
}
