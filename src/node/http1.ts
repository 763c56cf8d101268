import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import { isRefusal, type Refusal } from "../http/door.ts";
import type { RpcResponse } from "../rpc/codec.ts";
import type { Sink } from "../rpc/stream-body.ts";
import { type Routes, splitUrl } from "./routes.ts";
import { drained, exchange, receive } from "./transfer.ts";

const log = getLogger(["roomlog", "node"]);

/** When the operating system starts to probe a silent connection, which is how vanished machines are noticed. */
const KEEPALIVE_PROBE_MS = 30_000;

/** A server of HTTP/1.1. A response may be silent as long as it likes; only its client may not let it wait. */
export function createHttp1(routes: Routes): Server {
  const { headersMs, requestMs, headerBytes, pipelinedRequests } = routes.limits;
  const turns = new Turns(pipelinedRequests);
  return createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: Math.max(requestMs, headersMs),
      connectionsCheckingInterval: Math.ceil(headersMs / 2),
      maxHeaderSize: headerBytes,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
    },
    (request, response) => {
      turns.take(request.socket, response, () => {
        serve(routes, request, response).catch((e: unknown) => {
          const hasLeft = request.destroyed || response.destroyed;
          log[hasLeft ? "debug" : "error"]("a response ended early", { reason: String(e) });
          response.destroy();
        });
      });
    },
  );
}

async function serve(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const { method, headers, url = "" } = request;
  const { discardedBytes, stallMs } = routes.limits;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return end(response, UNKNOWN_CODING);
  const [path, query] = splitUrl(url);
  const endpoint = routes.endpoints.get(path);
  if (!endpoint) return routes.serveApp(request, response);
  const admission = routes.door.admit({ method: method!, host: headers.host, origin: headers.origin });
  if (isRefusal(admission)) return end(response, admission);
  if ("handler" in endpoint) return exchange(endpoint.handler, request, response, stallMs);
  const answer = await endpoint.respond({
    httpMethod: method!,
    query,
    hasTrailers: false,
    header: (name) => headers[name] as string | undefined,
    receive: (body) => receive(request, headers["content-length"], body, discardedBytes),
  });
  return write(answer, response, admission.headers, stallMs);
}

/** Resolves at the end of a stream, for which nothing of this is kept: no async function, of which thousands would wait. */
function write(
  { status, headers, body }: RpcResponse,
  response: ServerResponse,
  more: Readonly<Record<string, string>>,
  stallMs: number,
): Promise<unknown> | undefined {
  if (body instanceof Uint8Array) {
    response.writeHead(status, { ...headers, ...more, "content-length": body.byteLength }).end(body);
    // Until it is taken; from then on the connection waits for its next request, with a timeout of its own.
    if (response.socket?.writableLength) response.setTimeout(stallMs, () => response.destroy());
    return undefined;
  }
  response.once("close", () => body.leave()).writeHead(status, { ...headers, ...more });
  return body.pipe(new ResponseSink(response, stallMs)).then(() => response.end());
}

/** Where a stream's body goes. */
class ResponseSink implements Sink {
  readonly #response: ServerResponse;
  readonly #stallMs: number;

  constructor(response: ServerResponse, stallMs: number) {
    this.#response = response;
    this.#stallMs = stallMs;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#response.destroyed) return true;
    if (bytes.byteLength > 0) return this.#response.write(bytes);
    this.#response.flushHeaders();
    return true;
  }

  drained(): Promise<void> {
    return drained(this.#response, this.#stallMs);
  }
}

function end(response: ServerResponse, { status, headers, body }: Refusal): void {
  const length = status === 204 ? {} : { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length }).end(body);
}

function lastWords(status: number, code: string, message: string): Refusal {
  const headers = { "content-type": "application/json", connection: "close" };
  return { status, headers, body: JSON.stringify({ code, message }) };
}

const UNKNOWN_CODING = lastWords(501, "unimplemented", "the only transfer coding that is understood is chunked");
const TOO_MANY = lastWords(503, "unavailable", "too many requests wait on this connection; wait for their answers");

/**
 * Lets the requests of a connection have their turns one after the other, each when the answer before has been taken:
 * so no more than one answer waits for a client that sends request after request, and nothing is read from it meanwhile.
 */
class Turns {
  readonly #maxWaiting: number;
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  take(socket: Socket, response: ServerResponse, serve: () => void): void {
    const waiting = this.#waiting.get(socket);
    if (!waiting) {
      this.#waiting.set(socket, []);
      return this.#start(socket, response, serve);
    }
    socket.pause();
    // What comes after one too many has come in the same packet, and is lost with the connection.
    if (waiting.length > this.#maxWaiting) return;
    const turn = waiting.length < this.#maxWaiting ? serve : () => end(response, TOO_MANY);
    waiting.push(() => this.#start(socket, response, turn));
  }

  #start(socket: Socket, response: ServerResponse, serve: () => void): void {
    response.once("close", () => this.#next(socket));
    serve();
  }

  #next(socket: Socket): void {
    const waiting = this.#waiting.get(socket)!;
    const next = waiting.shift();
    if (waiting.length === 0) socket.resume();
    if (next && !socket.destroyed) next();
    else this.#waiting.delete(socket);
  }
}
