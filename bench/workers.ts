import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { NewsSchema } from "../gen/room/room_pb.ts";
import { startWranglerDev, type WranglerDev } from "../test/support/wrangler-dev.ts";
import { busyRooms } from "./busy-rooms.ts";
import { BODY, frameOf, messageOf, USER } from "./bytes.ts";
import type { Child } from "./child.ts";
import { alternateWarm, type Context, medianOf } from "./harness.ts";
import { pace } from "./pace.ts";
import type { Readers } from "./processes/readers.ts";
import { startReaders } from "./services.ts";

const FEW = 10;
const MANY = 210;
const SENDS = 100;
/** So few that no message waits for the one before it: those that reach a client together cost less. */
const SENDS_PER_SECOND = 20;
const ROUNDS = 3;
/** The least share of what a Worker has to do that bare ones do. */
const READER_RATIO = 0.75;
/** The kernel counts CPU in hundredths of a second. */
const TICK_MICROS = 10_000;

/** What Workers do on this machine: `wrangler dev`, whose proxy and clients run on the same cores. */
export async function workers(context: Context): Promise<void> {
  await oneMoreReader(context);
  await busyRooms(context);
}

/**
 * What one more reader of a room costs on Workers, from its object through the Worker to the client, beside a Worker and an
 * object that only pass bytes on: CPU of all workerd processes, the one among them with which `wrangler dev` passes the
 * same bytes on.
 */
async function oneMoreReader({ report }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const vars = { LOG_LEVEL: "warning" };
  const readers = stack.use(startReaders());
  const ours = new Side(stack.use(await startWranglerDev({ vars })), readers);
  const bare = new Side(stack.use(await startWranglerDev({ config: "bench/bare-worker/wrangler.toml" })), readers);
  const costs = await alternateWarm(ROUNDS, { ours: () => ours.measure(), ceiling: () => bare.measure() });

  const name = "workers: one more reader,";
  report({
    name: `${name} CPU`,
    ours: medianOf(costs.ours, Number),
    ceiling: medianOf(costs.ceiling, Number),
    unit: "µs/delivery",
    better: "less",
    target: { ratio: READER_RATIO },
  });
  const message = messageOf(1n, 1_000n);
  const news = create(NewsSchema, { roomId: message.roomId, memberSeq: 1n, messages: [message] });
  report({
    name: `${name} bytes from the object to the Worker, beside those to the client`,
    ours: toBinary(NewsSchema, news).byteLength,
    ceiling: frameOf(message, "json").byteLength,
    unit: "B/delivery",
    better: "less",
  });
}

/** A Worker, and those who read from it. */
class Side {
  readonly #wrangler: WranglerDev;
  readonly #readers: Child<Readers>;
  #posts = 0;

  constructor(wrangler: WranglerDev, readers: Child<Readers>) {
    this.#wrangler = wrangler;
    this.#readers = readers;
  }

  /** Microseconds that one more reader costs for each message. */
  async measure(): Promise<number> {
    const few = await this.#costOf(FEW);
    return ((await this.#costOf(MANY)) - few) / (MANY - FEW);
  }

  /**
   * Microseconds per message, while so many read. The room is a new one, since not every client that left is noticed, and
   * what it reads costs the same.
   */
  async #costOf(count: number): Promise<number> {
    const { url, group } = this.#wrangler;
    const { id: roomId } = await this.#call("CreateChatRoom", { postId: ++this.#posts, userId: `${USER}` });
    await this.#readers.call.connect({ url, protocol: "json", rooms: [BigInt(roomId)], count, opening: 10 });
    const before = await this.#readers.call.received();
    const cpu = await workerdCpu(group);
    const sends: Promise<unknown>[] = [];
    await pace(SENDS_PER_SECOND, SENDS, () => {
      const ids = { roomId, userId: `${USER}`, clientMessageId: crypto.randomUUID() };
      sends.push(this.#call("SendMessage", { ...ids, body: BODY }));
    });
    await Promise.all(sends);
    await this.#readers.call.until(before + SENDS * count);
    const used = (await workerdCpu(group)) - cpu;
    await this.#readers.call.disconnect();
    await sleep(1_000);
    return used / SENDS;
  }

  async #call(method: string, message: object): Promise<{ readonly id: string }> {
    const response = await fetch(`${this.#wrangler.url}/chat_grpc.ChatService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });
    if (!response.ok) throw new Error(`${method}: ${await response.text()}`);
    return (await response.json()) as { readonly id: string };
  }
}

/** CPU that the workerd processes of a process group have used, in microseconds. */
async function workerdCpu(group: number): Promise<number> {
  let used = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name is in parentheses; after it come state, parent, group, …, and as 12th and 13th the times.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (!stat.includes("(workerd)") || Number(fields[2]) !== group) continue;
    used += (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  }
  return used;
}
