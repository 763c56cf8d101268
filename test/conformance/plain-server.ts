import { once } from "node:events";
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ConformanceService, registry } from "./descriptors.ts";
import { conformanceService } from "./service.ts";
import { HOST, startForSuite } from "./suite-server.ts";

/** The suite's number of HTTP/2. */
const HTTP_VERSION_2 = 2;

// What Connect's adapter makes of the suite, without anything of Roomlog's: the measure for Roomlog's own server.
await startForSuite(async ({ httpVersion, messageReceiveLimit }) => {
  const listener = connectNodeAdapter({
    routes: (router) => router.service(ConformanceService, conformanceService),
    jsonOptions: { registry },
    ...(messageReceiveLimit > 0 && { readMaxBytes: messageReceiveLimit }),
  });
  const server = httpVersion === HTTP_VERSION_2 ? createHttp2Server(listener) : createHttp1Server(listener);
  await once(server.listen(0, HOST), "listening");
  return (server.address() as AddressInfo).port;
});
