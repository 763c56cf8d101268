import { createClient } from "@libsql/client";
import { LIMITS } from "../src/chat/limits.ts";
import { envelope } from "../test/node/raw.ts";
import { alternateWarm, type Context, medianOf } from "./harness.ts";
import { startRoomlog } from "./services.ts";

const ROUNDS = 3;
const ROOMS = 64;
const MESSAGES = 100_000;
/** With each room's record, and its owner's membership. */
const EVENTS = MESSAGES + 2 * ROOMS;

/** StreamAll from the beginning, beside reading the same rows from libSQL alone. */
export async function all(context: Context): Promise<void> {
  await using roomlog = await startRoomlog(context, { rooms: ROOMS, messages: MESSAGES, spokenRooms: ROOMS });
  const url = await roomlog.call.url();
  const database = await roomlog.call.databaseUrl();
  const { rss } = await roomlog.call.usage();
  for (const type of ["proto", "json"] as const) {
    const rates = await alternateWarm(ROUNDS, { ours: () => readAll(url, type), ceiling: () => readRows(database) });
    context.report({
      name: `all: ${MESSAGES} messages of ${ROOMS} rooms, from the beginning, ${type}`,
      ours: medianOf(rates.ours, Number),
      ceiling: medianOf(rates.ceiling, Number),
      unit: "messages/s",
      better: "more",
      ...(type === "proto" && { target: { ratio: 0.5 } }),
    });
  }
  const { peakRss } = await roomlog.call.usage();
  context.report({
    name: "all: what the server's memory grows by at most while it is read",
    ours: (peakRss - rss) / 2 ** 20,
    unit: "MiB",
    better: "less",
  });
}

/** Messages/s of a stream, whose events are counted and not looked into. */
async function readAll(url: string, type: "proto" | "json"): Promise<number> {
  const left = new AbortController();
  const start = performance.now();
  const response = await fetch(`${url}/chat_grpc.ChatService/StreamAll`, {
    method: "POST",
    headers: { "content-type": `application/connect+${type}`, "connect-protocol-version": "1" },
    body: envelope(Buffer.from(type === "json" ? "{}" : "")),
    signal: left.signal,
  });
  let events = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of response.body!) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    let at = 0;
    while (rest.length >= at + 5 && rest.length >= at + 5 + rest.readUInt32BE(at + 1)) {
      at += 5 + rest.readUInt32BE(at + 1);
      events++;
    }
    rest = rest.subarray(at);
    if (events >= EVENTS) break;
  }
  const seconds = (performance.now() - start) / 1_000;
  left.abort();
  if (events < EVENTS) throw new Error(`${events} of ${EVENTS} events`);
  return MESSAGES / seconds;
}

/** All messages in the order of their revisions, a page at a time. */
async function readRows(url: string): Promise<number> {
  const client = createClient({ url, intMode: "bigint" });
  const start = performance.now();
  let read = 0;
  for (let after = [0n, 0n, 0n]; read < MESSAGES; ) {
    const { rows } = await client.execute({
      sql: `SELECT * FROM messages WHERE (revision, room_id, seq) > (?, ?, ?)
        ORDER BY revision, room_id, seq LIMIT ?`,
      args: [...after, LIMITS.allPageChanges],
    });
    read += rows.length;
    const last = rows.at(-1)!;
    after = [last.revision, last.room_id, last.seq] as bigint[];
  }
  const seconds = (performance.now() - start) / 1_000;
  client.close();
  return read / seconds;
}
