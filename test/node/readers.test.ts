import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import process from "node:process";
import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MessageSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { Running } from "../../src/node/compose.ts";
import { type ChatClient, chatClient, type Protocol, transports } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { newRoom } from "../support/rooms.ts";
import { startServerProcess } from "../support/server-process.ts";
import { TestStream } from "../support/test-stream.ts";
import { envelope, openSocket } from "./raw.ts";

const STREAM = "/chat_grpc.ChatService/StreamMessage";

interface Room {
  readonly roomId: bigint;
  readonly userId: bigint;
}

function streamRequest({ roomId, userId }: Room): Buffer {
  return envelope(toBinary(StreamMessageReqSchema, create(StreamMessageReqSchema, { roomIds: [roomId], userId })));
}

/** A stream that is open, but of which only the headers have been read. */
interface OpenStream {
  readonly body: Readable;
  /** Goes without a word. */
  vanish(): void;
}

async function openHttp1(url: string, room: Room): Promise<OpenStream> {
  const headers = { "content-type": "application/connect+proto" };
  const request = requestHttp1(`${url}${STREAM}`, { method: "POST", headers, agent: false }).on("error", () => {});
  request.end(streamRequest(room));
  const [body] = await once(request, "response");
  return { body: body.on("error", () => {}), vanish: () => request.destroy() };
}

async function openHttp2(url: string, room: Room, type = "application/grpc"): Promise<OpenStream> {
  const session = connectHttp2(url).on("error", () => {});
  const body = session.request({ ":method": "POST", ":path": STREAM, "content-type": type }).on("error", () => {});
  body.end(streamRequest(room));
  await once(body, "response");
  return { body, vanish: () => session.destroy() };
}

/**
 * HTTP/2 without HTTP/2's flow control: all windows are as wide as can be, and the client doesn't read from its
 * connection. Its body is the bytes of the connection.
 */
async function openWideHttp2(url: string, room: Room): Promise<OpenStream> {
  const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const wide = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":path": STREAM,
    ":authority": "localhost",
    "content-type": "application/grpc",
  };
  const hpack = Object.entries(headers).map(([name, value]) =>
    Buffer.concat([Buffer.alloc(1), literal(name), literal(value)]),
  );
  const socket = await openSocket(url);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), wide])));
  socket.write(frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0, 0])));
  socket.write(frame(1, 4, 1, Buffer.concat(hpack)));
  socket.write(frame(0, 1, 1, streamRequest(room)));
  await once(socket, "readable");
  return { body: socket, vanish: () => socket.resetAndDestroy() };
}

/** Takes `count` messages from a body of envelopes, and gives their seq. */
async function takeSeqs(body: AsyncIterable<Buffer>, count: number): Promise<bigint[]> {
  const seqs: bigint[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk]);
    for (let end; rest.length >= 5 && rest.length >= (end = 5 + rest.readUInt32BE(1)); rest = rest.subarray(end)) {
      seqs.push(fromBinary(MessageSchema, rest.subarray(5, end)).seq);
    }
    if (seqs.length >= count) break;
  }
  return seqs;
}

/** The payloads of the DATA frames among an HTTP/2 connection's bytes. */
async function* dataFrames(connection: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of connection) {
    rest = Buffer.concat([rest, chunk]);
    for (let end; rest.length >= 9 && rest.length >= (end = 9 + rest.readUIntBE(0, 3)); rest = rest.subarray(end)) {
      if (rest[3] === 0) yield rest.subarray(9, end);
    }
  }
}

/** 32 KB as UTF-8. */
const BIG = "🦊".repeat(8_000);

async function sendMany(client: ChatClient, room: Room, count: number): Promise<void> {
  let left = count;
  const sender = async () => {
    while (left-- > 0) await client.sendMessage({ ...room, body: BIG });
  };
  await Promise.all(Array.from({ length: 50 }, sender));
}

describe("[P7] readers that stall", () => {
  const COUNT = 5_000;
  /** What the process needs for its work and for three stalled readers, which are sent 160 MB each. */
  const MEMORY_MIB = 140;
  /** Longer than they stall. */
  const LIMIT_STALL_MS = "300000";

  test("cost bounded memory, hold nobody up, and lose nothing", async () => {
    // A small heap, so that garbage that nobody has collected yet doesn't hide what is kept.
    const heap = "--max-old-space-size=128 --max-semi-space-size=2";
    await using started = await startServerProcess({ LOG_LEVEL: "warning", NODE_OPTIONS: heap, LIMIT_STALL_MS });
    const { server, url } = started;
    const idle = await server.memory();
    const client = chatClient("gRPC", url);
    const { asOwner: room } = await newRoom(client);
    await using stack = new AsyncDisposableStack();
    const stalled = await Promise.all([openHttp1(url, room), openHttp2(url, room), openWideHttp2(url, room)]);
    const healthy = await Promise.all([openHttp1(url, room), openHttp2(url, room)]);
    for (const stream of [...stalled, ...healthy]) stack.defer(() => stream.vanish());
    const received = Promise.all(healthy.map(({ body }) => takeSeqs(body, COUNT)));

    const all = Array.from({ length: COUNT }, (_, i) => BigInt(i + 1));
    await sendMany(client, room, COUNT);
    for (const seqs of await received) expect(seqs).toEqual(all);
    expect((await server.memory()).peak - idle.now).toBeLessThan(MEMORY_MIB);

    const [http1, http2, wide] = stalled.map(({ body }) => body);
    for (const body of [http1!, http2!, dataFrames(wide!)]) expect(await takeSeqs(body, COUNT)).toEqual(all);
  }, 120_000);
});

test("[P7] readers that take nothing for long are cut off, and others are not held up", async () => {
  await using service = await startNodeService({ LIMIT_STALL_MS: "500" });
  const client = chatClient("gRPC", service.url);
  const { asOwner: room } = await newRoom(client);
  const opened = [openHttp1, openHttp2, openWideHttp2].map((open) => open(service.url, room));
  const streams = await Promise.all(opened);
  const { body } = await openHttp2(service.url, room);
  const received = takeSeqs(body, 1_000);
  await sendMany(client, room, 1_000);
  expect(await received).toHaveLength(1_000);
  await expect.poll(() => service.broadcaster.size, { interval: 5, timeout: 5_000 }).toBe(0);
  for (const stream of streams) stream.vanish();
});

describe("readers that vanish", () => {
  let service: Running;
  let client: ChatClient;
  beforeAll(async () => {
    service = await startNodeService();
    client = chatClient("gRPC", service.url);
  });
  afterAll(() => service?.[Symbol.asyncDispose]());

  const followed = () => expect.poll(() => service.broadcaster.size, { interval: 5, timeout: 5_000 }).toBe(1);
  const nobody = () => expect.poll(() => service.broadcaster.size, { interval: 5, timeout: 5_000 }).toBe(0);

  const ways: Record<string, (room: Room) => Promise<OpenStream>> = {
    "HTTP/1.1, socket destroyed": (room) => openHttp1(service.url, room),
    "HTTP/2 and gRPC, connection destroyed": (room) => openHttp2(service.url, room),
    "HTTP/2 and Connect, connection destroyed": (room) => openHttp2(service.url, room, "application/connect+proto"),
    "HTTP/2 and gRPC, stream reset": async (room) => {
      const { body } = await openHttp2(service.url, room);
      return { body, vanish: () => (body as ClientHttp2Stream).close(constants.NGHTTP2_CANCEL) };
    },
    "HTTP/2 without flow control, connection reset": (room) => openWideHttp2(service.url, room),
  };
  for (const protocol of Object.keys(transports) as Protocol[]) {
    ways[`${protocol}, aborted`] = async (room) => {
      const stream = new TestStream(chatClient(protocol, service.url), { roomIds: [room.roomId], userId: room.userId });
      await stream.live;
      return { body: undefined as never, vanish: () => void stream[Symbol.asyncDispose]() };
    };
  }

  describe.each(Object.entries(ways))("over %s", (_, open) => {
    test("leave nothing behind in a silent room", async () => {
      const { asOwner: room } = await newRoom(client);
      const streams = await Promise.all(Array.from({ length: 5 }, () => open(room)));
      await followed();
      for (const stream of streams) stream.vanish();
      await nobody();
    });

    test("leave nothing behind in a busy room", async () => {
      const { asOwner: room } = await newRoom(client);
      const streams = await Promise.all(Array.from({ length: 5 }, () => open(room)));
      await followed();
      const busy = sendMany(client, room, 100);
      await client.sendMessage({ ...room, body: "now" });
      for (const stream of streams) stream.vanish();
      await busy;
      await nobody();
    });
  });

  test("leave nothing behind when they have stalled", async () => {
    const { asOwner: room } = await newRoom(client);
    const opened = [openHttp1, openHttp2, openWideHttp2].map((open) => open(service.url, room));
    const streams = await Promise.all(opened);
    await sendMany(client, room, 500);
    for (const stream of streams) stream.vanish();
    await nobody();
  });

  test("10,000 times leave nothing behind", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const { asOwner: room } = await newRoom(client);
    const types = ["application/grpc", "application/connect+proto", "application/grpc-web+proto"];
    const openAndClose = async (session: ClientHttp2Session, type: string) => {
      const call = session.request({ ":method": "POST", ":path": STREAM, "content-type": type });
      call.on("error", () => {}).end(streamRequest(room));
      await once(call, "response");
      call.close(constants.NGHTTP2_CANCEL);
      await once(call, "close");
    };
    /** As many as a connection may reset at once. */
    const cyclesOfConnection = async () => {
      const session = connectHttp2(service.url);
      for (let i = 0; i < LIMITS.resets / 20; i++) {
        await Promise.all(Array.from({ length: 20 }, (_, n) => openAndClose(session, types[n % types.length]!)));
      }
      session.destroy();
    };
    const cycles = async (count: number) => {
      for (let done = 0; done < count; done += LIMITS.resets) await cyclesOfConnection();
      await nobody();
      gc();
      return process.memoryUsage();
    };
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

    const before = await cycles(1_000);
    const timersBefore = timers();
    const after = await cycles(9_000);
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(4 * 2 ** 20);
    expect(timers()).toBeLessThanOrEqual(timersBefore);
  }, 180_000);
});
