import { create, type DescMessage, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Message, MessageSchema, StreamEventsReqSchema, StreamMessageReqSchema } from "../gen/chat_pb.ts";

/** How a reader speaks; the first three over HTTP/1.1, the last over cleartext HTTP/2. */
export type Protocol = "json" | "binary" | "grpc-web" | "grpc";

/** The servers of other makers, each with a protocol of its own; as their scripts are named. */
export type Peer = "socket-io" | "ws";

export const CONTENT_TYPES: Record<Protocol, string> = {
  json: "application/connect+json",
  binary: "application/connect+proto",
  "grpc-web": "application/grpc-web+proto",
  grpc: "application/grpc+proto",
};

export const SEND_PATH = "/chat_grpc.ChatService/SendMessage";

/** What a reader may call. */
export type StreamMethod = "StreamMessage" | "StreamEvents";

export function streamPath(method: StreamMethod = "StreamMessage"): string {
  return `/chat_grpc.ChatService/${method}`;
}

/** Member of every room of a data set. */
export const USER = 1n;

/** A line of chat; a message is about 250 bytes as JSON and 110 as protobuf. */
export const BODY = "Is the lobster still alive? I can be at the harbour at six and would take two of them. Thanks!";

export function messageOf(roomId: bigint, seq: bigint, body = BODY): Message {
  const now = timestampFromMs(Date.now());
  return create(MessageSchema, { id: seq, body, roomId, userId: USER, createdAt: now, updatedAt: now, seq });
}

export function frameOf(message: Message, protocol: Protocol): Buffer {
  return encode(MessageSchema, message, protocol);
}

export function envelope(data: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + data.length);
  frame.writeUInt32BE(data.length, 1);
  frame.set(data, 5);
  return frame;
}

/** Of a reader of some rooms; StreamEvents begin at now, with heartbeats at the interval that the server chooses. */
export function streamRequest(
  rooms: readonly bigint[],
  { protocol, method, afterSeq }: { protocol: Protocol; method?: StreamMethod; afterSeq?: bigint },
): Buffer {
  const reader = { roomIds: [...rooms], userId: USER };
  if (method === "StreamEvents") return encode(StreamEventsReqSchema, create(StreamEventsReqSchema, reader), protocol);
  const request = create(StreamMessageReqSchema, reader);
  if (afterSeq !== undefined) for (const room of rooms) request.afterSeq[`${room}`] = afterSeq;
  return encode(StreamMessageReqSchema, request, protocol);
}

function encode<D extends DescMessage>(schema: D, message: MessageShape<D>, protocol: Protocol): Buffer {
  return envelope(protocol === "json" ? Buffer.from(toJsonString(schema, message)) : toBinary(schema, message));
}

/** Where a body carries the moment it was to be sent: microseconds of the machine's clock, 16 digits. */
const STAMP = "@@";
const STAMP_DIGITS = 16;
export const STAMPED_BODY = `${BODY.slice(0, -STAMP.length - STAMP_DIGITS)}${STAMP}${"0".repeat(STAMP_DIGITS)}`;

export function writeStamp(request: Buffer, at: number, micros: number): void {
  request.write(String(Math.round(micros)).padStart(STAMP_DIGITS, "0"), at, "latin1");
}

/** Where the digits begin, or -1. */
export function findStamp(bytes: Buffer): number {
  const at = bytes.indexOf(STAMP, 0, "latin1");
  return at === -1 ? -1 : at + STAMP.length;
}

export function readStamp(bytes: Buffer): number {
  const at = findStamp(bytes);
  return at === -1 ? NaN : Number(bytes.toString("latin1", at, at + STAMP_DIGITS));
}

const SEQ = '"seq":"';

/** Of a message in JSON; NaN if it has none. */
export function readSeq(json: Buffer): number {
  const at = json.indexOf(SEQ, 0, "latin1");
  if (at === -1) return NaN;
  const start = at + SEQ.length;
  return Number(json.toString("latin1", start, json.indexOf('"', start, "latin1")));
}

/** The same in all processes of a machine. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
