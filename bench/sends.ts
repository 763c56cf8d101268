import { alternate, type Context, medianOf } from "./harness.ts";
import { type Service, startBare, startRoomlog, startSenders } from "./services.ts";

const SECONDS = 1;
const ROUNDS = 3;

interface Load {
  readonly connections: number;
  readonly ids: boolean;
}

/** SendMessage over Connect JSON and HTTP/1.1, beside a server that parses the same JSON and answers the same bytes. */
export async function sends(context: Context): Promise<void> {
  await using roomlog = await startRoomlog(context, { rooms: 1 });
  await using logging = await startRoomlog(context, { rooms: 1, logLevel: "info" });
  await using bare = startBare();
  await using senders = startSenders();

  const run = async (service: Service, load: Load) => {
    const url = await service.call.url();
    const before = await service.call.usage();
    const { sent, perSecond } = await senders.call.closedLoop({ url, rooms: [1n], seconds: SECONDS, ...load });
    const after = await service.call.usage();
    return {
      perSecond,
      cpu: (after.cpuMicros - before.cpuMicros) / sent,
      main: (after.mainMicros - before.mainMicros) / sent,
    };
  };

  const compare = async (name: string, service: Service, load: Load) => {
    await run(service, load);
    await run(bare, load);
    const { ours, ceiling } = await alternate(ROUNDS, {
      ours: () => run(service, load),
      ceiling: () => run(bare, load),
    });
    const row = (pick: (result: Awaited<ReturnType<typeof run>>) => number) => {
      return { ours: medianOf(ours, pick), ceiling: medianOf(ceiling, pick) };
    };
    const target = load.connections === 64 && service === roomlog ? { target: 0.4 } : {};
    context.report({ name: `sends: ${name}`, ...row((r) => r.perSecond), unit: "sends/s", better: "more", ...target });
    context.report({ name: `sends: ${name}, server CPU`, ...row((r) => r.cpu), unit: "µs/send", better: "less" });
    context.report({ name: `sends: ${name}, its main thread`, ...row((r) => r.main), unit: "µs/send", better: "less" });
  };

  for (const connections of [1, 32, 64, 256]) {
    await compare(`${connections} sender${connections === 1 ? "" : "s"}`, roomlog, { connections, ids: true });
  }
  await compare("64 senders, without ids", roomlog, { connections: 64, ids: false });
  await compare("64 senders, a log line each", logging, { connections: 64, ids: true });
}
