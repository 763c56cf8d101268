import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { NewsSchema } from "../gen/room/room_pb.ts";
import { HttpDatabase } from "../src/libsql/remote/http-database.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { noSqld, Sqld } from "../test/support/sqld.ts";
import { startWranglerDev } from "../test/support/wrangler-dev.ts";
import { BODY, frameOf, messageOf, USER } from "./bytes.ts";
import type { Context } from "./harness.ts";
import { pace } from "./pace.ts";
import { startReaders } from "./services.ts";

const FEW = 10;
const MANY = 210;
const SENDS = 150;
const SENDS_PER_SECOND = 50;
/** The kernel counts CPU in hundredths of a second. */
const TICK_MICROS = 10_000;

/**
 * What one more reader of a room costs on Workers, from its object through the Worker to the client: in the workerd that
 * runs both, beside the one in front of it, with which `wrangler dev` passes the same bytes on.
 */
export async function workers({ report }: Context): Promise<void> {
  if (noSqld) throw new Error(noSqld);
  await using sqld = await Sqld.start();
  await migrate(new HttpDatabase(sqld.url));
  await using wrangler = await startWranglerDev(sqld.url);
  await using readers = startReaders();
  const { url } = wrangler;
  const call = async (method: string, message: object) => {
    const response = await fetch(`${url}/chat_grpc.ChatService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });
    if (!response.ok) throw new Error(`${method}: ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const { id: roomId } = await call("CreateChatRoom", { postId: 1, userId: `${USER}` });
  const rooms = [BigInt(roomId)];

  /** Microseconds per message of each workerd, while so many read. */
  const measure = async (count: number) => {
    await readers.call.connect({ url, protocol: "json", rooms, count, opening: 10 });
    const before = await readers.call.received();
    const cpu = await workerdCpu(wrangler.group);
    const sends: Promise<unknown>[] = [];
    await pace(SENDS_PER_SECOND, SENDS, () => {
      sends.push(call("SendMessage", { roomId, userId: `${USER}`, body: BODY, clientMessageId: crypto.randomUUID() }));
    });
    await Promise.all(sends);
    await readers.call.until(before + SENDS * count);
    const after = await workerdCpu(wrangler.group);
    await readers.call.disconnect();
    await sleep(1_000);
    return [...after].map(([pid, micros]) => (micros - (cpu.get(pid) ?? 0)) / SENDS);
  };
  await measure(FEW);
  const few = await measure(FEW);
  const many = await measure(MANY);
  const perReader = many.map((micros, i) => (micros - few[i]!) / (MANY - FEW)).sort((a, b) => b - a);

  const name = "workers: one more reader,";
  report({
    name: `${name} CPU`,
    ours: perReader[0]!,
    ceiling: perReader[1]!,
    unit: "µs/delivery",
    better: "less",
  });
  const message = messageOf(rooms[0]!, 1_000n);
  const news = create(NewsSchema, { roomId: rooms[0]!, memberSeq: 1n, messages: [message] });
  report({
    name: `${name} bytes from the object to the Worker, beside those to the client`,
    ours: toBinary(NewsSchema, news).byteLength,
    ceiling: frameOf(message, "json").byteLength,
    unit: "B/delivery",
    better: "less",
  });
}

/** CPU that the workerd processes of a process group have used, in microseconds by their ids. */
async function workerdCpu(group: number): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name is in parentheses; after it come state, parent, group, …, and as 12th and 13th the times.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (!stat.includes("(workerd)") || Number(fields[2]) !== group) continue;
    used.set(pid, (Number(fields[11]) + Number(fields[12])) * TICK_MICROS);
  }
  return used;
}
