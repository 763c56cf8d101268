import type { IncomingMessage, ServerResponse } from "node:http";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { REQUEST_BYTES } from "../chat/limits.ts";
import type { DirectCall } from "../server/direct-call.ts";

/** Whether a request says that it comes whole, and is no larger than a message may be. */
export function isWhole({ headers }: IncomingMessage): boolean {
  return Number(headers["content-length"]) <= REQUEST_BYTES && !("expect" in headers || "transfer-encoding" in headers);
}

/** Whether a whole request asks for nothing of the protocol, so that a {@link DirectCall} can answer it. */
export function isPlain({ method, headers }: IncomingMessage, { isStream }: DirectCall): boolean {
  const type = headers["content-type"];
  const types = isStream
    ? ["application/connect+json", "application/connect+proto"]
    : ["application/json", "application/proto"];
  return method === "POST" && types.includes(type ?? "") && NOT_PLAIN.every((name) => !(name in headers));
}

/** Headers that ask for something of the protocol. */
const NOT_PLAIN = ["content-encoding", "connect-content-encoding", "connect-timeout-ms"];

export async function serveDirectly(
  call: DirectCall,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const contentType = request.headers["content-type"]!;
  const requestId = request.headers["x-request-id"] as string | undefined;
  const body = await readBody(request);
  if (!body) return call.abandon(requestId);
  const isJson = contentType.endsWith("json");
  const universal = () => universalRequestFromNodeRequest(request, response, undefined, undefined);
  const answer = await call.answer({ body, isJson, requestId, universal });
  if ("status" in answer) return write(answer, response);
  const headers = { "content-type": contentType, "x-request-id": answer.requestId };
  if (answer.body instanceof Uint8Array) {
    response.writeHead(200, { ...headers, "content-length": answer.body.byteLength });
    response.end(answer.body);
    return;
  }
  response.once("close", answer.leave!);
  response.writeHead(200, headers);
  return writeBody(answer.body, response);
}

export async function serveRpc(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await write(await handler(universalRequestFromNodeRequest(request, response, undefined, undefined)), response);
}

async function write({ status, header, body }: UniversalServerResponse, response: ServerResponse): Promise<void> {
  response.writeHead(status, Object.fromEntries(header ?? []));
  await writeBody((body as AsyncIterable<Uint8Array> | undefined) ?? [], response);
}

/** Takes each chunk only when the client has room for it. */
async function writeBody(body: AsyncIterable<Uint8Array> | [], response: ServerResponse): Promise<void> {
  for await (const chunk of body) {
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

/** The whole body; undefined, if the client leaves before. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const add = (chunk: Buffer) => chunks.push(chunk);
    const end = () => settle(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    const leave = () => settle(undefined);
    const settle = (body: Buffer | undefined) => {
      // A stream keeps its request for as long as it lasts.
      request.off("data", add).off("end", end).off("close", leave);
      resolve(body);
    };
    request.on("data", add).on("end", end).on("close", leave).on("error", ignore);
  });
}

/** "close" follows. */
function ignore(): void {}
