import type { Peer } from "./bytes.ts";
import { Splitter } from "./splitter.ts";
import type { Call, StreamEvents } from "./wire.ts";

// As much of WebSocket, and of Socket.IO on top of it, as the benchmarks' clients need.

const PATHS: Record<Peer, string> = { ws: "/?", "socket-io": "/socket.io/?EIO=4&transport=websocket&" };

/** Packets of Socket.IO: a digit for the transport's business; of its messages (4) a second one for Socket.IO's own. */
const OPEN = "0";
const PING = "2";
const PONG = "3";
const CONNECT = "40";

const TEXT_FRAME = 0x81;
const MASKED = 0x80;
const TWO_BYTE_LENGTH = 126;

/** A connection that follows a room, or none; what it is told afterwards are its messages, as they are. */
export function websocketCall(peer: Peer, events: StreamEvents, room?: bigint): Call {
  let isUpgraded = false;
  let write: (bytes: Buffer) => void;
  const socketIo = (text: Buffer) => {
    const packet = text.toString("latin1", 0, 2);
    if (packet === PING) write(clientFrame(Buffer.from(PONG)));
    else if (packet[0] === OPEN) write(clientFrame(Buffer.from(CONNECT)));
    else if (packet === CONNECT) events.opened();
    else events.message(text);
  };
  const splitter = new Splitter((bytes, at) => {
    if (isUpgraded) return takeFrame(bytes, at, peer === "ws" ? events.message : socketIo, events.ended);
    const end = bytes.indexOf("\r\n\r\n", at, "latin1");
    if (end === -1) return 0;
    isUpgraded = bytes.toString("latin1", at, end).startsWith("HTTP/1.1 101");
    if (!isUpgraded) events.ended(bytes.toString("latin1", at));
    else if (peer === "ws") events.opened();
    return end + 4 - at;
  });
  return {
    request: Buffer.from(
      `GET ${PATHS[peer]}${room === undefined ? "" : `room=${room}`} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
    receive(bytes, reply) {
      write = reply;
      splitter.push(bytes);
    },
  };
}

/** The bytes of a whole frame, or 0. */
function takeFrame(
  bytes: Buffer,
  at: number,
  text: (payload: Buffer) => void,
  ended: (reason: string) => void,
): number {
  const left = bytes.length - at;
  const isLong = left >= 2 && bytes[at + 1] === TWO_BYTE_LENGTH;
  if (left < (isLong ? 4 : 2)) return 0;
  const start = at + (isLong ? 4 : 2);
  const length = isLong ? bytes.readUInt16BE(at + 2) : bytes[at + 1]!;
  if (bytes.length < start + length) return 0;
  // Longer ones have their length in eight bytes; nothing here is as long.
  if (bytes[at] === TEXT_FRAME && bytes[at + 1]! <= TWO_BYTE_LENGTH) text(bytes.subarray(start, start + length));
  else ended(`an unexpected frame, ${bytes.toString("hex", at, start + length)}`);
  return start + length - at;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function clientFrame(payload: Buffer): Buffer {
  const isLong = payload.length >= TWO_BYTE_LENGTH;
  const head = Buffer.alloc(isLong ? 4 : 2);
  head[0] = TEXT_FRAME;
  head[1] = MASKED | (isLong ? TWO_BYTE_LENGTH : payload.length);
  if (isLong) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, MASK, payload.map((byte, i) => byte ^ MASK[i & 3]!)]);
}
