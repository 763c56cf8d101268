import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as gather } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createClient, type InStatement } from "@libsql/client";
import { SendMessageReqSchema } from "../gen/chat_pb.ts";
import { Committer } from "../src/chat/committer.ts";
import { LIMITS } from "../src/chat/limits.ts";
import { MemoryBroadcaster } from "../src/chat/memory-broadcaster.ts";
import { openDatabase } from "../src/libsql/open.ts";
import { LibsqlStore } from "../src/libsql/store.ts";
import { BODY, USER } from "./bytes.ts";
import { usage } from "./child.ts";
import { createDataset } from "./dataset.ts";
import { alternate, type Context, medianOf } from "./harness.ts";

const SECONDS = 0.8;
const ROUNDS = 3;
const ROOM = 1n;
const MEMBERS = 1_000;

/** Durable messages/s of group commit, beside one commit for each message and one statement for all of them. */
export async function store({ directory, report }: Context): Promise<void> {
  const url = await createDataset(join(directory, "store.db"), { rooms: 1 });
  await using database = await openDatabase(url, undefined);
  const committer = new Committer(new LibsqlStore(database), new MemoryBroadcaster(), { gather });
  using bare = await BareTable.create(url, `file:${join(directory, "bare.db")}`);

  for (const ids of [false, true]) {
    for (const senders of ids ? [256] : [1, 32, 256]) {
      const group = Math.min(senders, LIMITS.commitChanges);
      const ours = () => measure(() => sendConcurrently(committer, senders, ids));
      await ours();
      const results = await alternate(ROUNDS, {
        ours,
        single: () => measure(() => bare.fill(1, ids)),
        multi: () => measure(() => bare.fill(group, ids)),
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
        name: `${name}, beside inserts of ${group} rows`,
        ours: rate!,
        ceiling: multi!,
        unit: "messages/s",
        better: "more",
        ...(senders === 256 && { target: 1 / 1.3 }),
      });
      if (senders !== 256) continue;
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
  await inCrowdedRoom(directory, report, committer);
}

/** What the number of a room's members costs its senders. */
async function inCrowdedRoom(directory: string, report: Context["report"], lonely: Committer): Promise<void> {
  const url = await createDataset(join(directory, "crowded.db"), { rooms: 1, members: MEMBERS });
  await using database = await openDatabase(url, undefined);
  const crowded = new Committer(new LibsqlStore(database), new MemoryBroadcaster(), { gather });
  const senders = 32;
  const { many, one } = await alternate(ROUNDS, {
    many: () => measure(() => sendConcurrently(crowded, senders, false)),
    one: () => measure(() => sendConcurrently(lonely, senders, false)),
  });
  report({
    name: `store: ${senders} senders, room of ${MEMBERS} members, beside room of 1`,
    ours: medianOf(many, (run) => run.rate),
    ceiling: medianOf(one, (run) => run.rate),
    unit: "messages/s",
    better: "more",
  });
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

async function sendConcurrently(committer: Committer, senders: number, ids: boolean): Promise<number> {
  const end = performance.now() + SECONDS * 1_000;
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

/** A table like the store's, filled without any question asked, in the event loop's own thread. */
class BareTable implements Disposable {
  readonly #client;
  #seq = 0;

  private constructor(url: string) {
    this.#client = createClient({ url, intMode: "bigint" });
  }

  static async create(modelUrl: string, url: string): Promise<BareTable> {
    const model = createClient({ url: modelUrl });
    const { rows } = await model.execute(
      "SELECT sql FROM sqlite_schema WHERE tbl_name = 'messages' AND sql IS NOT NULL",
    );
    model.close();
    const bare = new BareTable(url);
    await bare.#client.execute("PRAGMA journal_mode=WAL");
    await bare.#client.batch(
      rows.map(({ sql }) => sql as string),
      "write",
    );
    return bare;
  }

  async fill(rowsPerCommit: number, ids: boolean): Promise<number> {
    const end = performance.now() + SECONDS * 1_000;
    let rows = 0;
    for (; performance.now() < end; rows += rowsPerCommit) {
      await this.#client.batch([this.#insert(rowsPerCommit, ids)], "write");
      await new Promise(setImmediate);
    }
    return rows;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #insert(rows: number, ids: boolean): InStatement {
    const now = BigInt(Date.now());
    return {
      sql: `INSERT INTO messages
          (room_id, seq, user_id, body, client_message_id, reply_to_id, created_at, updated_at)
        VALUES ${Array.from({ length: rows }, () => "(?, ?, ?, ?, ?, 0, ?, ?)")}`,
      args: Array.from({ length: rows }, () => {
        return [ROOM, BigInt(++this.#seq), USER, BODY, ids ? crypto.randomUUID() : null, now, now];
      }).flat(),
    };
  }
}
