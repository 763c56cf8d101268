import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { Limits } from "../chat/limits.ts";
import type { Door } from "../http/door.ts";
import type { Endpoints } from "../rpc/endpoints.ts";

/** Where requests go, whichever version of HTTP they come by: to an RPC by its literal path, else to the app. */
export class Routes {
  readonly door: Door;
  readonly endpoints: Endpoints;
  readonly limits: Limits;
  readonly serveApp: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => Promise<void>;

  constructor(door: Door, endpoints: Endpoints, app: Hono, limits: Limits) {
    this.door = door;
    this.endpoints = endpoints;
    this.limits = limits;
    this.serveApp = getRequestListener(app.fetch, {
      overrideGlobalObjects: false,
      hostname: "localhost", // for HTTP/1.0 probes, which don't name a host
    });
  }
}

/** A request's path, and what follows from "?" on. */
export function splitUrl(url: string): [path: string, query: string] {
  const end = url.indexOf("?");
  return end < 0 ? [url, ""] : [url.slice(0, end), url.slice(end)];
}
