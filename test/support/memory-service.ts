import { setImmediate as nextTurn } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { trust } from "../../src/auth/trust.ts";
import { Committer } from "../../src/chat/committer.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { createApp } from "../../src/http/app.ts";
import { parseConfig } from "../../src/http/config.ts";
import { Door } from "../../src/http/door.ts";
import { createHttp1 } from "../../src/node/http1.ts";
import { createHttp2 } from "../../src/node/http2.ts";
import { Routes } from "../../src/node/routes.ts";
import { Server } from "../../src/node/server.ts";
import { createEndpoints } from "../../src/rpc/endpoints.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { MemoryUsers } from "./memory-users.ts";
import { openGate } from "./open-gate.ts";

/** The Node service on a store that others may have as well, as src/node/compose.ts puts it together on a database. */
export async function serveStore(store: ChatStore, env: Readonly<Record<string, string>> = {}) {
  const { host, limits, corsOrigins } = parseConfig({ PORT: "0", DATABASE_URL: "file:none.db", ...env });
  const users = new MemoryUsers();
  const broadcaster = new MemoryBroadcaster();
  const feeds = new Feeds({ store, subscriber: broadcaster, limits });
  const readiness = new Readiness(() => store.ping());
  const shutdown = new AbortController();
  const door = new Door({ corsOrigins, isLoopback: true });
  const endpoints = createEndpoints({
    store,
    rooms: new Committer(store, broadcaster, { gather: nextTurn, limits }),
    feeds: () => feeds,
    readiness,
    identify: trust,
    users,
    gate: openGate,
    roomCreation: "users",
    shutdownSignal: shutdown.signal,
    limits,
  });
  const routes = new Routes(door, endpoints, createApp({ door, readiness, limits }), limits);
  const server = new Server(createHttp1(routes), createHttp2(routes), limits);
  const port = await server.listen(host, 0);
  return {
    url: `http://127.0.0.1:${port}`,
    feeds,
    async [Symbol.asyncDispose]() {
      shutdown.abort(new ConnectError("over"));
      await server.close(1_000);
    },
  };
}
