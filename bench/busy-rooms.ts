import { HttpDatabase } from "../src/libsql/remote/http-database.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { noSqld, Sqld } from "../test/support/sqld.ts";
import { startWranglerDev } from "../test/support/wrangler-dev.ts";
import { USER } from "./bytes.ts";
import { type Context, quantile } from "./harness.ts";
import { startSenders } from "./services.ts";

const ROOMS = 200;
const SENDERS_OF_A_ROOM = 2;
/** Of each sender. */
const SENDS_PER_SECOND = 1;
const SECONDS = 60;
const P99_MS = 250;

/** Many rooms that are written to at a time, by `wrangler dev`: a send that fails ends the benchmark. */
export async function busyRooms({ report }: Context): Promise<void> {
  for (const storage of ["own storage", "sqld"]) {
    if (storage === "sqld" && noSqld) continue;
    await using stack = new AsyncDisposableStack();
    const sqld = storage === "sqld" ? stack.use(await Sqld.start()) : undefined;
    if (sqld) await migrate(new HttpDatabase(sqld.url));
    const { url } = stack.use(await startWranglerDev({ databaseUrl: sqld?.url ?? "", vars: { LOG_LEVEL: "warning" } }));
    const senders = stack.use(startSenders());
    const rooms = await Promise.all(Array.from({ length: ROOMS }, (_, i) => createRoom(url, i + 1)));
    const load = { url, rooms, connections: ROOMS * SENDERS_OF_A_ROOM, ids: true };
    const perSecond = load.connections * SENDS_PER_SECOND;
    await senders.call.openLoop({ ...load, perSecond, seconds: 5 }); // in which the rooms' objects are made
    const { delays } = await senders.call.openLoop({ ...load, perSecond, seconds: SECONDS });
    const name = `workers: ${ROOMS} rooms of ${SENDERS_OF_A_ROOM} senders, ${perSecond} sends/s, ${storage},`;
    report({ name: `${name} p50`, ours: quantile(delays, 0.5) / 1_000, unit: "ms", better: "less" });
    report({
      name: `${name} p99`,
      ours: quantile(delays, 0.99) / 1_000,
      unit: "ms",
      better: "less",
      target: { ours: P99_MS },
    });
  }
}

async function createRoom(url: string, postId: number): Promise<bigint> {
  const response = await fetch(`${url}/chat_grpc.ChatService/CreateChatRoom`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ postId, userId: `${USER}` }),
  });
  if (!response.ok) throw new Error(await response.text());
  return BigInt(((await response.json()) as { id: string }).id);
}
