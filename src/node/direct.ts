import type { IncomingMessage, ServerResponse } from "node:http";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { REQUEST_BYTES } from "../chat/limits.ts";
import type { DirectCall } from "../server/direct-call.ts";

/** Headers that ask for something of the protocol. */
const NOT_PLAIN = ["content-encoding", "connect-timeout-ms", "transfer-encoding", "expect"];

/** Whether a request can be answered by a {@link DirectCall}: a whole, plain message. */
export function isPlain({ method, headers }: IncomingMessage): boolean {
  const type = headers["content-type"];
  if (method !== "POST" || (type !== "application/json" && type !== "application/proto")) return false;
  return Number(headers["content-length"]) <= REQUEST_BYTES && NOT_PLAIN.every((name) => !(name in headers));
}

export async function serveDirectly(
  call: DirectCall,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = request.headers["x-request-id"] as string | undefined;
  const body = await readBody(request);
  if (!body) return call.abandon(requestId);
  const isJson = request.headers["content-type"] === "application/json";
  const universal = () => universalRequestFromNodeRequest(request, response, undefined, undefined);
  const answer = await call.answer({ body, isJson, requestId, universal });
  if (!("bytes" in answer)) return write(answer, response);
  response.writeHead(200, {
    "content-type": request.headers["content-type"],
    "content-length": answer.bytes.byteLength,
    "x-request-id": answer.requestId,
  });
  response.end(answer.bytes);
}

export async function serveRpc(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await write(await handler(universalRequestFromNodeRequest(request, response, undefined, undefined)), response);
}

/** Takes each chunk of the body only when the client has room for it. */
async function write({ status, header, body }: UniversalServerResponse, response: ServerResponse): Promise<void> {
  response.writeHead(status, Object.fromEntries(header ?? []));
  for await (const chunk of (body as AsyncIterable<Uint8Array> | undefined) ?? []) {
    if (response.destroyed) return;
    if (chunk.byteLength === 0) response.flushHeaders();
    else if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("close", () => resolve(undefined));
    request.on("error", () => resolve(undefined));
  });
}
