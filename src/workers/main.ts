import { env } from "cloudflare:workers";
import { trust } from "../auth/trust.ts";
import { type FeedParts, Feeds } from "../chat/feeds.ts";
import { createApp } from "../http/app.ts";
import { Door } from "../http/door.ts";
import { configureLogging } from "../http/logging.ts";
import { HttpDatabase } from "../libsql/remote/http-database.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { Readiness } from "../rpc/readiness.ts";
import { DatabaseStubs } from "./database-stubs.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectRoomHost } from "./object-room-host.ts";
import { SocketSubscriber } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

export { DatabaseObject } from "./database-object.ts";
export { RoomObject } from "./room-object.ts";

/**
 * A stream ends after this time, in milliseconds, and its client resumes. The platform doesn't report every client that
 * leaves, and this bounds how long one can be missed.
 */
const STREAM_MAX_AGE_MS = 5 * 60_000;

/** Sockets are pinged, so that what they carry is seldom lost; how often a stream looks all the same, in milliseconds. */
const WATCH_MS = 60_000;

const config = workerConfig(env);
configureLogging(config.logLevel);

const { limits, corsOrigins, databaseUrl, databaseAuthToken } = config;
const databases = new DatabaseStubs(env.DATABASES, config);
const server =
  databaseUrl === undefined
    ? undefined
    : new HttpDatabase(databaseUrl, databaseAuthToken, limits.databaseMs, limits.databaseReads);
const store = new LibsqlStore(new ObjectDatabase(databases, limits, server), limits);
const watched = new LibsqlStore(new ObjectDatabase(databases, limits), limits);
const feedStore: FeedParts["store"] = {
  readLogs: (places, size) => store.readLogs(places, size),
  changedRooms: (after, among) => watched.changedRooms(after, among),
};
const readiness = new Readiness(() => store.ping());
const endpoints = createEndpoints({
  store,
  rooms: new ObjectRoomHost(env.ROOMS, limits),
  // A socket belongs to the request that opened it, and so do feeds.
  feeds: () => new Feeds({ store: feedStore, subscriber: new SocketSubscriber(env.ROOMS), limits, watchMs: WATCH_MS }),
  readiness,
  identify: trust,
  streamMaxAgeMs: STREAM_MAX_AGE_MS,
  limits,
});

export default createApp({
  door: new Door({ corsOrigins, isLoopback: false }),
  readiness,
  limits,
  endpoints,
  pipe: () => new IdentityTransformStream(),
});
