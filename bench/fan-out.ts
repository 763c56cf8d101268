import type { Protocol } from "./bytes.ts";
import type { Child } from "./child.ts";
import { alternate, alternateWarm, type Context, medianOf } from "./harness.ts";
import type { Readers } from "./processes/readers.ts";
import type { Senders } from "./processes/senders.ts";
import { type Reachable, type Service, startBare, startReaders, startRoomlog, startSenders } from "./services.ts";

const ROUNDS = 5;
const WINDOW_SECONDS = 0.4;
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

type OpenLoad = Omit<Parameters<Child<Senders>["call"]["openLoop"]>[0], "url">;
type Publish = Parameters<Service["call"]["publish"]>[0];

export interface Side {
  readonly service: Service;
  readonly readers: Child<Readers>;
}

/** Server CPU for each message handed to each reader of a room, beside a server that writes the same bytes. */
export async function fanOut(context: Context): Promise<void> {
  const shapes: Shape[] = [
    ...[1, 100, 300, 1_000].flatMap((readers) => pair("json", readers)),
    ...[300, 1_000].flatMap((readers) => pair("binary", readers)),
    ...pair("grpc-web", 300),
    ...pair("grpc", 300),
    ...pair("grpc", 1_000),
  ];
  await using roomlog = await startRoomlog(context, { rooms: shapes.length + 1 });
  await using bare = startBare();
  await using ourReaders = startReaders();
  await using bareReaders = startReaders();
  const ours: Side = { service: roomlog, readers: ourReaders };
  const ceiling: Side = { service: bare, readers: bareReaders };

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
      ...(shape.readers >= 300 && /json|binary/.test(shape.protocol) && { target: 0.5 }),
    });
    await Promise.all([ourReaders.call.disconnect(), bareReaders.call.disconnect()]);
  }
  await throughSends(context, ours, ceiling, BigInt(shapes.length + 1));
}

function pair(protocol: Protocol, readers: number): Shape[] {
  return [1, BURST].map((burst) => ({ protocol, readers, burst }));
}

async function connect({ service, readers }: Side, { protocol, readers: count }: Shape, room: bigint): Promise<void> {
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

/** The whole way, the sends included. */
async function throughSends(context: Context, ours: Side, ceiling: Side, room: bigint): Promise<void> {
  await using senders = startSenders();
  const shape: Shape = { protocol: "json", readers: 300, burst: 1 };
  await Promise.all([connect(ours, shape, room), connect(ceiling, shape, room)]);
  await (ceiling.service as ReturnType<typeof startBare>).call.deliver();
  const load: OpenLoad = {
    rooms: [room],
    connections: 8,
    ids: true,
    perSecond: DELIVERIES_PER_SECOND / shape.readers,
    seconds: 1,
  };
  const runSends = (side: Side) => cpuThroughSends({ ...side, senders }, load, shape.readers);
  const results = await alternateWarm(ROUNDS, { ours: () => runSends(ours), ceiling: () => runSends(ceiling) });
  context.report({
    name: `fan-out: json, ${shape.readers} readers, sends included`,
    ours: medianOf(results.ours, Number),
    ceiling: medianOf(results.ceiling, Number),
    unit: "µs/delivery",
    better: "less",
  });
}

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

async function untilExactly(readers: Child<Readers>, expected: number): Promise<void> {
  const received = await readers.call.until(expected);
  if (received !== expected) throw new Error(`${received - expected} messages more than expected`);
}
