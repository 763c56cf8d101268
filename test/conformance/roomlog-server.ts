import { createConnectRouter } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { LIMITS } from "../../src/chat/limits.ts";
import { createApp } from "../../src/http/app.ts";
import { Door } from "../../src/http/door.ts";
import { createHttp1 } from "../../src/node/http1.ts";
import { createHttp2 } from "../../src/node/http2.ts";
import { Routes } from "../../src/node/routes.ts";
import { Server } from "../../src/node/server.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { ConformanceService, registry } from "./descriptors.ts";
import { conformanceService } from "./service.ts";
import { HOST, startForSuite } from "./suite-server.ts";

// Roomlog's port and its two versions of HTTP, with the suite's service in place of the chat. It needs headers and
// trailers of its own, and streams in both directions, so it is served as exchanges are, through Connect; the codec's
// answers are compared with Connect's in test/rpc.
await startForSuite(async ({ messageReceiveLimit }) => {
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    jsonOptions: { registry },
    ...(messageReceiveLimit > 0 && { readMaxBytes: messageReceiveLimit }),
  });
  router.service(ConformanceService, conformanceService);
  const endpoints = new Map(router.handlers.map((handler) => [handler.requestPath, { handler }]));
  const door = new Door({ corsOrigins: ["*"], isLoopback: true });
  const app = createApp({ door, readiness: new Readiness(async () => {}), limits: LIMITS });
  const routes = new Routes(door, endpoints, app, LIMITS);
  return new Server(createHttp1(routes), createHttp2(routes), LIMITS).listen(HOST, 0);
});
