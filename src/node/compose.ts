import { setImmediate as nextTurn } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { getLogger } from "@logtape/logtape";
import type { News } from "../../gen/room/room_pb.ts";
import { createIdentify } from "../auth/identify.ts";
import { ProcessGate } from "../auth/process-gate.ts";
import { RevocationWatch } from "../auth/revocation-watch.ts";
import { ChangeLog } from "../chat/change-log.ts";
import { Committer } from "../chat/committer.ts";
import { Eraser } from "../chat/erasure.ts";
import { Feeds } from "../chat/feeds.ts";
import { HEAD_WATCH_MS } from "../chat/limits.ts";
import { isOfCommit } from "../chat/lists.ts";
import { MemoryBroadcaster } from "../chat/memory-broadcaster.ts";
import { SearchIndexer } from "../chat/search-indexer.ts";
import { SharedPresence } from "../chat/shared-presence.ts";
import { createApp } from "../http/app.ts";
import type { Config } from "../http/config.ts";
import { Door, isLoopbackName } from "../http/door.ts";
import { LibsqlPresence } from "../libsql/presence.ts";
import { LibsqlSearchIndex } from "../libsql/search-index.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { LibsqlUsers } from "../libsql/users.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import type { Identify } from "../rpc/invoke.ts";
import { Readiness } from "../rpc/readiness.ts";
import { createHttp1 } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { openMigrated } from "./open-migrated.ts";
import { Routes } from "./routes.ts";
import { Server } from "./server.ts";

const log = getLogger("roomlog");

/** Calls under way at a shutdown get this long, in milliseconds; then their connections are cut. */
const GRACE_MS = 8_000;

/** Deno's node:http2 ends the process after some hundred calls; test/deno/http2.test.ts tells when that is mended. */
const CARRIES_HTTP2 = !("Deno" in globalThis);

/** A running service. Disposing it drains it: streams end with UNAVAILABLE, calls under way finish, the file closes. */
export interface Running extends AsyncDisposable {
  readonly url: string;
  /** Tells how many rooms are followed. */
  readonly broadcaster: MemoryBroadcaster;
}

/**
 * Puts the parts together: database, log, rooms, handlers, and the port they are served on.
 *
 * @param identify tells who calls, in place of what the configuration says
 */
export async function serve(config: Config, identify?: Identify): Promise<Running> {
  const { host, auth, roomCreation, corsOrigins, limits } = config;
  await using started = new AsyncDisposableStack();
  const database = started.use(await openMigrated(config, (step) => log.info("migrating the database", { step })));
  const store = new LibsqlStore(database, limits);
  const users = new LibsqlUsers(database);
  const revocations = new RevocationWatch(users, limits);
  const broadcaster = new MemoryBroadcaster();
  const presence = new LibsqlPresence(database);
  const presenceBoard = started.use(new SharedPresence(presence, broadcaster));
  const feeds = new Feeds({ store, subscriber: broadcaster, presence: presenceBoard, limits });
  const changes = new ChangeLog(store, limits, HEAD_WATCH_MS);
  const indexer = started.use(
    new SearchIndexer(new LibsqlSearchIndex(database), (error) =>
      log.warn("the search index is late", { error: `${error}` }),
    ),
  );
  const publisher = {
    publish(news: News) {
      broadcaster.publish(news);
      if (!isOfCommit(news)) return;
      // Lists hear of all rooms: what is committed here is in them at once.
      feeds.lists.hear(news);
      changes.wake();
      if (news.messages.length > 0) indexer.wake();
    },
  };
  const rooms = new Committer(store, publisher, { gather: nextTurn, limits });
  started.use(new Eraser(store, rooms, (error) => log.error("deleted rooms are not erased", { error: `${error}` })));
  const readiness = new Readiness(() => store.ping());
  const shutdown = new AbortController();

  const door = new Door({ corsOrigins, isLoopback: isLoopbackName(host) });
  const endpoints = createEndpoints({
    store,
    users,
    rooms,
    feeds: () => feeds,
    changes: () => changes,
    presence,
    readiness,
    identify: identify ?? createIdentify({ auth, users, rooms: store, revocations, limits }),
    gate: new ProcessGate(revocations, limits),
    roomCreation,
    shutdownSignal: shutdown.signal,
    limits,
  });
  const routes = new Routes(door, endpoints, createApp({ door, readiness, limits }), limits);
  const server = new Server(createHttp1(routes), CARRIES_HTTP2 ? createHttp2(routes) : undefined, limits);
  const port = await server.listen(host, config.port);
  const resources = started.move();

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    broadcaster,
    async [Symbol.asyncDispose]() {
      readiness.drain();
      shutdown.abort(new ConnectError("the server is shutting down; resume from your cursors", Code.Unavailable));
      await server.close(GRACE_MS);
      await resources.disposeAsync();
    },
  };
}
