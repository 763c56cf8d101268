import { ConnectError } from "@connectrpc/connect";
import { universalServerRequestFromFetch, universalServerResponseToFetch } from "@connectrpc/connect/protocol";
import type { Limits } from "../chat/limits.ts";
import type { ArrivingBody } from "../rpc/bytes.ts";
import type { RpcResponse } from "../rpc/codec.ts";
import type { Endpoint } from "../rpc/endpoints.ts";
import { brokeOff } from "../rpc/errors.ts";
import type { StreamBody } from "../rpc/stream-body.ts";

/** A call that came as a web-standard request. */
export async function fetchRpc(endpoint: Endpoint, request: Request, limits: Limits): Promise<Response> {
  const header = (name: string) => request.headers.get(name) ?? undefined;
  if ("handler" in endpoint) {
    return universalServerResponseToFetch(await endpoint.handler(universalServerRequestFromFetch(request, {})));
  }
  const { method: httpMethod, body, url } = request;
  const receive = (arriving: ArrivingBody) => receiveBody(body, header("content-length"), arriving, limits);
  const call = { httpMethod, query: new URL(url).search, header, hasTrailers: false, receive };
  return toResponse(await endpoint.respond(call), request.signal, limits);
}

function toResponse({ status, headers, body }: RpcResponse, signal: AbortSignal, limits: Limits): Response {
  // "manual": Workers would compress once more what says that it is compressed.
  const init = { status, headers, encodeBody: "manual" } as const;
  if (body instanceof Uint8Array) return new Response(body as Uint8Array<ArrayBuffer>, init);
  return new Response(readable(body, signal, limits), init);
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
    if (reader) void discard(reader, discardedBytes);
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

/** Takes what comes next when the client has taken what came before; a client that takes nothing for long has left. */
function readable(body: StreamBody, signal: AbortSignal, { stallMs }: Limits): ReadableStream<Uint8Array> {
  let [isWanted, hasLeft] = [false, false];
  let take: (() => void) | undefined;
  let stall: ReturnType<typeof setTimeout> | undefined;
  const goOn = () => {
    clearTimeout(stall);
    take?.();
  };
  const leave = () => {
    hasLeft = true;
    body.leave();
    goOn();
  };
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const cutOff = () => {
          leave();
          controller.error(new Error("the client takes nothing"));
        };
        const write = (bytes: Uint8Array) => {
          isWanted = false;
          controller.enqueue(bytes);
          return false;
        };
        const drained = async () => {
          if (isWanted || hasLeft) return;
          stall = setTimeout(cutOff, stallMs);
          await new Promise<void>((resolve) => {
            take = resolve;
          });
        };
        body
          .pipe({ write, drained })
          .then(() => controller.close())
          .catch(ignore);
      },
      pull() {
        isWanted = true;
        goOn();
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}

/** The client has gone, or takes nothing. */
function ignore(): void {}
