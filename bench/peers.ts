import { type Peer, STAMPED_BODY } from "./bytes.ts";
import type { Child } from "./child.ts";
import { alternateWarm, type Context, medianOf, type Row } from "./harness.ts";
import type { Readers } from "./processes/readers.ts";
import { runSends } from "./sends.ts";
import { type Reachable, startPeer, startReaders, startRoomlog, startSenders } from "./services.ts";
import { cpuThroughSends } from "./through-sends.ts";

const ROUNDS = 5;
const SECONDS = 2;
const READERS = 300;
const READ_ROOM = 1n;
/** Followed by nobody. */
const SEND_ROOM = 2n;
const BODY = STAMPED_BODY.slice(-64);

const PEERS: Record<Peer, string> = { "socket-io": "Socket.IO", ws: "ws" };

interface Side {
  readonly protocol: "json" | Peer;
  readonly service: Child<Reachable>;
  readonly readers: Child<Readers>;
}

/** Roomlog, which stores what it answers, beside servers of other makers that do the same work in memory alone. */
export async function peers(context: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const senders = stack.use(startSenders());
  const start = async (protocol: Side["protocol"], service: Child<Reachable>): Promise<Side> => {
    const readers = stack.use(startReaders());
    const url = await service.call.url();
    await readers.call.connect({ url, protocol, rooms: [READ_ROOM], count: READERS, ordered: true });
    return { protocol, service, readers };
  };
  const roomlog = stack.use(await startRoomlog(context, { rooms: 2 }));
  const sides = {
    ours: await start("json", roomlog),
    "socket-io": await start("socket-io", stack.use(startPeer("socket-io"))),
    ws: await start("ws", stack.use(startPeer("ws"))),
  };

  const compare = <T>(run: (side: Side) => Promise<T>) =>
    alternateWarm(ROUNDS, {
      ours: () => run(sides.ours),
      "socket-io": () => run(sides["socket-io"]),
      ws: () => run(sides.ws),
    });
  const report = <T>(
    name: string,
    results: Record<keyof typeof sides, T[]>,
    pick: (result: T) => number,
    unit: string,
    better: Row["better"],
  ) => {
    for (const peer of ["socket-io", "ws"] as const) {
      context.report({
        name: `peers: ${name}, beside ${PEERS[peer]}, which stores nothing`,
        ours: medianOf(results.ours, pick),
        ceiling: medianOf(results[peer], pick),
        unit,
        better,
      });
    }
  };

  for (const [name, burst, burstsPerSecond] of [["one by one", 1, 50] as const, ["16 at once", 16, 8] as const]) {
    const load = { rooms: [READ_ROOM], connections: 16, ids: true, body: BODY };
    const pace = { burst, perSecond: burst * burstsPerSecond, seconds: SECONDS };
    const results = await compare((side) =>
      cpuThroughSends({ ...side, senders }, { ...load, ...pace, protocol: side.protocol }, READERS),
    );
    report(`${READERS} readers, ${name}, sends included`, results, Number, "µs/delivery", "less");
  }

  const results = await compare(({ protocol, service }) =>
    runSends(service, senders, { protocol, rooms: [SEND_ROOM], connections: 64, ids: true, body: BODY }),
  );
  report("64 senders", results, (r) => r.perSecond, "sends/s", "more");
  report("64 senders, server CPU", results, (r) => r.cpu, "µs/send", "less");
}
