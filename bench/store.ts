import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as gather } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { SendMessageReqSchema } from "../gen/chat_pb.ts";
import { Committer } from "../src/chat/committer.ts";
import { LIMITS } from "../src/chat/limits.ts";
import { MemoryBroadcaster } from "../src/chat/memory-broadcaster.ts";
import type { ChatStore } from "../src/chat/store.ts";
import { noSqld, Sqld } from "../test/support/sqld.ts";
import { BareTable } from "./bare-table.ts";
import { BODY, USER } from "./bytes.ts";
import { usage } from "./child.ts";
import { createDataset } from "./dataset.ts";
import { alternate, alternateWarm, type Context, medianOf } from "./harness.ts";
import { openStore } from "./open-store.ts";

const SECONDS = 0.8;
const ROUNDS = 3;
const ROOM = 1n;
const MANY_SENDERS = 256;
const FEW_MEMBERS = 2;
const MANY_MEMBERS = 100_000;
const SQLD_SECONDS = 2;
const SQLD_MESSAGES_PER_SECOND = 15_000;

/** Durable messages/s of group commit. */
export async function store(context: Context): Promise<void> {
  await onFile(context);
  await inCrowdedRoom(context);
  await onSqld(context);
}

/** Beside one commit for each message, and one statement for all of them. */
async function onFile({ directory, report }: Context): Promise<void> {
  const url = `file:${join(directory, "store.db")}`;
  await createDataset(url, { rooms: 1 });
  await using opened = await openStore(url);
  const committer = committerOf(opened);
  using bare = await BareTable.create(url, `file:${join(directory, "bare.db")}`);

  for (const ids of [false, true]) {
    for (const senders of ids ? [MANY_SENDERS] : [1, 32, MANY_SENDERS]) {
      const group = Math.min(senders, LIMITS.commitChanges);
      const ours = () => measure(() => sendConcurrently(committer, { senders, ids }));
      await ours();
      const results = await alternate(ROUNDS, {
        ours,
        single: () => measure(() => bare.fill(SECONDS, { rowsPerCommit: 1, ids })),
        multi: () => measure(() => bare.fill(SECONDS, { rowsPerCommit: group, ids })),
      });
      const [rate, single, multi] = [results.ours, results.single, results.multi].map((runs) =>
        medianOf(runs, (run) => run.rate),
      );
      const name = `store: ${senders} sender${senders === 1 ? "" : "s"}${ids ? ", with ids" : ""}`;
      report({
        name: `${name}, beside a commit each`,
        ours: rate!,
        ceiling: single!,
        unit: "messages/s",
        better: "more",
      });
      report({
        name: `${name}, beside inserts of ${group} row${group === 1 ? "" : "s"}`,
        ours: rate!,
        ceiling: multi!,
        unit: "messages/s",
        better: "more",
        ...(senders === MANY_SENDERS && { target: { ratio: 1 / 1.3 } }),
      });
      if (senders !== MANY_SENDERS) continue;
      report({
        name: `${name}, CPU`,
        ours: medianOf(results.ours, (run) => run.cpuMicros),
        ceiling: medianOf(results.multi, (run) => run.cpuMicros),
        unit: "µs/message",
        better: "less",
      });
      report({
        name: `${name}, longest turn of the event loop`,
        ours: medianOf(results.ours, (run) => run.longestTurn),
        ceiling: medianOf(results.multi, (run) => run.longestTurn),
        unit: "ms",
        better: "less",
      });
    }
  }
}

/** What the number of a room's members costs its senders. */
async function inCrowdedRoom({ directory, report }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const open = async (members: number) => {
    const url = `file:${join(directory, `members-${members}.db`)}`;
    await createDataset(url, { rooms: 1, members });
    return committerOf(stack.use(await openStore(url)));
  };
  const [crowded, lonely] = [await open(MANY_MEMBERS), await open(FEW_MEMBERS)];
  for (const senders of [1, 32]) {
    const { many, few } = await alternateWarm(ROUNDS, {
      many: () => measure(() => sendConcurrently(crowded, { senders, ids: true })),
      few: () => measure(() => sendConcurrently(lonely, { senders, ids: true })),
    });
    report({
      name: `store: ${senders} sender${senders === 1 ? "" : "s"}, room of ${MANY_MEMBERS} members, beside room of ${FEW_MEMBERS}`,
      ours: medianOf(many, (run) => run.rate),
      ceiling: medianOf(few, (run) => run.rate),
      unit: "messages/s",
      better: "more",
      target: { ratio: 1 / 1.2 },
    });
  }
}

/** Through one process's commits to a server, beside inserts of as many rows, one commit after the other. */
async function onSqld({ report }: Context): Promise<void> {
  if (noSqld) throw new Error(noSqld);
  await using ours = await Sqld.start();
  await using ceiling = await Sqld.start();
  await createDataset(ours.url, { rooms: 1 });
  await using opened = await openStore(ours.url);
  const committer = committerOf(opened);
  using bare = await BareTable.create(ours.url, ceiling.url);
  const senders = MANY_SENDERS;
  const seconds = SQLD_SECONDS;
  for (const ids of [false, true]) {
    const results = await alternateWarm(ROUNDS, {
      ours: () => measure(() => sendConcurrently(committer, { senders, ids, seconds })),
      ceiling: () => measure(() => bare.fill(seconds, { rowsPerCommit: senders, ids })),
    });
    report({
      name: `store: sqld, ${senders} senders${ids ? ", with ids" : ""}, beside inserts of ${senders} rows`,
      ours: medianOf(results.ours, (run) => run.rate),
      ceiling: medianOf(results.ceiling, (run) => run.rate),
      unit: "messages/s",
      better: "more",
      target: { ours: SQLD_MESSAGES_PER_SECOND },
    });
  }
}

function committerOf(store: ChatStore): Committer {
  return new Committer(store, new MemoryBroadcaster(), { gather });
}

interface Measured {
  readonly rate: number;
  readonly cpuMicros: number;
  readonly longestTurn: number;
}

/** `work` runs until the time is up and counts its messages. */
async function measure(work: () => Promise<number>): Promise<Measured> {
  const resolution = 1;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  const before = usage();
  const start = performance.now();
  const messages = await work();
  const seconds = (performance.now() - start) / 1_000;
  delays.disable();
  return {
    rate: messages / seconds,
    cpuMicros: (usage().cpuMicros - before.cpuMicros) / messages,
    longestTurn: delays.max / 1e6 - resolution,
  };
}

async function sendConcurrently(
  committer: Committer,
  { senders, ids, seconds = SECONDS }: { senders: number; ids: boolean; seconds?: number },
): Promise<number> {
  const end = performance.now() + seconds * 1_000;
  let sent = 0;
  const sender = async () => {
    for (; performance.now() < end; sent++) {
      const clientMessageId = ids ? crypto.randomUUID() : "";
      const value = create(SendMessageReqSchema, { roomId: ROOM, userId: USER, body: BODY, clientMessageId });
      await committer.apply({ case: "sendMessage", value });
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  return sent;
}
