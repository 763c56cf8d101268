import type { ChatStore } from "../../src/chat/store.ts";
import { apply } from "./changes.ts";
import { createReq } from "./requests.ts";

let lastPost = 2n ** 53n;

/** A post that no other room of this process has; a double can't tell it from the next one. */
export function freshPost(): bigint {
  return ++lastPost;
}

/** The id of a new room in a store, of a fresh post. */
export async function newStoredRoom(store: ChatStore, creator: bigint, ...members: bigint[]): Promise<bigint> {
  const { id: roomId } = await store.createRoom(createReq(freshPost(), creator));
  for (const userId of members) await apply(store, "addMember", { roomId, userId });
  return roomId;
}
