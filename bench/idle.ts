import type { Child } from "./child.ts";
import { type Context, quantile, sleep } from "./harness.ts";
import type { Senders } from "./processes/senders.ts";
import { type Service, settledMemory, startBare, startReaders, startRoomlog, startSenders } from "./services.ts";

const STREAMS = 10_000;
const ROOMS = 1_000;
/** Followed by nobody. */
const SEND_ROOM = BigInt(ROOMS + 1);
const SENDS_PER_SECOND = 100;
const IDLE_SECONDS = 3;
/** Clients that reconnect at the same time; more would only fill the listen queue. */
const STORM = 500;

interface Result {
  readonly connectMs: number;
  readonly bytes: number;
  readonly idleCpu: number;
  readonly calm: Float64Array;
  readonly storm: Float64Array;
  readonly stormMs: number;
}

/** Many open streams with nothing to say: their memory, what they cost, and all of them coming back at once. */
export async function idle(context: Context): Promise<void> {
  const flags = ["--expose-gc"];
  await using senders = startSenders();
  const ceiling = await (async () => {
    await using bare = startBare(flags);
    return await measure(bare, senders);
  })();
  const ours = await (async () => {
    await using roomlog = await startRoomlog(context, { rooms: ROOMS + 1, flags });
    return await measure(roomlog, senders);
  })();

  const row = (name: string, pick: (result: Result) => number, unit: string, target?: number) =>
    context.report({
      name: `idle: ${STREAMS} streams, ${name}`,
      ours: pick(ours),
      ceiling: pick(ceiling),
      unit,
      better: "less",
      ...(target !== undefined && { target }),
    });
  row("memory of each", (r) => r.bytes / 1_024, "KiB", 1 / 1.5);
  row("time to connect all", (r) => r.connectMs / 1_000, "s");
  row("CPU while nothing happens", (r) => r.idleCpu / 1_000, "ms/s");
  row("time to reconnect all", (r) => r.stormMs / 1_000, "s");
  row("sends before that, p99", (r) => quantile(r.calm, 0.99) / 1_000, "ms");
  row("sends meanwhile, p50", (r) => quantile(r.storm, 0.5) / 1_000, "ms");
  row("sends meanwhile, p99", (r) => quantile(r.storm, 0.99) / 1_000, "ms");
}

async function measure(service: Service, senders: Child<Senders>): Promise<Result> {
  await using readers = startReaders();
  const url = await service.call.url();
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const streams = { url, protocol: "json", rooms, spread: true } as const;
  const send = async (seconds: number) => {
    const load = { url, rooms: [SEND_ROOM], connections: 8, ids: true, perSecond: SENDS_PER_SECOND, seconds };
    return (await senders.call.openLoop(load)).delays;
  };
  // The first calls compile what all of them share.
  await send(1);
  await readers.call.connect({ ...streams, count: 200 });
  await readers.call.disconnect();

  const empty = await settledMemory(service);
  const connectMs = await readers.call.connect({ ...streams, count: STREAMS });
  const bytes = ((await settledMemory(service)) - empty) / STREAMS;

  const before = await service.call.usage();
  await sleep(IDLE_SECONDS * 1_000);
  const idleCpu = ((await service.call.usage()).cpuMicros - before.cpuMicros) / IDLE_SECONDS;

  const calm = await send(2);
  await readers.call.disconnect();
  // As long as connecting took before, so that all of these sends meet the storm.
  const [storm, stormMs] = await Promise.all([
    send(Math.max(0.5, connectMs / 1_000)),
    readers.call.connect({ ...streams, count: STREAMS, opening: STORM }),
  ]);
  return { connectMs, bytes, idleCpu, calm, storm, stormMs };
}
