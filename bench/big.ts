import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { ListMessagesReqSchema, ListRoomsReqSchema, SendMessageReqSchema } from "../gen/chat_pb.ts";
import type { ChatStore, RoomChange } from "../src/chat/store.ts";
import { BODY, USER } from "./bytes.ts";
import { commitAll, createRooms } from "./fill.ts";
import { alternateWarm, type Context, medianOf } from "./harness.ts";
import { openStore } from "./open-store.ts";

interface Size {
  readonly rooms: number;
  readonly messages: number;
  /** Of all messages, those in room 1. */
  readonly inFirstRoom: number;
}

const BIG: Size = { rooms: 1_000_000, messages: 10_000_000, inFirstRoom: 1_000_000 };
const SMALL: Size = { rooms: 1_000, messages: 20_000, inFirstRoom: 10_000 };
/** Owned by the one user who asks, in both; the others belong to users with as many each. */
const ROOMS_OF_A_USER = 1_000;

const ROUNDS = 5;
const CALLS = 200;
const PAGE = 50;
const BEHIND = 100n;
const ROOMS_BEHIND = 50;
const PAGE_SIZE = { changes: 500, bytes: 1_000_000 };

/** What the store is asked, on a database of a million rooms and ten million messages beside a small one. */
export async function big({ directory, report }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const open = async (name: string, size: Size) => {
    const opened = stack.use(await openStore(`file:${join(directory, `${name}.db`)}`));
    const minutes = await fill(opened, size);
    return { opened, size, minutes };
  };
  const small = await open("small", SMALL);
  const large = await open("big", BIG);
  const ofBig = `${BIG.rooms.toLocaleString("en-US")} rooms, ${BIG.messages.toLocaleString("en-US")} messages`;
  report({ name: `big: time to fill ${ofBig}`, ours: large.minutes, unit: "minutes", better: "less" });

  const [ours, ceiling] = [questions(large.opened, large.size), questions(small.opened, small.size)];
  for (const name of Object.keys(ours)) {
    const results = await alternateWarm(ROUNDS, {
      ours: () => microsOf(ours[name]!),
      ceiling: () => microsOf(ceiling[name]!),
    });
    report({
      name: `big: ${name}, beside a small store`,
      ours: medianOf(results.ours, Number),
      ceiling: medianOf(results.ceiling, Number),
      unit: "µs",
      better: "less",
    });
  }
}

/** Answers with the minutes it took. */
async function fill(store: ChatStore, size: Size): Promise<number> {
  const start = performance.now();
  await createRooms(store, size.rooms, { ownerOf, underWay: 64 });
  await commitAll(store, messages(size));
  return (performance.now() - start) / 60_000;
}

function ownerOf(room: number): bigint {
  return USER + BigInt(Math.floor((room - 1) / ROOMS_OF_A_USER));
}

/** Those of the first room come between the others, so that its pages are spread over the file as they would be. */
function* messages({ rooms, messages, inFirstRoom }: Size): Generator<RoomChange> {
  const every = Math.round(messages / inFirstRoom);
  for (let i = 0, first = 0; i < messages; i++) {
    const isFirst = i % every === 0 && first < inFirstRoom;
    if (isFirst) first++;
    yield sendTo(isFirst ? 1 : 2 + (i % (rooms - 1)));
  }
}

function sendTo(room: number, clientMessageId = ""): RoomChange {
  const value = { roomId: BigInt(room), userId: ownerOf(room), body: BODY, clientMessageId };
  return { case: "sendMessage", value: create(SendMessageReqSchema, value) };
}

type Question = () => Promise<unknown>;

/** By their names. */
function questions(store: ChatStore, { rooms, inFirstRoom }: Size): Record<string, Question> {
  const ofUser = Array.from({ length: ROOMS_OF_A_USER }, (_, i) => BigInt(i + 1));
  const list = (userId: bigint, roomId: bigint, position: MessagePosition = { case: undefined }) =>
    store.listMessages(create(ListMessagesReqSchema, { roomId, userId, position, limit: PAGE }));
  const anyRoom = () => 2 + Math.floor(Math.random() * (rooms - 1));
  let middle: bigint | undefined;
  let pageToken: string | undefined;
  let revision: bigint | undefined;
  return {
    "ListMessages, newest page of a long room": () => list(USER, 1n),
    "ListMessages, page in the middle of a long room": async () => {
      middle ??= await idInTheMiddle(store, inFirstRoom);
      return list(USER, 1n, { case: "beforeId", value: middle });
    },
    "ListMessages, page around a message of a long room": async () => {
      middle ??= await idInTheMiddle(store, inFirstRoom);
      return list(USER, 1n, { case: "aroundId", value: middle });
    },
    "ListMessages, any room": () => {
      const room = anyRoom();
      return list(ownerOf(room), BigInt(room));
    },
    "ListRooms, first page": () => store.listRooms(create(ListRoomsReqSchema, { userId: USER, limit: PAGE })),
    "ListRooms, second page": async () => {
      pageToken ??= (await store.listRooms(create(ListRoomsReqSchema, { userId: USER, limit: PAGE }))).nextPageToken;
      return store.listRooms(create(ListRoomsReqSchema, { userId: USER, limit: PAGE, pageToken }));
    },
    "changedRooms, when none has": async () => {
      revision = (await store.memberships(USER, [])).revision;
      return store.changedRooms(revision);
    },
    [`changedRooms, ${ROOMS_OF_A_USER} rooms among which none has`]: async () => {
      revision ??= (await store.memberships(USER, [])).revision;
      return store.changedRooms(revision, ofUser);
    },
    [`changedRooms, when ${ROOMS_BEHIND} have`]: async () => {
      const { revision: newest } = await store.memberships(USER, []);
      return store.changedRooms(newest - BigInt(ROOMS_BEHIND));
    },
    "readLogs, a long room's newest changes": async () => {
      const seq = BigInt(inFirstRoom) - BEHIND;
      return store.readLogs([{ roomId: 1n, after: { seq, memberSeq: 1n } }], PAGE_SIZE);
    },
    [`readLogs, ${ROOMS_BEHIND} rooms from their beginning`]: () => {
      const places = Array.from({ length: ROOMS_BEHIND }, () => BigInt(anyRoom())).map((roomId) => {
        return { roomId, after: { seq: 0n, memberSeq: 1n } };
      });
      return store.readLogs(places, PAGE_SIZE);
    },
    "memberships, 50 rooms": () => store.memberships(USER, ofUser.slice(0, 50)),
    "a send to any room": () => store.commit([sendTo(anyRoom(), crypto.randomUUID())]),
    "a send to a long room": () => store.commit([sendTo(1, crypto.randomUUID())]),
    "256 sends to any rooms in a commit": () =>
      store.commit(Array.from({ length: 256 }, () => sendTo(anyRoom(), crypto.randomUUID()))),
  };
}

type MessagePosition = NonNullable<Parameters<typeof create<typeof ListMessagesReqSchema>>[1]>["position"];

/** Out of the log, since only the store knows its ids. */
async function idInTheMiddle(store: ChatStore, inRoom: number): Promise<bigint> {
  const [page] = await store.readLogs([{ roomId: 1n, after: { seq: BigInt(inRoom >> 1), memberSeq: 1n } }], PAGE_SIZE);
  return page!.news.messages[0]!.id;
}

/** The median of some calls, one after the other. */
async function microsOf(question: Question): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const start = performance.now();
    await question();
    times.push((performance.now() - start) * 1_000);
  }
  return medianOf(times, Number);
}
