import {
  constants,
  createServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { getLogger } from "@logtape/logtape";
import type { Limits } from "../chat/limits.ts";
import { isRefusal, type Refusal } from "../http/door.ts";
import { BoundedBytes } from "../rpc/bytes.ts";
import type { RpcResponse } from "../rpc/codec.ts";
import { grpcType, unknownPath } from "../rpc/endpoints.ts";
import { type Routes, splitUrl } from "./routes.ts";
import { drained, exchange, ignore, receive } from "./transfer.ts";

const log = getLogger(["roomlog", "node"]);

/** A server of HTTP/2 on Node's core streams: its classes that look like HTTP/1.1 cost more than a call. */
export function createHttp2(routes: Routes): Http2Server {
  const { connectionCalls, headerBytes, resets, resetsPerSecond, idleSessionMs, requestMs } = routes.limits;
  const server = createServer({
    settings: { maxConcurrentStreams: connectionCalls, maxHeaderListSize: headerBytes },
    streamResetBurst: resets,
    streamResetRate: resetsPerSecond,
  });
  server.on("session", (session: ServerHttp2Session) => {
    const calls = new SessionCalls(routes.limits);
    session.setTimeout(idleSessionMs, () => calls.count === 0 && session.close());
    session.on("error", () => session.destroy());
    session.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
      calls.count++;
      const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      const tooSlow = isWhole ? undefined : setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), requestMs);
      const keep = () => clearTimeout(tooSlow);
      stream.on("error", ignore).once("end", keep);
      stream.once("close", () => {
        calls.count--;
        keep();
      });
      serve(routes, calls, { stream, headers, raw, keep }).catch((e: unknown) => {
        log[stream.destroyed ? "debug" : "error"]("a response ended early", { reason: String(e) });
        stream.destroy();
      });
    });
  });
  return server;
}

/** A request as Node's core has it. */
interface CoreRequest {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string[];
  /** Lets the client send as long as it likes. */
  readonly keep: () => void;
}

async function serve(routes: Routes, calls: SessionCalls, request: CoreRequest): Promise<void> {
  const { stream, headers } = request;
  const { ":method": method = "", ":path": url = "", ":authority": authority, origin } = headers;
  const [path, query] = splitUrl(url);
  const endpoint = routes.endpoints.get(path);
  const { discardedBytes, stallMs, pageBytes } = routes.limits;
  const isCut = () => stream.aborted || stream.closed;
  const readToEnd = () =>
    receive(stream, undefined, new BoundedBytes(discardedBytes), discardedBytes, isCut).catch(ignore);
  const contentType = headers["content-type"];
  if (!endpoint && !grpcType(contentType)) return routes.serveApp(...compatible(request));

  const admission = routes.door.admit({ method, host: authority ?? headers.host, origin });
  if (isRefusal(admission)) return readToEnd().then(() => end(stream, admission));
  if (!endpoint) {
    await readToEnd();
    const { status, headers: head } = unknownPath(path, contentType);
    if (isCut()) return;
    return stream.respond({ ":status": status, ...head, ...admission.headers }, { endStream: true });
  }
  if ("handler" in endpoint) {
    request.keep();
    return exchange(endpoint.handler, ...compatible(request), stallMs);
  }
  const release = await calls.reserve(stream, pageBytes);
  try {
    const answer = await endpoint.respond({
      httpMethod: method,
      query,
      hasTrailers: true,
      header: (name) => headers[name] as string | undefined,
      receive: (body) => receive(stream, headers["content-length"], body, discardedBytes, isCut),
    });
    if (answer.body instanceof Uint8Array) return writeWhole(answer, stream, admission.headers, calls, stallMs);
    release();
    return writeStream(answer, stream, admission.headers, stallMs);
  } finally {
    release();
  }
}

function writeWhole(
  { status, headers, body, trailers }: RpcResponse,
  stream: ServerHttp2Stream,
  more: Readonly<Record<string, string>>,
  calls: SessionCalls,
  stallMs: number,
): void {
  const { byteLength } = body as Uint8Array;
  const head = { ":status": status, ...headers, ...more };
  if (stream.destroyed || stream.closed) return;
  if (!trailers) stream.respond({ ...head, "content-length": byteLength });
  else if (byteLength === 0) return stream.respond({ ...head, ...trailers }, { endStream: true });
  else {
    stream.respond(head, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  }
  calls.wait(stream, byteLength);
  stream.setTimeout(stallMs, () => cutOff(stream));
  stream.end(body);
}

async function writeStream(
  { status, headers, body }: RpcResponse,
  stream: ServerHttp2Stream,
  more: Readonly<Record<string, string>>,
  stallMs: number,
): Promise<void> {
  if (body instanceof Uint8Array) return;
  if (stream.destroyed || stream.closed) return body.leave();
  stream.once("close", () => body.leave());
  stream.respond({ ":status": status, ...headers, ...more }, { waitForTrailers: body.hasTrailers });
  if (body.hasTrailers) stream.once("wantTrailers", () => stream.sendTrailers(body.trailers!));
  await body.pipe({
    write: (bytes) => stream.destroyed || bytes.byteLength === 0 || stream.write(bytes),
    drained: () => drained(stream, stallMs, () => cutOff(stream)),
  });
  stream.end();
}

/** Ends a call whose client takes nothing; and the connection, if it takes nothing of that either. */
function cutOff(stream: ServerHttp2Stream): void {
  const { session } = stream;
  if (session && !session.destroyed && session.socket.writableLength > 0) return session.destroy();
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy(); // close() alone waits for what can't be written
}

/** The request as Hono and Connect expect it. */
function compatible({ stream, headers, raw }: CoreRequest): [Http2ServerRequest, Http2ServerResponse] {
  return [new Http2ServerRequest(stream, headers, {}, raw), new Http2ServerResponse(stream)];
}

function end(stream: ServerHttp2Stream, { status, headers, body }: Refusal): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ":status": status, ...headers });
  stream.end(body);
}

/** The calls of a connection, and how many bytes their answers have waiting for the client together. */
class SessionCalls {
  count = 0;
  readonly #maxBytes: number;
  readonly #queue = new Set<() => void>();
  #bytes = 0;

  constructor({ waitingAnswerBytes }: Limits) {
    this.#maxBytes = waitingAnswerBytes;
  }

  /** Waits until there is room for an answer, and takes it until it is given back. A call that is gone waits for ever. */
  async reserve(stream: ServerHttp2Stream, bytes: number): Promise<() => void> {
    if (this.#bytes + bytes > this.#maxBytes) {
      await new Promise<void>((resolve) => {
        this.#queue.add(resolve);
        stream.once("close", () => this.#queue.delete(resolve));
      });
    }
    this.#bytes += bytes;
    let isReleased = false;
    return () => {
      if (!isReleased) this.#free(bytes);
      isReleased = true;
    };
  }

  /** Counts an answer until its stream is closed. */
  wait(stream: ServerHttp2Stream, bytes: number): void {
    this.#bytes += bytes;
    stream.once("close", () => this.#free(bytes));
  }

  /** Lets one more go on, which frees what it takes in its turn. */
  #free(bytes: number): void {
    this.#bytes -= bytes;
    const [next] = this.#queue;
    if (!next || this.#bytes >= this.#maxBytes) return;
    this.#queue.delete(next);
    next();
  }
}
