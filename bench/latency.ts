import { alternate, type Context, medianOf, quantile } from "./harness.ts";
import { type Service, startBare, startReaders, startRoomlog, startSenders } from "./services.ts";

const ROUNDS = 3;
const ROOMS = 100;
const READERS_OF_A_ROOM = 5;
const CONNECTIONS = 64;
const SECONDS = 2;

/**
 * From the moment a message was to be sent until a reader has it, at half of the rate the server can sustain, beside a
 * server that only parses and passes on, at the same rate.
 */
export async function latency(context: Context): Promise<void> {
  await using roomlog = await startRoomlog(context, { rooms: ROOMS });
  await using bare = startBare();
  await using senders = startSenders();
  await bare.call.deliver();
  const rooms = Array.from({ length: ROOMS }, (_, i) => BigInt(i + 1));
  const load = { rooms, connections: CONNECTIONS, ids: true };

  await using stack = new AsyncDisposableStack();
  const follow = async (service: Service) => {
    const url = await service.call.url();
    const readers = stack.use(startReaders());
    const count = ROOMS * READERS_OF_A_ROOM;
    await readers.call.connect({ url, protocol: "json", rooms, spread: true, count, stamped: true });
    const received = async (sent: number, before: number) => {
      await readers.call.until(before + sent * READERS_OF_A_ROOM);
      return readers.call.takeDelays();
    };
    return {
      async fastest() {
        const before = await readers.call.received();
        const { sent, perSecond } = await senders.call.closedLoop({ url, seconds: SECONDS, ...load });
        await received(sent, before);
        return perSecond;
      },
      async at(perSecond: number) {
        const before = await readers.call.received();
        const { sent } = await senders.call.openLoop({ url, seconds: SECONDS, perSecond, ...load });
        return received(sent, before);
      },
    };
  };
  const ours = await follow(roomlog);
  const ceiling = await follow(bare);
  await ours.fastest();
  await ceiling.fastest();
  const fastest = await alternate(ROUNDS, { ours: ours.fastest, ceiling: ceiling.fastest });
  const most = medianOf(fastest.ours, Number);
  const shape = `${ROOMS} rooms of ${READERS_OF_A_ROOM} readers`;
  context.report({
    name: `latency: maximum load, ${shape}`,
    ours: most,
    ceiling: medianOf(fastest.ceiling, Number),
    unit: "sends/s",
    better: "more",
  });
  const delays = await alternate(ROUNDS, { ours: () => ours.at(most / 2), ceiling: () => ceiling.at(most / 2) });
  for (const share of [0.5, 0.99, 0.999]) {
    context.report({
      name: `latency: send to receive at half of it, p${share * 100}`,
      ours: medianOf(delays.ours, (run) => quantile(run, share) / 1_000),
      ceiling: medianOf(delays.ceiling, (run) => quantile(run, share) / 1_000),
      unit: "ms",
      better: "less",
    });
  }
}
