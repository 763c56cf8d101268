import { join } from "node:path";
import { noSqld, Sqld } from "../test/support/sqld.ts";
import { Audience } from "./audience.ts";
import { createDataset } from "./dataset.ts";
import { type Context, quantile } from "./harness.ts";
import { startReaders, startRoomlogOn, startSenders } from "./services.ts";

const ROOMS = 20;
const READERS_OF_A_ROOM = 2;
const LOAD = { connections: 16, ids: true, perSecond: 50, poisson: true };
const SECONDS = 10;
const OTHER_P99_MS = 300;

/**
 * Two server processes on one database, with no broker between them: how long a message that is sent through one takes to
 * its own readers, and to those of the other.
 */
export async function cluster(context: Context): Promise<void> {
  await onDatabase(context, "one file", `file:${join(context.directory, "cluster.db")}`);
  if (noSqld) throw new Error(noSqld);
  await using sqld = await Sqld.start();
  await onDatabase(context, "one sqld", sqld.url);
}

async function onDatabase(context: Context, database: string, databaseUrl: string): Promise<void> {
  await createDataset(databaseUrl, { rooms: ROOMS });
  await using a = startRoomlogOn(context, databaseUrl);
  await using b = startRoomlogOn(context, databaseUrl);
  await using readersOfA = startReaders();
  await using readersOfB = startReaders();
  await using senders = startSenders();
  const [url, otherUrl] = [await a.call.url(), await b.call.url()];
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const audience = { rooms, readersOfARoom: READERS_OF_A_ROOM };
  const own = await Audience.connect(readersOfA, { ...audience, url });
  const other = await Audience.connect(readersOfB, { ...audience, url: otherUrl });
  const run = async (seconds: number) => {
    const { sent } = await senders.call.openLoop({ ...LOAD, url, rooms, seconds });
    return Promise.all([own.delaysOf(sent), other.delaysOf(sent)]);
  };
  await run(1);
  const [ofOwn, ofOther] = await run(SECONDS);

  for (const share of [0.5, 0.99]) {
    context.report({
      name: `cluster: two processes on ${database}, send to receive through the other, beside through the same, p${share * 100}`,
      ours: quantile(ofOther, share) / 1_000,
      ceiling: quantile(ofOwn, share) / 1_000,
      unit: "ms",
      better: "less",
      ...(share === 0.99 && { target: { ours: OTHER_P99_MS } }),
    });
  }
}
