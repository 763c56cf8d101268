import type { GetRoomReq } from "../../gen/chat_pb.ts";
import type { Caller, ViewedRoom } from "./caller.ts";
import { keyOfPost } from "./room-key.ts";
import type { Reading } from "./store.ts";

/** Whether a caller is a backend, which may act for itself. */
export function isBackend({ kind }: Caller): boolean {
  return kind === "trusted" || kind === "service";
}

/** How a caller reads a room: a backend that acts for no user, and the holder of a view of the room, by right. */
export function reading(caller: Caller, { userId }: { userId: bigint }, room: Partial<ViewedRoom>): Reading {
  if (isBackend(caller) && userId === 0n) return "right";
  return caller.views.some(({ id, key }) => id === room.id || key === room.key) ? "right" : "member";
}

/** A room as a request names it. */
export function viewOf({ case: name, value }: GetRoomReq["room"]): Partial<ViewedRoom> {
  switch (name) {
    case "key":
      return { key: value };
    case "postId":
      return { key: keyOfPost(value) };
    default:
      return { id: value! };
  }
}
