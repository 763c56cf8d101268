import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { CreateRoomReqSchema } from "../gen/chat_pb.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";

// Through the store, so that no benchmark has to know its tables.

/** Larger than those of the service, which has somebody waiting. */
const COMMIT_CHANGES = 2_000;
/** The next one is put together meanwhile. */
const COMMITS_UNDER_WAY = 2;

/** Rooms 1 to `count` of posts with the same numbers, in a store that has none. */
export async function createRooms(
  store: ChatStore,
  count: number,
  { ownerOf, underWay }: { ownerOf: (room: number) => bigint; underWay: number },
): Promise<void> {
  let last = 0;
  await together(underWay, async () => {
    if (last === count) return false;
    const room = ++last;
    const { id } = await store.createRoom(create(CreateRoomReqSchema, { postId: BigInt(room), userId: ownerOf(room) }));
    if (id !== BigInt(room)) throw new Error(`room ${room} got the id ${id}`);
    return true;
  });
}

/** Commits them in their order, so many at a time, and fails if one is refused. */
export async function commitAll(
  store: ChatStore,
  changes: Iterable<RoomChange>,
  commitChanges = COMMIT_CHANGES,
): Promise<void> {
  const rest = changes[Symbol.iterator]();
  await together(COMMITS_UNDER_WAY, async () => {
    const group: RoomChange[] = [];
    for (let next = rest.next(); !next.done; next = rest.next()) {
      if (group.push(next.value) === commitChanges) break;
    }
    if (group.length === 0) return false;
    const { outcomes } = await store.commit(group);
    const refusal = outcomes.find((outcome) => outcome instanceof ConnectError);
    if (refusal) throw refusal;
    return true;
  });
}

/** Takes one step after the other, so many at a time, until one says that there is nothing left. */
async function together(count: number, step: () => Promise<boolean>): Promise<void> {
  const worker = async () => {
    while (await step());
  };
  await Promise.all(Array.from({ length: count }, worker));
}
