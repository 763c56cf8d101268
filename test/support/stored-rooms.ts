import type { Message } from "../../gen/chat_pb.ts";
import type { ChatStore, LogPage, PageSize, Position } from "../../src/chat/store.ts";
import { apply, change } from "./changes.ts";
import { GREAT_ID } from "./greatest-id.ts";
import { createReq } from "./requests.ts";
import { ANY_BYTES } from "./send-store.ts";

let lastPost = GREAT_ID;

/** A post that no other room of this process has. */
export function freshPost(): bigint {
  return ++lastPost;
}

/** The id of a new room in a store, of a fresh post. */
export async function newStoredRoom(store: ChatStore, creator: bigint, ...members: bigint[]): Promise<bigint> {
  const { id: roomId } = await store.createRoom(createReq(freshPost(), creator));
  for (const userId of members) await apply(store, "addMember", { roomId, userId });
  return roomId;
}

/** A new room of a creator and others, in which the creator has sent the bodies. */
export async function newSpokenRoom(
  store: ChatStore,
  creator: bigint,
  others: readonly bigint[] = [],
  bodies: readonly string[] = [],
): Promise<{ roomId: bigint; messages: Message[] }> {
  const roomId = await newStoredRoom(store, creator, ...others);
  const sends = bodies.map((body) => change("sendMessage", { roomId, userId: creator, body }));
  return { roomId, messages: (await store.commit(sends)).outcomes as Message[] };
}

/** Before all changes of a room. */
export const BEGINNING: Position = { seq: 0n, memberSeq: 0n };

/** What a room's logs have after a place; all of it, unless a size is given. */
export async function readLog(
  store: ChatStore,
  roomId: bigint,
  after = BEGINNING,
  { changes = 1_000, bytes = ANY_BYTES }: Partial<PageSize> = {},
): Promise<LogPage> {
  const [page] = await store.readLogs([{ roomId, after }], { changes, bytes });
  if (!page) throw new Error(`no room ${roomId}`);
  return page;
}

/** The newest changes of a room. */
export async function headOf(store: ChatStore, roomId: bigint): Promise<Position> {
  return (await readLog(store, roomId)).head;
}
