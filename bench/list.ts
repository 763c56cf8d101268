import { create } from "@bufbuild/protobuf";
import { AddMemberReqSchema, ListRoomsReqSchema, SendMessageReqSchema } from "../gen/chat_pb.ts";
import { LIMITS } from "../src/chat/limits.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";
import { BODY, USER } from "./bytes.ts";
import { commitAll, createRooms } from "./fill.ts";
import { type Context, median } from "./harness.ts";
import { openStore } from "./open-store.ts";

const ROOMS = 1_000;
const MESSAGES = 20;
const READER = USER + 1n;
const ROUNDS = 200;
/** What the list of a user with so many rooms may cost, in milliseconds. */
const TARGET = { ours: 5 };

const { listPageRooms: changes, pageBytes: bytes } = LIMITS;

/** The list of a user with many rooms: a page of it, and what a look finds when one of them has changed. */
export async function list({ directory, report }: Context): Promise<void> {
  await using store = await openStore(`file:${directory}/list.db`);
  await createRooms(store, ROOMS, { ownerOf: () => USER, underWay: 64 });
  await commitAll(store, filling());
  const { revision } = await store.listedRooms(READER);
  await store.commit([send(1n)]);

  const request = create(ListRoomsReqSchema, { userId: READER });
  const look = (after: bigint) => store.changedLists([{ userId: READER, after }], { changes, bytes });
  const user = `list of ${ROOMS} rooms × ${MESSAGES} messages:`;
  const unit = "ms";
  const better = "less";
  const row = { unit, better, target: TARGET } as const;
  report({ ...row, name: `${user} a page of 50`, ours: await millisecondsOf(() => store.listRooms(request)) });
  report({ ...row, name: `${user} a look, one has changed`, ours: await millisecondsOf(() => look(revision)) });
  report({ ...row, name: `${user} a look, all have, page of 100`, ours: await millisecondsOf(() => look(0n)) });
  report({ ...row, name: `${user} a look, none has`, ours: await millisecondsOf(() => look(revision + 1n)) });
}

function* filling(): Generator<RoomChange> {
  for (let roomId = 1n; roomId <= ROOMS; roomId++) {
    yield { case: "addMember", value: create(AddMemberReqSchema, { roomId, userId: READER }) };
  }
  for (let i = 0; i < MESSAGES; i++) for (let roomId = 1n; roomId <= ROOMS; roomId++) yield send(roomId);
}

function send(roomId: bigint): Extract<RoomChange, { case: "sendMessage" }> {
  return { case: "sendMessage", value: create(SendMessageReqSchema, { roomId, userId: USER, body: BODY }) };
}

async function millisecondsOf(ask: () => ReturnType<ChatStore["listRooms"]> | ReturnType<ChatStore["changedLists"]>) {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const started = performance.now();
    await ask();
    times.push(performance.now() - started);
  }
  return median(times);
}
