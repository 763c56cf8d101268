import type { Protocol } from "./bytes.ts";
import { alternate, type Context, medianOf } from "./harness.ts";
import { settledMemory, startReaders, startRoomlog } from "./services.ts";

const ROUNDS = 3;
const STREAMS = 10_000;
const STREAMS_OF_A_CONNECTION = 200;
const ROOMS = 1_000;
/** Their code is compiled by then. */
const FIRST_STREAMS = 2_000;

interface Opened {
  /** Microseconds of server CPU per stream. */
  readonly cpu: number;
  readonly bytes: number;
}

/** Many streams over gRPC, as gateways open them, beside as many over Connect JSON, each on a connection of its own. */
export async function open(context: Context): Promise<void> {
  const { grpc, json } = await alternate(ROUNDS, {
    grpc: () => openAll(context, "grpc"),
    json: () => openAll(context, "json"),
  });
  const row = (name: string, pick: (opened: Opened) => number, unit: string) =>
    context.report({
      name: `open: ${STREAMS} gRPC streams, beside Connect JSON, ${name}`,
      ours: medianOf(grpc, pick),
      ceiling: medianOf(json, pick),
      unit,
      better: "less",
      target: 1 / 1.5,
    });
  row("server CPU to open one", (opened) => opened.cpu, "µs/stream");
  row("memory of each while idle", (opened) => opened.bytes / 1_024, "KiB");
}

/** In a process of its own, since memory that streams leave behind would count for those that come after. */
async function openAll(context: Context, protocol: Protocol): Promise<Opened> {
  await using roomlog = await startRoomlog(context, { rooms: ROOMS, flags: ["--expose-gc"] });
  await using readers = startReaders();
  const url = await roomlog.call.url();
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const shared = protocol === "grpc" ? { streamsOfAConnection: STREAMS_OF_A_CONNECTION } : {};
  const streams = { url, protocol, rooms, spread: true, ...shared };
  await readers.call.connect({ ...streams, count: FIRST_STREAMS });
  await readers.call.disconnect();

  const empty = await settledMemory(roomlog);
  const before = await roomlog.call.usage();
  await readers.call.connect({ ...streams, count: STREAMS });
  const after = await roomlog.call.usage();
  const bytes = ((await settledMemory(roomlog)) - empty) / STREAMS;
  return { cpu: (after.cpuMicros - before.cpuMicros) / STREAMS, bytes };
}
