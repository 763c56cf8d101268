import { ConnectError } from "@connectrpc/connect";
import { universalServerRequestFromFetch, universalServerResponseToFetch } from "@connectrpc/connect/protocol";
import { inTime } from "../chat/in-time.ts";
import type { Limits } from "../chat/limits.ts";
import type { ArrivingBody } from "../rpc/bytes.ts";
import type { RpcResponse } from "../rpc/codec.ts";
import type { Endpoint } from "../rpc/endpoints.ts";
import { brokeOff } from "../rpc/errors.ts";
import type { StreamBody } from "../rpc/stream-body.ts";

/** The two ends of a stream of bytes. */
export type Pipe = () => {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
};

/** How long what is left of a refused request is read, in milliseconds. */
const DISCARD_MS = 1_000;

/** Pieces of a response that wait for the client; with one, the next reaches a client who is quick without any waiting. */
const MAX_WAITING = 2;

/** A call that came as a web-standard request. */
export async function fetchRpc(
  endpoint: Endpoint,
  request: Request,
  limits: Limits,
  pipe: Pipe = () => new TransformStream<Uint8Array, Uint8Array>(),
): Promise<Response> {
  const header = (name: string) => request.headers.get(name) ?? undefined;
  if ("handler" in endpoint) {
    return universalServerResponseToFetch(await endpoint.handler(universalServerRequestFromFetch(request, {})));
  }
  const { method: httpMethod, body, url } = request;
  const receive = (arriving: ArrivingBody) => receiveBody(body, header("content-length"), arriving, limits);
  const call = { httpMethod, query: new URL(url).search, header, hasTrailers: false, receive };
  return toResponse(await endpoint.respond(call), request.signal, limits, pipe);
}

function toResponse({ status, headers, body }: RpcResponse, signal: AbortSignal, limits: Limits, pipe: Pipe): Response {
  // "manual": Workers would compress once more what says that it is compressed.
  const init = { status, headers, encodeBody: "manual" } as const;
  if (body instanceof Uint8Array) return new Response(body as Uint8Array<ArrayBuffer>, init);
  return new Response(readable(body, signal, limits, pipe), init);
}

async function receiveBody(
  body: ReadableStream<Uint8Array> | null,
  contentLength: string | undefined,
  arriving: ArrivingBody,
  { discardedBytes }: Limits,
): Promise<void> {
  const reader = body?.getReader();
  try {
    arriving.expect(Number(contentLength ?? 0));
    for (let read; reader && !(read = await reader.read()).done; ) arriving.add(read.value);
  } catch (e) {
    if (!(e instanceof ConnectError)) throw brokeOff(e);
    // Before the answer: some clients don't get to read one that comes earlier, and a Worker reads nothing after it.
    if (reader) await inTime(discard(reader, discardedBytes), DISCARD_MS, () => e).catch(() => {});
    throw e;
  }
}

/** Reads on for a while, so that a connection that is kept can carry the next request. */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<void> {
  try {
    for (let rest = maxBytes, read; rest > 0 && !(read = await reader.read()).done; ) rest -= read.value.byteLength;
    await reader.cancel();
  } catch {
    // The connection has ended.
  }
}

/** Hands over what comes next when the client has taken all but the last; one that takes nothing for long has left. */
function readable(body: StreamBody, signal: AbortSignal, { stallMs }: Limits, pipe: Pipe): ReadableStream<Uint8Array> {
  const { readable, writable } = pipe();
  const writer = writable.getWriter();
  let [waiting, taken, hasLeft] = [0, 0, false];
  /** Set while something waits, or has a short time ago: most of what waits is taken at once, and has no timer of its own. */
  let stall: ReturnType<typeof setTimeout> | undefined;
  let goOn = () => {};
  const end = () => {
    hasLeft = true;
    clearTimeout(stall);
    goOn();
  };
  const leave = () => {
    body.leave();
    end();
  };
  const watch = () => {
    stall = undefined;
    const rest = taken + stallMs - Date.now();
    if (waiting > 0 && rest > 0) stall = setTimeout(watch, rest);
    if (waiting === 0 || rest > 0) return;
    leave();
    writer.abort(new Error("the client takes nothing")).catch(ignore);
  };
  const take = () => {
    waiting--;
    taken = Date.now();
    goOn();
  };
  const write = (bytes: Uint8Array) => {
    if (bytes.byteLength === 0) return true;
    if (waiting++ === 0) taken = Date.now();
    if (!hasLeft) stall ??= setTimeout(watch, stallMs);
    writer.write(bytes).then(take, leave);
    return waiting < MAX_WAITING;
  };
  const drained = async () => {
    if (waiting < MAX_WAITING || hasLeft) return;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  };
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  writer.closed.catch(leave);
  body
    .pipe({ write, drained })
    .then(() => writer.close())
    .catch(ignore)
    .then(end);
  return readable;
}

/** The client has gone, or takes nothing. */
function ignore(): void {}
