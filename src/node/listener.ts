import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { getRequestListener, type Http2Bindings, type HttpBindings } from "@hono/node-server";
import { getLogger } from "@logtape/logtape";
import type { Hono } from "hono";
import { isGrpc } from "../server/app.ts";
import type { Rpcs } from "../server/handlers.ts";
import { isPlain, isWhole, serveDirectly, serveRpc } from "./direct.ts";
import { paced, pacedResponse } from "./pace.ts";
import type { NodeRequest, NodeResponse } from "./server.ts";

const log = getLogger(["roomlog", "node"]);

/**
 * Most is the app's. RPCs need nothing of it when they are gRPC, which ends with trailers, or don't come from a browser:
 * they go to their handlers without a detour through fetch's requests and streams.
 */
export function createListener(app: Hono, { handlers, direct }: Rpcs) {
  const fetch = async (request: Request, { outgoing }: HttpBindings | Http2Bindings): Promise<Response> => {
    const response = await app.fetch(request);
    return "stream" in outgoing ? pacedResponse(response, outgoing.stream) : response;
  };
  const serveFetch = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    hostname: "localhost", // for HTTP/1.0 probes, which don't name a host
  });
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));

  const serve = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const handler = byPath.get(request.url ?? "");
    const isGrpcCall = isGrpc(request.headers["content-type"]);
    if (!handler || (isGrpcCall ? !("stream" in request) : "origin" in request.headers)) {
      await serveFetch(request, response);
      return;
    }
    if ("stream" in request) return serveHttp2(handler, request, response as Http2ServerResponse);
    const call = direct.get(request.url!);
    if (call && isWhole(request) && isPlain(request, call))
      return serveDirectly(call, request, response as ServerResponse);
    return serveRpc(handler, request, response as ServerResponse);
  };

  return (request: NodeRequest, response: NodeResponse): void => {
    void serve(request, response).catch((e: unknown) => {
      // The client left or its connection broke; the call has been logged with its own outcome. Or there is no call: the
      // request's URL is malformed.
      log.debug("response ended early", { reason: String(e) });
      if (response.headersSent || response.destroyed) return destroy(request);
      response.statusCode = 400;
      response.end();
    });
  };
}

async function serveHttp2(
  handler: UniversalHandler,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, undefined));
  const body = answer.body as AsyncIterable<Uint8Array> | undefined;
  await universalResponseToNodeResponse({ ...answer, body: body && paced(body, request.stream) }, response);
}

function destroy(request: IncomingMessage | Http2ServerRequest): void {
  if ("stream" in request) request.stream.destroy();
  else request.destroy();
}
