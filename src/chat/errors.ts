import { Code, ConnectError } from "@connectrpc/connect";

/** One answer for a room that doesn't exist and for one the user is not a member of. */
export function notInRoom(roomId: bigint, userId: bigint): ConnectError {
  return new ConnectError(`no room ${roomId} with user ${userId} as a member`, Code.NotFound);
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
