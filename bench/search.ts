import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { AddMemberReqSchema, SearchMessagesReqSchema, SendMessageReqSchema } from "../gen/chat_pb.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";
import { USER } from "./bytes.ts";
import { commitAll, createRooms } from "./fill.ts";
import { type Context, quantile } from "./harness.ts";
import { openIndexed } from "./open-store.ts";

const ROOMS = 2_000;
const MESSAGES = 1_000_000;
/** Every so manieth message is in room 1, and every so manieth room has the second user, and the third, as members. */
const EVERY_IN_FIRST = 5;
const MEMBERS = [
  [USER + 1n, 100],
  [USER + 2n, 20],
] as const;
const VOCABULARY = 50_000;
const SEARCHES = 200;
const MOST_MS = 50;

/** Searches of a million messages, whose words are as frequent as in a language. */
export async function search({ directory, report }: Context): Promise<void> {
  const { store, index } = await openIndexed(`file:${join(directory, "search.db")}`);
  await using _ = store;
  await createRooms(store, ROOMS, { ownerOf: () => USER, underWay: 64 });
  await commitAll(store, changes());
  const start = performance.now();
  while (!(await index())) {}
  const perMessage = ((performance.now() - start) * 1_000) / MESSAGES;
  report({ name: "search: to index a message, in the background", ours: perMessage, unit: "µs", better: "less" });

  for (const [where, roomId, userId] of [
    ["a fifth of all messages in one room", 1n, USER],
    ["another room", 7n, USER],
    [`all ${ROOMS} rooms`, 0n, USER],
    [`20 of ${ROOMS} rooms`, 0n, USER + 1n],
    [`100 of ${ROOMS} rooms`, 0n, USER + 2n],
  ] as const) {
    for (const [what, query] of Object.entries(QUERIES)) {
      const times = await timesOf(store, { roomId, userId }, query);
      report({
        name: `search: ${what}, ${where}, p99`,
        ours: quantile(times, 0.99),
        unit: "ms",
        better: "less",
        target: { ours: MOST_MS },
      });
    }
  }
}

async function timesOf(
  store: ChatStore,
  where: { roomId: bigint; userId: bigint },
  query: () => string,
): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SEARCHES; i++) {
    const start = performance.now();
    await store.searchMessages(create(SearchMessagesReqSchema, { ...where, query: query() }));
    times.push(performance.now() - start);
  }
  return times;
}

function* changes(): Generator<RoomChange> {
  for (const [userId, every] of MEMBERS) {
    for (let room = 1; room <= ROOMS; room += every) {
      yield { case: "addMember", value: create(AddMemberReqSchema, { roomId: BigInt(room), userId }) };
    }
  }
  for (let i = 0; i < MESSAGES; i++) {
    const roomId = i % EVERY_IN_FIRST === 0 ? 1n : BigInt(1 + Math.floor(Math.random() * ROOMS));
    const body = Array.from({ length: 3 + Math.floor(Math.random() * 18) }, anyWord).join(" ");
    yield { case: "sendMessage", value: create(SendMessageReqSchema, { roomId, userId: USER, body }) };
  }
}

/** The sums of the words' frequencies, which fall as Zipf found that they do. */
const SUMS = new Float64Array(VOCABULARY);
for (let i = 0, sum = 0; i < VOCABULARY; i++) SUMS[i] = sum += 1 / (i + 2.7);

function anyWord(): string {
  const at = Math.random() * SUMS.at(-1)!;
  let [low, high] = [0, VOCABULARY - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (SUMS[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return wordOf(low);
}

function wordOf(rank: number): string {
  return `w${rank.toString(36)}`;
}

function between(first: number, last: number): string {
  return wordOf(first + Math.floor(Math.random() * (last - first)));
}

const QUERIES: Readonly<Record<string, () => string>> = {
  "one of the commonest words": () => between(0, 5),
  "any word": anyWord,
  "any two words": () => `${anyWord()} ${anyWord()}`,
  "a rare word": () => between(40_000, 50_000),
  "a common and a rare word": () => `${wordOf(1)} ${between(5_000, 6_000)}`,
  "the four commonest words": () => [0, 1, 2, 3].map(wordOf).join(" "),
};
