import { createClient } from "@libsql/client";
import { LIMITS } from "../src/chat/limits.ts";
import { comeBack } from "./come-back.ts";
import { alternate, type Context, medianOf, quantile } from "./harness.ts";
import { startReaders, startRoomlog, startSenders } from "./services.ts";

const ROUNDS = 3;
const BEHIND = 100_000;
const ROOM = 1n;
const LIVE_READERS = 20;
const SENDS_PER_SECOND = 100;
const SECONDS = 2;

/** Readers who come back: one far behind, and many a little. */
export async function catchUp(context: Context): Promise<void> {
  await farBehind(context);
  await comeBack(context);
}

/** A reader far behind, beside reading the same rows from libSQL alone; and what it does to the readers who are not. */
async function farBehind(context: Context): Promise<void> {
  await using roomlog = await startRoomlog(context, { rooms: 1, messages: BEHIND });
  await using behind = startReaders();
  await using live = startReaders();
  await using senders = startSenders();
  const url = await roomlog.call.url();
  const database = await roomlog.call.databaseUrl();

  const readAll = async () => {
    const start = performance.now();
    const expected = (await behind.call.received()) + BEHIND;
    await behind.call.connect({ url, protocol: "json", rooms: [ROOM], afterSeq: 0n, count: 1 });
    await behind.call.until(expected);
    const seconds = (performance.now() - start) / 1_000;
    await behind.call.disconnect();
    return BEHIND / seconds;
  };
  await readAll();
  const rates = await alternate(ROUNDS, { ours: readAll, ceiling: () => readRows(database) });
  context.report({
    name: `catch-up: ${BEHIND} messages behind`,
    ours: medianOf(rates.ours, Number),
    ceiling: medianOf(rates.ceiling, Number),
    unit: "messages/s",
    better: "more",
    target: { ratio: 0.5 },
  });

  await live.call.connect({ url, protocol: "json", rooms: [ROOM], count: LIVE_READERS, stamped: true });
  const follow = async () => {
    const expected = (await live.call.received()) + SENDS_PER_SECOND * SECONDS * LIVE_READERS;
    const load = { url, rooms: [ROOM], connections: 8, ids: true, perSecond: SENDS_PER_SECOND, seconds: SECONDS };
    await senders.call.openLoop(load);
    await live.call.until(expected);
    return live.call.takeDelays();
  };
  const followMeanwhile = async () => {
    let isDone = false;
    const reading = (async () => {
      while (!isDone) await readAll();
    })();
    const delays = await follow();
    isDone = true;
    await reading;
    return delays;
  };
  await follow();
  const delays = await alternate(ROUNDS, { meanwhile: followMeanwhile, calm: follow });
  for (const share of [0.5, 0.99]) {
    context.report({
      name: `catch-up: live readers meanwhile, beside undisturbed, p${share * 100}`,
      ours: medianOf(delays.meanwhile, (run) => quantile(run, share) / 1_000),
      ceiling: medianOf(delays.calm, (run) => quantile(run, share) / 1_000),
      unit: "ms",
      better: "less",
    });
  }
}

/** All rows of the room, a page at a time. */
async function readRows(url: string): Promise<number> {
  const client = createClient({ url, intMode: "bigint" });
  const start = performance.now();
  let read = 0;
  for (let after = 0n; read < BEHIND; ) {
    const { rows } = await client.execute({
      sql: "SELECT * FROM messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
      args: [ROOM, after, LIMITS.logPageChanges],
    });
    read += rows.length;
    after = rows.at(-1)!.seq as bigint;
  }
  const seconds = (performance.now() - start) / 1_000;
  client.close();
  return read / seconds;
}
