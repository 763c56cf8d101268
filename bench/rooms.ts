import { openFiles } from "./child.ts";
import { cpuPerDelivery, DELIVERIES_PER_SECOND, type Side } from "./fan-out.ts";
import { type Context, median } from "./harness.ts";
import { startBare, startReaders, startRoomlog } from "./services.ts";

/** Or what the limit of open files leaves, by the thousand. */
const READERS = Math.min(20_000, Math.floor(openFiles() / 1_000 - 0.5) * 1_000);
const READERS_OF_A_ROOM = 2;
const MANY_ROOMS = READERS / READERS_OF_A_ROOM;
const ROUNDS = 3;

/** As many readers in many rooms as in one: handing out a message costs the same, wherever they are. */
export async function rooms(context: Context): Promise<void> {
  const many = Array.from({ length: MANY_ROOMS }, (_, i) => BigInt(i + 1));
  const one = [BigInt(MANY_ROOMS + 1)];
  await using roomlog = await startRoomlog(context, { rooms: MANY_ROOMS + 1 });
  await using bare = startBare();
  const sides = [roomlog, bare];

  const [oursOne, bareOne] = await measure(sides, one);
  const [oursMany, bareMany] = await measure(sides, many);
  const unit = "µs/delivery";
  const better = "less";
  context.report({ name: `rooms: 1 of ${READERS} readers`, ours: oursOne!, ceiling: bareOne!, unit, better });
  context.report({
    name: `rooms: ${MANY_ROOMS} of ${READERS_OF_A_ROOM} readers`,
    ours: oursMany!,
    ceiling: bareMany!,
    unit,
    better,
  });
  context.report({
    name: "rooms: many, beside one",
    ours: oursMany!,
    ceiling: oursOne!,
    unit,
    better,
    target: { ratio: 0.5 },
  });
}

/** Microseconds of CPU per delivery, of each service. */
async function measure(services: readonly Side["service"][], rooms: bigint[]): Promise<number[]> {
  await using stack = new AsyncDisposableStack();
  const sides: Side[] = [];
  for (const service of services) {
    const readers = stack.use(startReaders());
    const url = await service.call.url();
    await readers.call.connect({ url, protocol: "json", rooms, spread: true, count: READERS });
    sides.push({ service, readers });
  }
  const readersOfARoom = READERS / rooms.length;
  const publish = {
    rooms,
    burst: 1,
    perSecond: DELIVERIES_PER_SECOND / readersOfARoom,
    count: Math.max(2, rooms.length),
  };
  const results = sides.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, side] of sides.entries()) {
      results[i]!.push(await cpuPerDelivery(side, publish, publish.count * readersOfARoom));
    }
  }
  return results.map(median);
}
