import { CONTENT_TYPES, type Protocol, type StreamMethod, streamPath, streamRequest } from "./bytes.ts";
import { Splitter } from "./splitter.ts";

// Requests written and responses read by hand: a client library costs more than the server it measures.

export interface StreamEvents {
  /** The response's headers have arrived. */
  opened(): void;
  message(payload: Buffer): void;
  /** The response ended, or was never a good one. */
  ended(reason: string): void;
}

/** A call on a socket of its own: what to write first, and what to do with the bytes that come. */
export interface Call {
  readonly request: Buffer;
  receive(bytes: Buffer, write: (bytes: Buffer) => void): void;
}

export interface CallOptions {
  readonly protocol: Protocol;
  /** StreamMessage, if it isn't said. */
  readonly method?: StreamMethod;
  readonly rooms: readonly bigint[];
  readonly afterSeq?: bigint;
}

export function streamCall(options: CallOptions, events: StreamEvents): Call {
  return options.protocol === "grpc" ? http2Call(options, events) : http1Call(options, events);
}

export function envelopes({ message, ended }: StreamEvents): Splitter {
  return new Splitter((bytes, at) => {
    if (bytes.length - at < 5) return 0;
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (bytes.length < end) return 0;
    if (bytes[at] === 0) message(bytes.subarray(at + 5, end));
    else ended(bytes.toString("utf8", at + 5, end));
    return end - at;
  });
}

function http1Call(options: CallOptions, events: StreamEvents): Call {
  const { protocol, method, rooms } = options;
  const body = streamRequest(rooms, options);
  const head =
    `POST ${streamPath(method)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${CONTENT_TYPES[protocol]}\r\n` +
    `X-Room: ${rooms[0]}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const content = envelopes(events);
  let isOpen = false;
  const splitter = new Splitter((bytes, at) => {
    if (!isOpen) {
      const end = bytes.indexOf("\r\n\r\n", at, "latin1");
      if (end === -1) return 0;
      const header = bytes.toString("latin1", at, end);
      isOpen = true;
      if (header.startsWith("HTTP/1.1 200") && /transfer-encoding: chunked/i.test(header)) events.opened();
      else events.ended(bytes.toString("utf8", at));
      return end + 4 - at;
    }
    const line = bytes.indexOf("\r\n", at, "latin1");
    if (line === -1) return 0;
    const length = parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + length;
    if (bytes.length < end + 2) return 0;
    if (length === 0) events.ended("the response is complete");
    else content.push(bytes.subarray(line + 2, end));
    return end + 2 - at;
  });
  return { request: Buffer.concat([Buffer.from(head), body]), receive: (bytes) => splitter.push(bytes) };
}

const DATA = 0x0;
const HEADERS = 0x1;
const RST_STREAM = 0x3;
const SETTINGS = 0x4;
const PING = 0x6;
const GOAWAY = 0x7;
const WINDOW_UPDATE = 0x8;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const LARGEST_WINDOW = 2 ** 31 - 1;

/** Of a call over HTTP/2. */
export function streamHeaders({ protocol, method, rooms }: CallOptions): Record<string, string> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": streamPath(method),
    ":authority": "127.0.0.1",
    "content-type": CONTENT_TYPES[protocol],
    te: "trailers",
    "x-room": `${rooms[0]}`,
  };
}

function http2Call(options: CallOptions, events: StreamEvents): Call {
  const content = envelopes(events);
  let isOpen = false;
  let write: (bytes: Buffer) => void;
  const splitter = new Splitter((bytes, at) => {
    if (bytes.length - at < 9) return 0;
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (bytes.length < end) return 0;
    const type = bytes[at + 3];
    const flags = bytes[at + 4]!;
    const payload = bytes.subarray(at + 9, end);
    if (type === DATA) content.push(payload);
    else if (type === SETTINGS && !(flags & ACK)) write(frame(SETTINGS, ACK, 0));
    else if (type === PING && !(flags & ACK)) write(frame(PING, ACK, 0, payload));
    else if (type === HEADERS && !isOpen) {
      isOpen = true;
      if (flags & END_STREAM) events.ended("the response has headers only");
      else events.opened();
    } else if (type === HEADERS || type === RST_STREAM || type === GOAWAY) events.ended(`frame ${type}`);
    return end - at;
  });
  const request = Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(LARGEST_WINDOW)])),
    frame(WINDOW_UPDATE, 0, 0, uint32(LARGEST_WINDOW - 65_535)),
    frame(
      HEADERS,
      END_HEADERS,
      1,
      Buffer.concat(Object.entries(streamHeaders(options)).map(([name, value]) => literal(name, value))),
    ),
    frame(DATA, END_STREAM, 1, streamRequest(options.rooms, options)),
  ]);
  return {
    request,
    receive(bytes, reply) {
      write = reply;
      splitter.push(bytes);
    },
  };
}

function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK: a literal header field without indexing. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
