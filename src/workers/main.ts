import { env } from "cloudflare:workers";
import { createIdentify } from "../auth/identify.ts";
import { RevocationWatch } from "../auth/revocation-watch.ts";
import { type FeedParts, Feeds } from "../chat/feeds.ts";
import { createApp } from "../http/app.ts";
import { Door } from "../http/door.ts";
import { configureLogging } from "../http/logging.ts";
import { HttpDatabase } from "../libsql/remote/http-database.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { LibsqlUsers } from "../libsql/users.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { Readiness } from "../rpc/readiness.ts";
import { DatabaseStubs } from "./database-stubs.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectGate } from "./object-gate.ts";
import { ObjectRoomHost } from "./object-room-host.ts";
import { SocketSubscriber } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

export { DatabaseObject } from "./database-object.ts";
export { RoomObject } from "./room-object.ts";
export { UserObject } from "./user-object.ts";

/**
 * A stream ends after this time, in milliseconds, and its client resumes. The platform doesn't report every client that
 * leaves, and this bounds how long one can be missed.
 */
const STREAM_MAX_AGE_MS = 5 * 60_000;

/** Sockets are pinged, so that what they carry is seldom lost; how often a stream looks all the same, in milliseconds. */
const WATCH_MS = 60_000;

const config = workerConfig(env);
configureLogging(config.logLevel);

const { auth, roomCreation, limits, corsOrigins, databaseUrl, databaseAuthToken } = config;
const databases = new DatabaseStubs(env.DATABASES, config);
const server =
  databaseUrl === undefined
    ? undefined
    : new HttpDatabase(databaseUrl, databaseAuthToken, limits.databaseMs, limits.databaseReads);
const database = new ObjectDatabase(databases, limits, server);
const store = new LibsqlStore(database, limits);
const users = new LibsqlUsers(database);
const revocations = new RevocationWatch(users, limits);
const watched = new LibsqlStore(new ObjectDatabase(databases, limits), limits);
const feedStore: FeedParts["store"] = {
  readLogs: (places, size) => store.readLogs(places, size),
  changedRooms: (after, among) => watched.changedRooms(after, among),
};
const readiness = new Readiness(() => store.ping());
const endpoints = createEndpoints({
  store,
  users,
  rooms: new ObjectRoomHost(env.ROOMS, limits),
  // A socket belongs to the request that opened it, and so do feeds.
  feeds: () => new Feeds({ store: feedStore, subscriber: new SocketSubscriber(env.ROOMS), limits, watchMs: WATCH_MS }),
  readiness,
  identify: createIdentify({ auth, users, rooms: store, revocations, limits }),
  gate: new ObjectGate(env.USERS, limits, server && revocations),
  roomCreation,
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
