import type { IncomingMessage, ServerResponse } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { REQUEST_BYTES } from "../chat/limits.ts";
import type { DirectCall } from "../server/direct-call.ts";

/** Whether a request says that it comes whole, and is no larger than a message may be. */
export function isWhole({ headers }: IncomingMessage): boolean {
  return Number(headers["content-length"]) <= REQUEST_BYTES && !("expect" in headers || "transfer-encoding" in headers);
}

/** Whether a whole request asks for nothing of the protocol, so that a {@link DirectCall} can answer it. */
export function isPlain({ method, headers }: IncomingMessage): boolean {
  const type = headers["content-type"];
  if (method !== "POST" || (type !== "application/json" && type !== "application/proto")) return false;
  return !("content-encoding" in headers || "connect-timeout-ms" in headers);
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
  const universal = isWhole(request)
    ? wholeRequest(request, response)
    : universalRequestFromNodeRequest(request, response, undefined, undefined);
  await write(await handler(universal), response);
}

/** The same as Connect makes of it, in a tenth of the memory, which counts while a stream is open. */
function wholeRequest(request: IncomingMessage, response: ServerResponse): UniversalServerRequest {
  const { httpVersion, headersDistinct, headers } = request;
  const left = new AbortController();
  response.once("close", () => left.abort(new ConnectError("the client has left", Code.Canceled)));
  return {
    httpVersion,
    method: request.method!,
    url: `http://${headers.host}${request.url}`,
    header: new Headers(Object.entries(headersDistinct).map(([name, values]) => [name, values!.join(", ")])),
    body: request,
    signal: left.signal,
  };
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

function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("close", () => resolve(undefined));
    request.on("error", () => resolve(undefined));
  });
}
