import type { Child } from "./child.ts";
import { type Context, quantile, type Row, sleep } from "./harness.ts";
import { IdleStreams } from "./idle-streams.ts";
import type { Connect } from "./processes/readers.ts";
import type { Senders } from "./processes/senders.ts";
import { startBare, startRoomlog, startSenders } from "./services.ts";

const STREAMS = 10_000;
/** For gRPC beside JSON, which only need their memory compared. */
const FEW_STREAMS = 2_000;
const STREAMS_OF_A_CONNECTION = 100;
const ROOMS = 1_000;
/** Followed by nobody. */
const SEND_ROOM = BigInt(ROOMS + 1);
const SENDS_PER_SECOND = 100;
/** After connecting, so that what comes once is over. */
const SETTLE_SECONDS = 20;
/** A heartbeat comes every 15 seconds. */
const IDLE_SECONDS = 60;
const HEARTBEATS = 3;
/** Clients that reconnect at the same time; more would only fill the listen queue. */
const STORM = 500;

/** Many open streams with nothing to say: their memory, what they cost, and all of them coming back at once. */
export async function idle(context: Context): Promise<void> {
  await using senders = startSenders();
  await using stack = new AsyncDisposableStack();
  const flags = ["--expose-gc"];
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const streams = { protocol: "json", rooms, spread: true, count: STREAMS } as const;
  const startOurs = async (options: Omit<Connect, "url">) => {
    return stack.use(await IdleStreams.open(await startRoomlog(context, { rooms: ROOMS + 1, flags }), options));
  };
  const bare = stack.use(await IdleStreams.open(startBare(flags), streams));
  const ours = await startOurs(streams);
  const events = await startOurs({ ...streams, method: "StreamEvents" });
  const few = await startOurs({ ...streams, count: FEW_STREAMS });
  const grpc = await startOurs({
    ...streams,
    protocol: "grpc",
    count: FEW_STREAMS,
    streamsOfAConnection: STREAMS_OF_A_CONNECTION,
  });

  // All in the same minute: processes that do nothing don't disturb one another.
  await sleep(SETTLE_SECONDS * 1_000);
  const watch = (each: IdleStreams) => each.watch(IDLE_SECONDS);
  const [ofBare, ofOurs, ofEvents, ofGrpc] = await Promise.all([watch(bare), watch(ours), watch(events), watch(grpc)]);
  if (ofEvents.messages < HEARTBEATS) throw new Error(`${ofEvents.messages} heartbeats in ${IDLE_SECONDS} s`);

  const less = (row: Omit<Row, "better">) => context.report({ ...row, name: `idle: ${row.name}`, better: "less" });
  const many = `${STREAMS} streams`;
  const heartbeats = `${STREAMS} StreamEvents streams, heartbeats included`;
  const shared = `${FEW_STREAMS} gRPC streams, ${STREAMS_OF_A_CONNECTION} a connection`;
  const cpu = "CPU in a minute without messages";
  less({
    name: `${many}, ${cpu}`,
    ours: ofOurs.cpu / 1_000,
    ceiling: ofBare.cpu / 1_000,
    unit: "ms/s",
    target: { ours: 5 },
  });
  less({ name: `${heartbeats}, ${cpu}`, ours: ofEvents.cpu / 1_000, unit: "ms/s" });
  less({ name: `${shared}, ${cpu}`, ours: ofGrpc.cpu / 1_000, unit: "ms/s", target: { ours: 5 } });
  const requests = "requests to the database in that minute";
  less({ name: `${many}, ${requests}`, ours: ofOurs.requests, unit: "requests/s", target: { ours: 5 } });
  less({ name: `${heartbeats}, ${requests}`, ours: ofEvents.requests, unit: "requests/s", target: { ours: 5 } });
  less({ name: `${shared}, ${requests}`, ours: ofGrpc.requests, unit: "requests/s", target: { ours: 5 } });
  const kib = async (each: IdleStreams) => (await each.memoryOfEach()) / 1_024;
  const memory = { unit: "KiB", target: { ratio: 1 / 1.5 } };
  less({ name: `${many}, memory of each`, ours: await kib(ours), ceiling: await kib(bare), ...memory });
  less({ name: `${shared}, memory of each, beside JSON`, ours: await kib(grpc), ceiling: await kib(few), ...memory });
  less({
    name: `${many}, time to connect all`,
    ours: ours.connectMs / 1_000,
    ceiling: bare.connectMs / 1_000,
    unit: "s",
  });

  for (const each of [events, few, grpc]) await each[Symbol.asyncDispose]();
  const [stormOfOurs, stormOfBare] = [await storm(ours, streams, senders), await storm(bare, streams, senders)];
  const row = (name: string, pick: (result: Storm) => number, unit: string) =>
    less({ name: `${many}, ${name}`, ours: pick(stormOfOurs), ceiling: pick(stormOfBare), unit });
  row("time to reconnect all", (r) => r.ms / 1_000, "s");
  row("sends before that, p99", (r) => quantile(r.before, 0.99) / 1_000, "ms");
  row("sends meanwhile, p50", (r) => quantile(r.meanwhile, 0.5) / 1_000, "ms");
  row("sends meanwhile, p99", (r) => quantile(r.meanwhile, 0.99) / 1_000, "ms");
}

interface Storm {
  readonly ms: number;
  readonly before: Float64Array;
  readonly meanwhile: Float64Array;
}

/** All streams are lost, and come back at once. */
async function storm(
  { service, readers, connectMs }: IdleStreams,
  streams: Omit<Connect, "url">,
  senders: Child<Senders>,
): Promise<Storm> {
  const url = await service.call.url();
  const send = async (seconds: number) => {
    const load = { url, rooms: [SEND_ROOM], connections: 8, ids: true, perSecond: SENDS_PER_SECOND, seconds };
    return (await senders.call.openLoop(load)).delays;
  };
  await send(1);
  const before = await send(2);
  await readers.call.disconnect();
  // As long as connecting took before, so that all of these sends meet the storm.
  const [meanwhile, ms] = await Promise.all([
    send(Math.max(0.5, connectMs / 1_000)),
    readers.call.connect({ ...streams, url, opening: STORM }),
  ]);
  return { ms, before, meanwhile };
}
