import { cors as connectCors } from "@connectrpc/connect";
import {
  type UniversalHandler,
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Readiness } from "./readiness.ts";

export interface AppParts {
  readonly handlers: readonly UniversalHandler[];
  readonly readiness: Readiness;
  readonly corsOrigins: readonly string[];
}

/** The server on web-standard requests: Connect and gRPC-Web, and plain routes for probes. */
export function createApp({ handlers, readiness, corsOrigins }: AppParts): Hono {
  const app = new Hono();
  app.use(
    cors({
      origin: corsOrigins.includes("*") ? "*" : [...corsOrigins],
      allowMethods: [...connectCors.allowedMethods],
      allowHeaders: [...connectCors.allowedHeaders, "Authorization", "X-Request-Id"],
      exposeHeaders: [...connectCors.exposedHeaders, "X-Request-Id"],
      maxAge: 2 * 60 * 60,
    }),
  );

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => ((await readiness.isReady()) ? c.text("ready\n") : c.text("not ready\n", 503)));

  for (const handler of handlers) {
    app.all(handler.requestPath, async (c) => {
      if (isGrpc(c.req.header("content-type"))) return grpcRefused();
      return universalServerResponseToFetch(await handler(universalServerRequestFromFetch(c.req.raw, {})));
    });
  }
  app.notFound((c) => {
    const message = `nothing at ${c.req.path}; RPCs are at POST /chat_grpc.ChatService/<Method>`;
    return c.json({ code: "unimplemented", message }, 404);
  });
  return app;
}

export function isGrpc(contentType: string | undefined): boolean {
  return /^application\/grpc(?!-web)/i.test(contentType ?? "");
}

/**
 * fetch responses have no trailers, and a gRPC call without them looks failed although it was carried out. Without
 * them, 404 is what gRPC clients take for UNIMPLEMENTED.
 */
function grpcRefused(): Response {
  const message = "gRPC needs HTTP/2 and trailers, which this endpoint can't carry; use Connect or gRPC-Web";
  const headers = { "content-type": "application/grpc", "grpc-status": "12", "grpc-message": message };
  return new Response(null, { status: 404, headers });
}
