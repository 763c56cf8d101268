import type { Child } from "./child.ts";
import { alternateWarm, type Context, medianOf } from "./harness.ts";
import type { Senders } from "./processes/senders.ts";
import type { Target } from "./sender.ts";
import { PAGE_ORIGIN, type Reachable, type Service, startBare, startRoomlog, startSenders } from "./services.ts";

const SECONDS = 1;
const ROUNDS = 3;
/** Where a few per cent count. */
const MANY_ROUNDS = 7;

/** Gateways keep a few connections, and many calls on each. */
const GATEWAYS = { protocol: "grpc", connections: 8, sendersOfAConnection: 8, ids: true } as const;

/** What Chrome sends with a fetch of a page, but for the Origin. */
const CHROME = {
  Connection: "keep-alive",
  "sec-ch-ua-platform": '"Windows"',
  "User-Agent":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
  "Connect-Protocol-Version": "1",
  "sec-ch-ua-mobile": "?0",
  Accept: "*/*",
  "Sec-Fetch-Site": "cross-site",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Dest": "empty",
  Referer: `${PAGE_ORIGIN}/`,
  "Accept-Encoding": "gzip, deflate, br",
  "Accept-Language": "en-US,en;q=0.9",
};

type Load = Omit<Target, "url" | "rooms">;

interface Result {
  readonly perSecond: number;
  /** Microseconds per send; `main` is the share of the main thread. */
  readonly cpu: number;
  readonly main: number;
}

/** The least ratios. */
interface Targets {
  readonly perSecond?: number;
  readonly cpu?: number;
}

/**
 * SendMessage over Connect JSON and HTTP/1.1, and over gRPC, beside a server that parses the same request and answers the
 * same bytes; and the one beside the other.
 */
export async function sends(context: Context): Promise<void> {
  await using roomlog = await startRoomlog(context, { rooms: 1 });
  await using logging = await startRoomlog(context, { rooms: 1, logLevel: "info" });
  await using bare = startBare();
  await using senders = startSenders();

  const run = (service: Service, load: Load) => runSends(service, senders, { rooms: [1n], ...load });

  const compare = async (name: string, service: Service, load: Load, targets: Targets = {}) => {
    const sides = { ours: () => run(service, load), ceiling: () => run(bare, load) };
    const results = await alternateWarm(ROUNDS, sides);
    report(context, name, results, targets);
  };

  const json64: Load = { connections: 64, ids: true };
  for (const connections of [1, 32, 64, 256]) {
    const targets = connections === 64 ? { perSecond: 0.4 } : {};
    await compare(`${connections} sender${connections === 1 ? "" : "s"}`, roomlog, { ...json64, connections }, targets);
  }
  await compare("64 senders, without ids", roomlog, { ...json64, ids: false }, { perSecond: 0.4 });
  await compare("64 senders, a log line each", logging, json64);

  const grpc = await alternateWarm(MANY_ROUNDS, {
    ours: () => run(roomlog, GATEWAYS),
    json: () => run(roomlog, json64),
    ceiling: () => run(bare, GATEWAYS),
  });
  report(context, "64 senders over gRPC", grpc, { cpu: 1 / 4 });
  reportCpu(context, "64 senders over gRPC, server CPU, beside Connect JSON", grpc.ours, grpc.json, 1 / 1.6);

  const fromPage = { ...json64, headers: { ...CHROME, Origin: PAGE_ORIGIN } };
  const browser = await alternateWarm(MANY_ROUNDS, {
    ours: () => run(roomlog, fromPage),
    ceiling: () => run(roomlog, { ...json64, headers: CHROME }),
  });
  const name = "64 senders with a browser's headers, server CPU, beside those without Origin";
  reportCpu(context, name, browser.ours, browser.ceiling, 1 / 1.15);
}

/** Senders that send again as soon as they have their answer, for a second. */
export async function runSends(
  service: Service | Child<Reachable>,
  senders: Child<Senders>,
  load: Omit<Target, "url">,
): Promise<Result> {
  const url = await (load.protocol === "grpc" ? (service as Service).call.http2Url() : service.call.url());
  const before = await service.call.usage();
  const { sent, perSecond } = await senders.call.closedLoop({ url, seconds: SECONDS, ...load });
  const after = await service.call.usage();
  return {
    perSecond,
    cpu: (after.cpuMicros - before.cpuMicros) / sent,
    main: (after.mainMicros - before.mainMicros) / sent,
  };
}

function report(
  context: Context,
  name: string,
  { ours, ceiling }: { ours: Result[]; ceiling: Result[] },
  targets: Targets,
): void {
  context.report({
    name: `sends: ${name}`,
    ours: medianOf(ours, (r) => r.perSecond),
    ceiling: medianOf(ceiling, (r) => r.perSecond),
    unit: "sends/s",
    better: "more",
    ...(targets.perSecond !== undefined && { target: { ratio: targets.perSecond } }),
  });
  reportCpu(context, `${name}, server CPU`, ours, ceiling, targets.cpu);
  reportCpu(context, `${name}, its main thread`, ours, ceiling, undefined, (r) => r.main);
}

function reportCpu(
  context: Context,
  name: string,
  ours: Result[],
  ceiling: Result[],
  target?: number,
  pick = (result: Result) => result.cpu,
): void {
  context.report({
    name: `sends: ${name}`,
    ours: medianOf(ours, pick),
    ceiling: medianOf(ceiling, pick),
    unit: "µs/send",
    better: "less",
    ...(target !== undefined && { target: { ratio: target } }),
  });
}
