import { Code, ConnectError } from "@connectrpc/connect";
import { Committer } from "../chat/committer.ts";
import { MemoryBroadcaster } from "../chat/memory-broadcaster.ts";
import { migrate } from "../libsql/migrations.ts";
import { openDatabase } from "../libsql/open.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { createApp } from "../server/app.ts";
import type { Config } from "../server/config.ts";
import { createHandlers } from "../server/handlers.ts";
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
  const database = started.use(await openDatabase(config.databaseUrl, config.databaseAuthToken));
  await migrate(database);

  const store = new LibsqlStore(database);
  const broadcaster = new MemoryBroadcaster();
  const rooms = new Committer(store, broadcaster);
  const readiness = new Readiness(() => store.ping());
  const shutdown = new AbortController();

  const handlers = createHandlers({ store, rooms, subscriber: broadcaster, readiness, shutdownSignal: shutdown.signal });
  const app = createApp({ handlers, readiness, corsOrigins: config.corsOrigins });
  const server = new Server(createListener(app, handlers));
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
