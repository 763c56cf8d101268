import type { Protocol } from "./bytes.ts";
import type { Child } from "./child.ts";
import { connect, type Side, untilExactly } from "./fan-out.ts";
import { alternateWarm, type Context, medianOf } from "./harness.ts";
import type { Bare } from "./processes/bare.ts";
import type { Readers } from "./processes/readers.ts";
import type { Senders } from "./processes/senders.ts";
import { type Reachable, startSenders } from "./services.ts";

const ROUNDS = 3;
const SECONDS = 2;
const READERS = 300;

type OpenLoad = Omit<Parameters<Child<Senders>["call"]["openLoop"]>[0], "url">;

interface Shape {
  readonly protocol: Protocol;
  readonly burst: number;
  readonly perSecond: number;
  readonly name: string;
  /** The least ratio. */
  readonly target: number;
}

const ONE_BY_ONE = { burst: 1, perSecond: 50, name: "50 messages/s one by one" };
const BURSTS = { burst: 16, perSecond: 8 * 16, name: "8 bursts/s of 16 messages" };

const SHAPES: readonly Shape[] = [
  { protocol: "json", ...ONE_BY_ONE, target: 0.7 },
  { protocol: "json", ...BURSTS, target: 0.7 },
  { protocol: "grpc", ...ONE_BY_ONE, target: 0.6 },
  { protocol: "grpc", ...BURSTS, target: 0.6 },
];

/**
 * The whole way, the sends included, each message to each reader with a write of its own, beside a server that parses the
 * same sends and calls response.write(), or node:http2's stream.write(), for each reader. In the rooms from `room` on.
 */
export async function throughSends(
  context: Context,
  ours: Side,
  ceiling: { service: Child<Bare>; readers: Child<Readers> },
  room: bigint,
): Promise<void> {
  await using senders = startSenders();
  await ceiling.service.call.deliver();
  for (const [i, { protocol, burst, perSecond, name, target }] of SHAPES.entries()) {
    const rooms = [room + BigInt(i)];
    for (const side of [ours, ceiling]) await connect(side, { protocol, readers: READERS }, rooms[0]!);
    const load: OpenLoad = { rooms, connections: 16, ids: true, burst, perSecond, seconds: SECONDS };
    const run = (side: Side) => cpuThroughSends({ ...side, senders }, load, READERS);
    const results = await alternateWarm(ROUNDS, { ours: () => run(ours), ceiling: () => run(ceiling) });
    context.report({
      name: `fan-out: ${protocol}, ${READERS} readers, ${name}, sends included`,
      ours: medianOf(results.ours, Number),
      ceiling: medianOf(results.ceiling, Number),
      unit: "µs/delivery",
      better: "less",
      target: { ratio: target },
    });
    for (const { readers } of [ours, ceiling]) await readers.call.disconnect();
  }
}
/** How many rooms that takes. */
export const THROUGH_SENDS_ROOMS = SHAPES.length;

/** Microseconds of server CPU per delivery, of messages that are sent as `load` says to a room with so many readers. */
export async function cpuThroughSends(
  { service, readers, senders }: { service: Child<Reachable>; readers: Child<Readers>; senders: Child<Senders> },
  load: OpenLoad,
  count: number,
): Promise<number> {
  const url = await service.call.url();
  const received = await readers.call.received();
  const before = await service.call.usage();
  const { sent } = await senders.call.openLoop({ url, ...load });
  const deliveries = sent * count;
  await untilExactly(readers, received + deliveries);
  const after = await service.call.usage();
  return (after.cpuMicros - before.cpuMicros) / deliveries;
}
