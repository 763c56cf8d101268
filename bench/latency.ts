import { Audience } from "./audience.ts";
import { alternate, alternateWarm, type Context, medianOf, quantile } from "./harness.ts";
import { type Service, startBare, startReaders, startRoomlog, startSenders } from "./services.ts";

const ROUNDS = 3;
const SECONDS = 2;

/** As a server is used by day: people who send at random, and all that wait for them. */
const USUAL = { rooms: 20, readersOfARoom: 20, perSecond: 200, connections: 64, seconds: 10 };
const USUAL_P50_MS = 2.5;
const USUAL_P99_MS = 8;

const BUSY = { rooms: 100, readersOfARoom: 5, connections: 64 };

/**
 * From the moment a message was due until a reader has it, beside a server that only parses and passes on: at a usual
 * load, and at half of the rate that the server can sustain.
 */
export async function latency(context: Context): Promise<void> {
  await atUsualLoad(context);
  await atHalfOfMaximum(context);
}

async function atUsualLoad(context: Context): Promise<void> {
  await using sides = await Sides.start(context, USUAL);
  const { perSecond, seconds } = USUAL;
  const delays = await alternateWarm(ROUNDS, {
    ours: () => sides.ours.at(perSecond, seconds, true),
    ceiling: () => sides.ceiling.at(perSecond, seconds, true),
  });
  const name = `send to receive, ${perSecond} sends/s at random, ${shapeOf(USUAL)}`;
  report(context, name, delays, { 0.5: USUAL_P50_MS, 0.99: USUAL_P99_MS });
}

async function atHalfOfMaximum(context: Context): Promise<void> {
  await using sides = await Sides.start(context, BUSY);
  const fastest = await alternateWarm(ROUNDS, { ours: sides.ours.fastest, ceiling: sides.ceiling.fastest });
  const most = medianOf(fastest.ours, Number);
  context.report({
    name: `latency: maximum load, ${shapeOf(BUSY)}`,
    ours: most,
    ceiling: medianOf(fastest.ceiling, Number),
    unit: "sends/s",
    better: "more",
  });
  const delays = await alternate(ROUNDS, {
    ours: () => sides.ours.at(most / 2, SECONDS),
    ceiling: () => sides.ceiling.at(most / 2, SECONDS),
  });
  report(context, "send to receive at half of it", delays);
}

function shapeOf({ rooms, readersOfARoom }: { rooms: number; readersOfARoom: number }): string {
  return `${rooms} rooms of ${readersOfARoom} readers`;
}

function report(
  context: Context,
  name: string,
  delays: { ours: Float64Array[]; ceiling: Float64Array[] },
  targets: Record<number, number> = {},
): void {
  for (const share of [0.5, 0.99, 0.999]) {
    const target = targets[share];
    context.report({
      name: `latency: ${name}, p${share * 100}`,
      ours: medianOf(delays.ours, (run) => quantile(run, share) / 1_000),
      ceiling: medianOf(delays.ceiling, (run) => quantile(run, share) / 1_000),
      unit: "ms",
      better: "less",
      ...(target !== undefined && { target: { ours: target } }),
    });
  }
}

interface Side {
  /** As many sends as can be, and how many a second that is. */
  fastest(): Promise<number>;
  /** The delays at a rate. */
  at(perSecond: number, seconds: number, poisson?: boolean): Promise<Float64Array>;
}

/** Both servers with their readers. */
class Sides implements AsyncDisposable {
  readonly ours: Side;
  readonly ceiling: Side;
  readonly #resources: AsyncDisposableStack;

  private constructor(ours: Side, ceiling: Side, resources: AsyncDisposableStack) {
    this.ours = ours;
    this.ceiling = ceiling;
    this.#resources = resources;
  }

  static async start(
    context: Context,
    { rooms: count, readersOfARoom, connections }: { rooms: number; readersOfARoom: number; connections: number },
  ): Promise<Sides> {
    await using stack = new AsyncDisposableStack();
    const roomlog = stack.use(await startRoomlog(context, { rooms: count }));
    const bare = stack.use(startBare());
    const senders = stack.use(startSenders());
    await bare.call.deliver();
    const rooms = Array.from({ length: count }, (_, i) => BigInt(i + 1));
    const follow = async (service: Service): Promise<Side> => {
      const url = await service.call.url();
      const audience = await Audience.connect(stack.use(startReaders()), { url, rooms, readersOfARoom });
      const load = { url, rooms, connections, ids: true };
      return {
        async fastest() {
          const { sent, perSecond } = await senders.call.closedLoop({ ...load, seconds: SECONDS });
          await audience.delaysOf(sent);
          return perSecond;
        },
        async at(perSecond, seconds, poisson = false) {
          const { sent } = await senders.call.openLoop({ ...load, perSecond, seconds, poisson });
          return audience.delaysOf(sent);
        },
      };
    };
    const [ours, ceiling] = [await follow(roomlog), await follow(bare)];
    return new Sides(ours, ceiling, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
