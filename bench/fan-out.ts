import type { Protocol } from "./bytes.ts";
import type { Child } from "./child.ts";
import { alternate, type Context, medianOf } from "./harness.ts";
import type { Readers } from "./processes/readers.ts";
import { type Service, startBare, startReaders, startRoomlog } from "./services.ts";
import { THROUGH_SENDS_ROOMS, throughSends } from "./through-sends.ts";

const ROUNDS = 3;
const WINDOW_SECONDS = 2;
/** Keeps the readers' process, on its own processor, below its limit. */
export const DELIVERIES_PER_SECOND = 25_000;
/** Where one reader is all there is, what it costs to wake an idle process shall not be most of it. */
const MESSAGES_PER_SECOND = 5_000;
const BURST = 20;

interface Shape {
  readonly protocol: Protocol;
  readonly readers: number;
  /** Messages that arrive together. */
  readonly burst: number;
}

type Publish = Parameters<Service["call"]["publish"]>[0];

export interface Side {
  readonly service: Service;
  readonly readers: Child<Readers>;
}

/** Server CPU for each message handed to each reader of a room, beside a server that writes the same bytes. */
export async function fanOut(context: Context): Promise<void> {
  const shapes: Shape[] = [
    ...[1, 300, 1_000].flatMap((readers) => pair("json", readers)),
    ...pair("binary", 300),
    ...pair("grpc-web", 300),
    ...pair("grpc", 300),
    ...pair("grpc", 1_000),
  ];
  await using roomlog = await startRoomlog(context, { rooms: shapes.length + THROUGH_SENDS_ROOMS });
  await using bare = startBare();
  await using ourReaders = startReaders();
  await using bareReaders = startReaders();
  const ours: Side = { service: roomlog, readers: ourReaders };
  const ceiling = { service: bare, readers: bareReaders };

  for (const [i, shape] of shapes.entries()) {
    const room = BigInt(i + 1);
    await Promise.all([connect(ours, shape, room), connect(ceiling, shape, room)]);
    await Promise.all([run(ours, shape, room), run(ceiling, shape, room)]);
    const results = await alternate(ROUNDS, {
      ours: () => run(ours, shape, room),
      ceiling: () => run(ceiling, shape, room),
    });
    context.report({
      name: `fan-out: ${shape.protocol}, ${shape.readers} reader${shape.readers === 1 ? "" : "s"}, ${shape.burst === 1 ? "one by one" : `${shape.burst} at once`}`,
      ours: medianOf(results.ours, Number),
      ceiling: medianOf(results.ceiling, Number),
      unit: "µs/delivery",
      better: "less",
      ...(shape.readers >= 300 && { target: { ratio: shape.protocol === "grpc" ? 0.6 : 0.7 } }),
    });
    await Promise.all([ourReaders.call.disconnect(), bareReaders.call.disconnect()]);
  }
  await throughSends(context, ours, ceiling, BigInt(shapes.length + 1));
}

function pair(protocol: Protocol, readers: number): Shape[] {
  return [1, BURST].map((burst) => ({ protocol, readers, burst }));
}

export async function connect(
  { service, readers }: Side,
  { protocol, readers: count }: Pick<Shape, "protocol" | "readers">,
  room: bigint,
): Promise<void> {
  const url = await (protocol === "grpc" ? service.call.http2Url() : service.call.url());
  await readers.call.connect({ url, protocol, rooms: [room], count });
}

async function run(side: Side, { burst, readers }: Shape, room: bigint): Promise<number> {
  const perSecond = Math.min(MESSAGES_PER_SECOND, DELIVERIES_PER_SECOND / readers / (burst === 1 ? 1 : burst / 4));
  const count = Math.max(4, Math.round(perSecond * WINDOW_SECONDS));
  return cpuPerDelivery(side, { rooms: [room], burst, perSecond, count }, count * burst * readers);
}

/** Microseconds of server CPU; that every reader got every message, once, is checked as well. */
export async function cpuPerDelivery(
  { service, readers }: Side,
  publish: Publish,
  deliveries: number,
): Promise<number> {
  const expected = (await readers.call.received()) + deliveries;
  const before = await service.call.publish(publish);
  await untilExactly(readers, expected);
  const after = await service.call.usage();
  return (after.cpuMicros - before.cpuMicros) / deliveries;
}

export async function untilExactly(readers: Child<Readers>, expected: number): Promise<void> {
  const received = await readers.call.until(expected);
  if (received !== expected) throw new Error(`${received - expected} messages more than expected`);
}
