import process from "node:process";
import { create } from "@bufbuild/protobuf";
import { EditMessageReqSchema, type Message, SendMessageReqSchema, SetReactionReqSchema } from "../gen/chat_pb.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";
import { BODY, USER } from "./bytes.ts";
import { createRooms } from "./fill.ts";
import { alternateWarm, type Context, median } from "./harness.ts";
import { openStore } from "./open-store.ts";

const ROOMS = 20;
const ROUNDS = 5;
/** Commits of a round, by how many changes each has. */
const COMMITS = new Map([
  [1, 400],
  [64, 60],
]);
/** An edit or a reaction may cost so much more than a send. */
const TARGET = { ratio: 1 / 1.3 };

/** What an edit and a reaction cost, beside a send: alone in their commits, and with others. */
export async function changes({ directory, report }: Context): Promise<void> {
  await using store = await openStore(`file:${directory}/changes.db`);
  await createRooms(store, ROOMS, { ownerOf: () => USER, underWay: 64 });
  const roomIds = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const first = await store.commit(roomIds.map((roomId) => send(roomId, 0)));
  const messageIds = (first.outcomes as Message[]).map(({ id }) => id);

  let made = 0;
  const next = (make: (roomId: bigint, messageId: bigint, n: number) => RoomChange) => () => {
    const n = ++made;
    return make(roomIds[n % ROOMS]!, messageIds[n % ROOMS]!, n);
  };
  for (const [count, commits] of COMMITS) {
    const run = (make: () => RoomChange) => () => microsecondsOf(store, make, count, commits);
    const us = await alternateWarm(ROUNDS, {
      send: run(next((roomId, _, n) => send(roomId, n))),
      edit: run(next(edit)),
      reaction: run(next(react)),
    });
    for (const [name, ours] of [
      ["an edit", us.edit],
      ["a reaction", us.reaction],
    ] as const) {
      report({
        name: `changes: ${name}, ${count === 1 ? "alone in its commit" : `one of ${count}`}, CPU, beside a send`,
        ours: median(ours),
        ceiling: median(us.send),
        unit: "µs",
        better: "less",
        target: TARGET,
      });
    }
  }
}

async function microsecondsOf(store: ChatStore, make: () => RoomChange, count: number, commits: number) {
  const before = process.cpuUsage();
  for (let i = 0; i < commits; i++) await store.commit(Array.from({ length: count }, make));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / commits / count;
}

function send(roomId: bigint, n: number): RoomChange {
  const value = create(SendMessageReqSchema, { roomId, userId: USER, body: BODY, clientMessageId: `${n}` });
  return { case: "sendMessage", value };
}

function edit(roomId: bigint, messageId: bigint, n: number): RoomChange {
  const value = create(EditMessageReqSchema, {
    roomId,
    messageId,
    userId: USER,
    body: `${n} ${BODY}`,
    clientEditId: `${n}`,
  });
  return { case: "editMessage", value };
}

/** Each time around the rooms another emoji, of ten, which is added and then taken back. */
function react(roomId: bigint, messageId: bigint, n: number): RoomChange {
  const round = Math.floor(n / ROOMS);
  const value = { roomId, messageId, userId: USER, emoji: `:${round % 10}:`, on: Math.floor(round / 10) % 2 === 0 };
  return { case: "setReaction", value: create(SetReactionReqSchema, value) };
}
