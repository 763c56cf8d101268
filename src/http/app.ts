import { getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Limits } from "../chat/limits.ts";
import { type Endpoints, unknownPath } from "../rpc/endpoints.ts";
import type { Readiness } from "../rpc/readiness.ts";
import { type Door, isRefusal } from "./door.ts";
import { fetchRpc, type Pipe } from "./fetch-rpc.ts";

const log = getLogger(["roomlog", "http"]);

export interface AppParts {
  readonly door: Door;
  readonly readiness: Readiness;
  readonly limits: Limits;
  /** RPCs, where they come as web-standard requests too. */
  readonly endpoints?: Endpoints;
  /** What the bytes of a stream go through, where the runtime has something quicker than a TransformStream. */
  readonly pipe?: Pipe;
}

/** What is no RPC is not to load, embed or tell anything, should a browser show it. TLS is up to what is in front. */
const pageHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
  referrerPolicy: "no-referrer",
  xContentTypeOptions: true,
  xFrameOptions: "DENY",
  strictTransportSecurity: false,
});

/** The server on web-standard requests: probes, and what else has a path. */
export function createApp({ door, readiness, limits, endpoints, pipe }: AppParts): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host; // HTTP/2 names it in the URL
    const admission = door.admit({ method: c.req.method, host, origin: c.req.header("origin") });
    if (isRefusal(admission)) return new Response(admission.body || null, admission);
    await next();
    for (const [name, value] of Object.entries(admission.headers)) c.header(name, value);
  });

  // By the literal path alone: a guard in front of the server reads no other.
  app.all("*", async (c, next) => {
    const endpoint = endpoints?.get(new URL(c.req.url).pathname);
    return endpoint ? fetchRpc(endpoint, c.req.raw, limits, pipe) : next();
  });

  app.use(pageHeaders);
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => ((await readiness.isReady()) ? c.text("ready\n") : c.text("not ready\n", 503)));

  app.onError((e, c) => {
    log.error("a request failed", { path: c.req.path, error: e.stack });
    return c.text("internal error\n", 500);
  });
  app.notFound((c) => {
    const { body, ...init } = unknownPath(c.req.path, c.req.header("content-type"));
    return new Response(body || null, init);
  });
  return app;
}
