import { setImmediate as nextTurn } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { Committer } from "../chat/committer.ts";
import { MemoryBroadcaster } from "../chat/memory-broadcaster.ts";
import type { Database } from "../libsql/database.ts";
import { migrate } from "../libsql/migrations.ts";
import { openDatabase } from "../libsql/open.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { createApp } from "../server/app.ts";
import type { Config } from "../server/config.ts";
import { createRpcs } from "../server/handlers.ts";
import { Readiness } from "../server/readiness.ts";
import { createListener } from "./listener.ts";
import { Server } from "./server.ts";

/** Calls under way at a shutdown get this long, in milliseconds; then their connections are cut. */
const GRACE_MS = 8_000;

/** A running service. Disposing it drains it: streams end with UNAVAILABLE, calls under way finish, the file closes. */
export interface Running extends AsyncDisposable {
  readonly url: string;
  /** Tells how many rooms are followed. */
  readonly broadcaster: MemoryBroadcaster;
}

/** Puts the parts together: database, log, rooms, handlers, and the port they are served on. */
export async function serve(config: Config): Promise<Running> {
  await using started = new AsyncDisposableStack();
  const database = started.use(await openMigrated(config));
  const store = new LibsqlStore(database);
  const broadcaster = new MemoryBroadcaster();
  const rooms = new Committer(store, broadcaster, nextTurn);
  const readiness = new Readiness(() => store.ping());
  const shutdown = new AbortController();

  const rpcs = createRpcs({ store, rooms, subscriber: broadcaster, readiness, shutdownSignal: shutdown.signal });
  const app = createApp({ handlers: rpcs.handlers, readiness, corsOrigins: config.corsOrigins });
  const server = new Server(createListener(app, rpcs));
  const port = await server.listen(config.host, config.port);
  const resources = started.move();

  return {
    url: `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`,
    broadcaster,
    async [Symbol.asyncDispose]() {
      readiness.drain();
      shutdown.abort(new ConnectError("the server is shutting down; resume from your cursors", Code.Unavailable));
      await server.close(GRACE_MS);
      await resources.disposeAsync();
    },
  };
}

async function openMigrated({ databaseUrl, databaseAuthToken }: Config): Promise<Database> {
  try {
    await using opened = new AsyncDisposableStack();
    const database = opened.use(await openDatabase(databaseUrl, databaseAuthToken));
    await migrate(database);
    opened.move();
    return database;
  } catch (e) {
    throw new Error(`the database ${databaseUrl.replace(/\?.*/, "")} can't be opened: ${rootCause(e)}`, { cause: e });
  }
}

function rootCause(e: unknown): unknown {
  if (!(e instanceof Error)) return e;
  return e.cause === undefined ? e.message : rootCause(e.cause);
}
