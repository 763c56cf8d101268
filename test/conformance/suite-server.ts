import process from "node:process";
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { ServerCompatRequestSchema, ServerCompatResponseSchema } from "./descriptors.ts";

export const HOST = "127.0.0.1";

const LENGTH_BYTES = 4;

/**
 * Starts a server as the suite wants: what it needs comes from stdin, where it is goes to stdout, SIGTERM ends it.
 * `start` returns the port.
 */
export async function startForSuite(
  start: (request: MessageShape<typeof ServerCompatRequestSchema>) => Promise<number>,
): Promise<void> {
  endWithParent();
  const port = await start(fromBinary(ServerCompatRequestSchema, await readSized(process.stdin)));
  const response = create(ServerCompatResponseSchema, { host: HOST, port });
  process.stdout.write(sized(toBinary(ServerCompatResponseSchema, response)));
}

/** By SIGTERM, when all goes well. When the suite is killed, this process only gets another parent. */
function endWithParent(): void {
  process.once("SIGTERM", () => process.exit());
  const { ppid } = process;
  setInterval(() => process.ppid !== ppid && process.exit(), 1000).unref();
}

async function readSized(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + bytes.readUInt32BE();
    if (bytes.length >= end) return bytes.subarray(LENGTH_BYTES, end);
  }
  throw new Error("stdin ended before the request was complete");
}

function sized(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
