import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { getRequestListener } from "@hono/node-server";
import { getLogger } from "@logtape/logtape";
import type { Hono } from "hono";
import { isGrpc } from "../server/app.ts";
import type { NodeRequest, NodeResponse } from "./server.ts";

const log = getLogger(["roomlog", "node"]);

/** Native gRPC goes straight to its handler, since it ends with trailers; everything else is the app's. */
export function createListener(app: Hono, handlers: readonly UniversalHandler[]) {
  const serveFetch = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (request: NodeRequest, response: NodeResponse): void => {
    const handler = isGrpc(request.headers["content-type"]) && byPath.get(request.url ?? "");
    if (handler && "stream" in request) void serveGrpc(handler, request, response as Http2ServerResponse);
    else void serveFetch(request, response);
  };
}

async function serveGrpc(
  handler: UniversalHandler,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  try {
    const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
    await universalResponseToNodeResponse(await handler(universal), response);
  } catch (e) {
    // The client left or its connection broke; the call has been logged with its own outcome.
    log.debug("response ended early", { reason: String(e) });
    request.stream.destroy();
  }
}
