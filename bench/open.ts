import type { Protocol } from "./bytes.ts";
import { alternate, type Context, medianOf, sleep } from "./harness.ts";
import { startReaders, startRoomlog } from "./services.ts";

const ROUNDS = 3;
const STREAMS = 10_000;
const STREAMS_OF_A_CONNECTION = 100;
const ROOMS = 1_000;
/** Their code is compiled by then. */
const FIRST_STREAMS = 2_000;

/**
 * Microseconds of server CPU to open one of many streams over gRPC, as gateways open them, beside as many over Connect
 * JSON, each on a connection of its own.
 */
export async function open(context: Context): Promise<void> {
  const { grpc, json } = await alternate(ROUNDS, {
    grpc: () => openAll(context, "grpc"),
    json: () => openAll(context, "json"),
  });
  context.report({
    name: `open: ${STREAMS} gRPC streams, ${STREAMS_OF_A_CONNECTION} a connection, beside Connect JSON, server CPU to open one`,
    ours: medianOf(grpc, Number),
    ceiling: medianOf(json, Number),
    unit: "µs/stream",
    better: "less",
    target: { ratio: 1 / 1.5 },
  });
}

async function openAll(context: Context, protocol: Protocol): Promise<number> {
  await using roomlog = await startRoomlog(context, { rooms: ROOMS });
  await using readers = startReaders();
  const url = await roomlog.call.url();
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const shared = protocol === "grpc" ? { streamsOfAConnection: STREAMS_OF_A_CONNECTION } : {};
  const streams = { url, protocol, rooms, spread: true, ...shared };
  await readers.call.connect({ ...streams, count: FIRST_STREAMS });
  await readers.call.disconnect();
  await sleep(500); // what closing them leaves to do

  const before = await roomlog.call.usage();
  await readers.call.connect({ ...streams, count: STREAMS });
  const after = await roomlog.call.usage();
  return (after.cpuMicros - before.cpuMicros) / STREAMS;
}
