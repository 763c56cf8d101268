import { setImmediate as nextTurn } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { createIdentify } from "../../src/auth/identify.ts";
import { RevocationWatch } from "../../src/auth/revocation-watch.ts";
import { ChangeLog } from "../../src/chat/change-log.ts";
import { Committer } from "../../src/chat/committer.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { HEAD_WATCH_MS } from "../../src/chat/limits.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { SharedPresence } from "../../src/chat/shared-presence.ts";
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
import { MemoryPresence } from "./memory-presence.ts";
import { MemoryUsers } from "./memory-users.ts";
import { openGate } from "./open-gate.ts";

/** The Node service on a store that others may have as well, as src/node/compose.ts puts it together on a database. */
export async function serveStore(store: ChatStore, env: Readonly<Record<string, string>> = {}) {
  const { host, auth, limits, corsOrigins } = parseConfig({ PORT: "0", DATABASE_URL: "file:none.db", ...env });
  const users = new MemoryUsers();
  const broadcaster = new MemoryBroadcaster();
  const presences = new MemoryPresence();
  const presence = new SharedPresence(presences, broadcaster);
  const feeds = new Feeds({ store, subscriber: broadcaster, presence, limits });
  const readiness = new Readiness(() => store.ping());
  const shutdown = new AbortController();
  const door = new Door({ corsOrigins, isLoopback: true });
  const endpoints = createEndpoints({
    store,
    rooms: new Committer(store, broadcaster, { gather: nextTurn, limits }),
    feeds: () => feeds,
    presence: presences,
    changes: () => new ChangeLog(store, limits, HEAD_WATCH_MS),
    readiness,
    identify: createIdentify({ auth, users, rooms: store, revocations: new RevocationWatch(users, limits), limits }),
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
      await presence[Symbol.asyncDispose]();
    },
  };
}
