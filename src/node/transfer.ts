import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Readable } from "node:stream";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { BoundedBytes } from "../rpc/bytes.ts";
import { brokeOff } from "../rpc/errors.ts";

/**
 * Takes a request's body, which is said to have `contentLength` bytes. Of one that is refused it reads on for a while, so
 * that a connection that is kept can carry the next request. `isCut` tells of a body that has ended whether its client
 * has cut it off.
 */
export function receive(
  request: Readable,
  contentLength: string | undefined,
  body: BoundedBytes,
  discardedBytes: number,
  isCut: () => boolean = () => false,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: number | undefined;
    const attempt = (take: () => void) => {
      try {
        take();
      } catch (e) {
        rest = discardedBytes;
        reject(e);
      }
    };
    const add = (chunk: Buffer) => {
      if (rest === undefined) attempt(() => body.add(chunk));
      else if ((rest -= chunk.byteLength) < 0) request.destroy();
    };
    const end = () => settle(isCut() ? brokeOff() : undefined);
    const leave = () => settle(brokeOff());
    const settle = (error?: Error) => {
      // A stream keeps its request for as long as it lasts.
      request.off("data", add).off("end", end).off("close", leave);
      if (error) reject(error);
      else resolve();
    };
    if (request.destroyed || isCut()) return leave();
    attempt(() => body.expect(Number(contentLength ?? 0)));
    request.on("data", add).on("end", end).on("close", leave).on("error", ignore);
  });
}

/** "close" follows. */
export function ignore(): void {}

/** Resolves when the client has taken what waits for it, or the response has ended; one that takes nothing is cut off. */
export async function drained(
  response: ServerResponse | ServerHttp2Stream,
  stallMs: number,
  cutOff: () => void = () => response.destroy(),
): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return; // it has taken all before anybody waited
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done).off("timeout", cutOff);
      if (!response.destroyed) response.setTimeout(0);
      resolve();
    };
    response.on("drain", done).on("close", done).on("timeout", cutOff);
    response.setTimeout(stallMs);
  });
}

/** Serves a call of an RPC that is Connect's business. */
export async function exchange(
  handler: UniversalHandlerFn,
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  stallMs: number,
): Promise<void> {
  const { status, header, body, trailer } = await handler(
    universalRequestFromNodeRequest(request, response, undefined, undefined),
  );
  const target = response as ServerResponse; // the methods used are the same
  target.writeHead(status, Object.fromEntries(header ?? []));
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    if (target.destroyed) return;
    if (!target.write(chunk)) await drained(target, stallMs);
  }
  if (trailer) target.addTrailers(Object.fromEntries(trailer));
  target.end();
  request.resume(); // what is refused before it is read leaves its client waiting to send the rest
}
