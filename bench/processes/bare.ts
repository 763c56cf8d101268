import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MessageSchema, SendMessageReqSchema } from "../../gen/chat_pb.ts";
import { CONTENT_TYPES, envelope, frameOf, messageOf, type Protocol } from "../bytes.ts";
import { collectGarbage, serveParent, usage } from "../child.ts";
import { listen } from "../listen.ts";
import { accept, type Send } from "../memory-log.ts";
import { pace } from "../pace.ts";

// What Node charges for the same bytes: no protocol, no checks, no database.

interface Room {
  readonly protocol: Protocol;
  readonly readers: Set<Writable>;
}

const rooms = new Map<string, Room>();
let deliver = false;
let lastSeq = 0;
/** What readers of any room get first. */
let missed: Buffer | undefined;

function listener(request: IncomingMessage, response: ServerResponse): void {
  const room = request.headers["x-room"] as string | undefined;
  if (room === undefined) return answer(request, response);
  const contentType = request.headers["content-type"]!;
  response.writeHead(200, { "content-type": contentType });
  response.flushHeaders();
  follow(room, contentType, response);
}

/** Core streams, since the requests and responses that node:http2 offers on top of them cost more. */
function streamListener(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on("error", () => {}); // a client that has gone
  const room = headers["x-room"] as string | undefined;
  const contentType = headers["content-type"]!;
  if (room === undefined) return answerGrpc(contentType, stream);
  stream.respond({ ":status": 200, "content-type": contentType });
  follow(room, contentType, stream);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const send = JSON.parse(Buffer.concat(chunks).toString());
    const text = JSON.stringify(accept(send));
    if (deliver) enqueue(send, text);
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
  });
}

function answerGrpc(contentType: string, stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("end", () => {
    const { $typeName, replyToId, ...sent } = fromBinary(SendMessageReqSchema, Buffer.concat(chunks).subarray(5));
    const now = timestampFromMs(Date.now());
    const seq = BigInt(++lastSeq);
    const message = create(MessageSchema, { ...sent, id: seq, createdAt: now, updatedAt: now, seq });
    stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: true });
    stream.end(envelope(toBinary(MessageSchema, message)));
  });
}

const pending = new Map<string, Buffer[]>();

function enqueue({ roomId, body }: Send, text: string): void {
  const room = rooms.get(roomId);
  if (!room) return;
  if (pending.size === 0) setImmediate(flush);
  const { protocol } = room;
  const frame =
    protocol === "json" ? envelope(Buffer.from(text)) : frameOf(messageOf(BigInt(roomId), 1_000n, body), protocol);
  const frames = pending.get(roomId);
  if (frames) frames.push(frame);
  else pending.set(roomId, [frame]);
}

function flush(): void {
  for (const [room, frames] of pending) {
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    for (const reader of rooms.get(room)?.readers ?? []) reader.write(bytes);
  }
  pending.clear();
}

function follow(name: string, contentType: string, reader: Writable): void {
  const protocol = (Object.keys(CONTENT_TYPES) as Protocol[]).find((key) => CONTENT_TYPES[key] === contentType)!;
  const room = rooms.get(name) ?? { protocol, readers: new Set() };
  rooms.set(name, room);
  room.readers.add(reader);
  reader.once("close", () => room.readers.delete(reader));
  if (missed) reader.write(missed);
}

const http1 = createServer(listener);
const http2 = createHttp2Server().on("stream", streamListener);

const methods = {
  url: () => listen(http1),

  http2Url: () => listen(http2),

  /** It has none. */
  databaseRequests: () => 0,

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

  /** From now on, readers get so many messages as JSON as soon as they come. */
  owe(count: number) {
    missed = Buffer.concat(Array.from({ length: count }, (_, i) => frameOf(messageOf(1n, BigInt(i + 1)), "json")));
  },

  collectGarbage,
};
export type Bare = typeof methods;

serveParent(methods);
