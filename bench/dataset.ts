import { create } from "@bufbuild/protobuf";
import { AddMemberReqSchema, SendMessageReqSchema } from "../gen/chat_pb.ts";
import type { RoomChange } from "../src/chat/store.ts";
import { BODY, USER } from "./bytes.ts";
import { commitAll, createRooms } from "./fill.ts";
import { openStore } from "./open-store.ts";

/** Rooms 1 to `rooms`; the first of them may have more members than one, and the messages. */
export interface Dataset {
  readonly rooms: number;
  readonly members?: number;
  readonly messages?: number;
  /** Over so many rooms they are spread, in commits of one for each; over the first alone, if it isn't set. */
  readonly spokenRooms?: number;
}

/** Fills an empty database. */
export async function createDataset(
  url: string,
  { rooms, members = 1, messages = 0, spokenRooms }: Dataset,
): Promise<void> {
  await using store = await openStore(url);
  // A server may take requests in another order than they were made, and ids would be others.
  await createRooms(store, rooms, { ownerOf: () => USER, underWay: url.startsWith("file:") ? 64 : 1 });
  await commitAll(store, changes(members, messages, spokenRooms), spokenRooms);
}

function* changes(members: number, messages: number, spokenRooms = 1): Generator<RoomChange> {
  for (let userId = USER + 1n; userId <= members; userId++) {
    yield { case: "addMember", value: create(AddMemberReqSchema, { roomId: 1n, userId }) };
  }
  const sends = Array.from({ length: spokenRooms }, (_, i) => {
    return create(SendMessageReqSchema, { roomId: BigInt(i + 1), userId: USER, body: BODY });
  });
  for (let i = 0; i < messages; i++) yield { case: "sendMessage", value: sends[i % spokenRooms]! };
}
