import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { CONTENT_TYPES, envelope, frameOf, messageOf, type Protocol } from "../bytes.ts";
import { collectGarbage, serveParent, usage } from "../child.ts";
import { pace } from "../pace.ts";

// What Node charges for the same bytes: no protocol, no checks, no database.

interface Room {
  readonly protocol: Protocol;
  readonly readers: Set<ServerResponse>;
}

const rooms = new Map<string, Room>();
let deliver = false;
let lastSeq = 0;

function listener(request: IncomingMessage, response: ServerResponse): void {
  const room = request.headers["x-room"] as string | undefined;
  if (room === undefined) answer(request, response);
  else follow(room, request.headers["content-type"]!, response);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { roomId, userId, body, clientMessageId } = JSON.parse(Buffer.concat(chunks).toString());
    const now = new Date().toISOString();
    const seq = String(++lastSeq);
    const text = JSON.stringify({
      id: seq,
      body,
      roomId,
      userId,
      createdAt: now,
      updatedAt: now,
      seq,
      clientMessageId,
    });
    if (deliver) enqueue(roomId, text);
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
  });
}

const pending = new Map<string, Buffer[]>();

function enqueue(room: string, text: string): void {
  if (pending.size === 0) setImmediate(flush);
  const frame = envelope(Buffer.from(text));
  const frames = pending.get(room);
  if (frames) frames.push(frame);
  else pending.set(room, [frame]);
}

function flush(): void {
  for (const [room, frames] of pending) {
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    for (const reader of rooms.get(room)?.readers ?? []) reader.write(bytes);
  }
  pending.clear();
}

function follow(name: string, contentType: string, response: ServerResponse): void {
  const protocol = (Object.keys(CONTENT_TYPES) as Protocol[]).find((key) => CONTENT_TYPES[key] === contentType)!;
  const room = rooms.get(name) ?? { protocol, readers: new Set() };
  rooms.set(name, room);
  room.readers.add(response);
  response.once("close", () => room.readers.delete(response));
  response.writeHead(200, { "content-type": contentType });
  response.flushHeaders();
}

const http1 = createServer(listener);
// Its compatible requests and responses do all that is called here.
const http2 = createHttp2Server((request, response) =>
  listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
);
const url = async (server: typeof http1 | typeof http2) => {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const methods = {
  url: () => url(http1),

  http2Url: () => url(http2),

  /** Writes what the server under test writes for the same call, encoded beforehand. */
  async publish(params: { rooms: bigint[]; burst: number; perSecond: number; count: number }) {
    const chunks = params.rooms.map((id) => {
      const { protocol } = rooms.get(String(id))!;
      return Buffer.concat(Array.from({ length: params.burst }, () => frameOf(messageOf(id, 1_000n), protocol)));
    });
    const readers = params.rooms.map((id) => rooms.get(String(id))!.readers);
    const before = usage();
    await pace(params.perSecond, params.count, (i) => {
      const room = i % params.rooms.length;
      for (const reader of readers[room]!) reader.write(chunks[room]!);
    });
    return before;
  },

  /** From now on, what is sent to a room is also written to its readers. */
  deliver() {
    deliver = true;
  },

  collectGarbage,
};
export type Bare = typeof methods;

serveParent(methods);
