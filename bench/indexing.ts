import { create } from "@bufbuild/protobuf";
import { SendMessageReqSchema } from "../gen/chat_pb.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";
import { BODY, USER } from "./bytes.ts";
import { createRooms } from "./fill.ts";
import { alternateWarm, type Context, median } from "./harness.ts";
import { openIndexing } from "./open-store.ts";

const ROOMS = 20;
const SENDS_A_COMMIT = 64;
const ROUNDS = 7;
/** Longer than several of the index's steps with the pauses between them, which are a second at most. */
const WINDOW_MS = 5_000;
/** What the index may take away from sends. */
const TARGET = { ratio: 0.97 };

/** Sends that follow each other without a pause, while the index of words is kept up to date, and while it isn't. */
export async function indexing({ directory, report }: Context): Promise<void> {
  const { store, keepIndexed } = await openIndexing(`file:${directory}/indexing.db`);
  await using _ = store;
  await createRooms(store, ROOMS, { ownerOf: () => USER, underWay: SENDS_A_COMMIT });
  const rates = await alternateWarm(ROUNDS, {
    async indexed() {
      await using indexer = keepIndexed();
      return sendsPerSecond(store, () => indexer.wake());
    },
    plain: () => sendsPerSecond(store, () => {}),
  });
  report({
    name: `indexing: ${SENDS_A_COMMIT} senders, while words are indexed, beside while they aren't`,
    ours: median(rates.indexed),
    ceiling: median(rates.plain),
    unit: "messages/s",
    better: "more",
    target: TARGET,
  });
}

async function sendsPerSecond(store: ChatStore, onCommit: () => void): Promise<number> {
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < WINDOW_MS) {
    await store.commit(Array.from({ length: SENDS_A_COMMIT }, (_, i) => send(sent + i)));
    onCommit();
    sent += SENDS_A_COMMIT;
  }
  return (sent * 1_000) / (performance.now() - start);
}

function send(n: number): RoomChange {
  const value = create(SendMessageReqSchema, { roomId: BigInt((n % ROOMS) + 1), userId: USER, body: BODY });
  return { case: "sendMessage", value };
}
