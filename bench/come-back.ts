import { alternate, type Context, medianOf, sleep } from "./harness.ts";
import { type Service, settledMemory, startBare, startReaders, startRoomlog } from "./services.ts";

const ROUNDS = 3;
const READERS = 5_000;
/** Before them, so that their code is compiled. */
const FIRST_READERS = 200;
const MISSED = 100;
const ROOM_HAS = 1_000;
const ROOM = 1n;
/** Readers that connect at the same time; more would only fill the listen queue. */
const OPENING = 500;
const CPU_MS = 0.5;
const GROWTH_MB = 500;

interface Result {
  /** Milliseconds of server CPU per reader. */
  readonly cpu: number;
  /** Megabytes. */
  readonly growth: number;
  readonly seconds: number;
}

/** All readers of a room come back at once, as after a restart, and have missed the same messages. */
export async function comeBack(context: Context): Promise<void> {
  const { ours, ceiling } = await alternate(ROUNDS, { ours: () => measureOurs(context), ceiling: measureBare });
  const row = (name: string, pick: (result: Result) => number, unit: string, target?: number) =>
    context.report({
      name: `catch-up: ${READERS} readers of a room come back with ${MISSED} missed messages each, ${name}`,
      ours: medianOf(ours, pick),
      ceiling: medianOf(ceiling, pick),
      unit,
      better: "less",
      ...(target !== undefined && { target: { ours: target } }),
    });
  row("server CPU", (r) => r.cpu, "ms/reader", CPU_MS);
  row("growth of memory at most", (r) => r.growth, "MB", GROWTH_MB);
  row("time until all have all", (r) => r.seconds, "s");
}

async function measureOurs(context: Context): Promise<Result> {
  await using roomlog = await startRoomlog(context, { rooms: 1, messages: ROOM_HAS, flags: ["--expose-gc"] });
  return await measure(roomlog);
}

/** What it costs to write the same bytes to as many new connections. */
async function measureBare(): Promise<Result> {
  await using bare = startBare(["--expose-gc"]);
  await bare.call.owe(MISSED);
  return await measure(bare);
}

/** In a process of its own, since the most that it ever had of memory counts. */
async function measure(service: Service): Promise<Result> {
  await using readers = startReaders();
  const url = await service.call.url();
  const afterSeq = BigInt(ROOM_HAS - MISSED);
  const streams = { url, protocol: "json", rooms: [ROOM], afterSeq, ordered: true, opening: OPENING } as const;
  await readers.call.connect({ ...streams, count: FIRST_READERS });
  await readers.call.until(FIRST_READERS * MISSED);
  await readers.call.disconnect();

  const empty = await settledMemory(service);
  const before = await service.call.usage();
  const start = performance.now();
  await readers.call.connect({ ...streams, count: READERS });
  await readers.call.until((FIRST_READERS + READERS) * MISSED);
  const seconds = (performance.now() - start) / 1_000;
  const after = await service.call.usage();

  await sleep(500); // for what nobody should get
  const [fewest, most] = await readers.call.fewestAndMost();
  if (fewest !== MISSED || most !== MISSED) throw new Error(`readers got ${fewest} to ${most} messages`);
  return {
    cpu: (after.cpuMicros - before.cpuMicros) / READERS / 1_000,
    growth: (after.peakRss - empty) / 1e6,
    seconds,
  };
}
