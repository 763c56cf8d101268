import { env } from "cloudflare:workers";
import { RemoteDatabase } from "../libsql/remote.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { createApp } from "../server/app.ts";
import { createRpcs } from "../server/handlers.ts";
import { configureLogging } from "../server/logging.ts";
import { Readiness } from "../server/readiness.ts";
import { ObjectRoomHost } from "./object-room-host.ts";
import { SocketSubscriber } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

export { RoomObject } from "./room-object.ts";

/**
 * A stream ends after this time, in milliseconds, and its client resumes. The platform doesn't report every client that
 * leaves, and this bounds how long one can be missed.
 */
const STREAM_MAX_AGE_MS = 5 * 60_000;

const config = workerConfig(env);
configureLogging(config.logLevel);

const store = new LibsqlStore(new RemoteDatabase(config.databaseUrl, config.databaseAuthToken));
const readiness = new Readiness(() => store.ping());
const { handlers } = createRpcs({
  store,
  rooms: new ObjectRoomHost(env.ROOMS),
  subscriber: new SocketSubscriber(env.ROOMS),
  readiness,
  streamMaxAgeMs: STREAM_MAX_AGE_MS,
});

export default createApp({ handlers, readiness, corsOrigins: config.corsOrigins });
