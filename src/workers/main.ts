import { env } from "cloudflare:workers";
import { createIdentify } from "../auth/identify.ts";
import { RevocationWatch } from "../auth/revocation-watch.ts";
import { ChangeLog } from "../chat/change-log.ts";
import { type FeedParts, Feeds } from "../chat/feeds.ts";
import { createApp } from "../http/app.ts";
import { Door } from "../http/door.ts";
import { configureLogging } from "../http/logging.ts";
import { LibsqlPresence } from "../libsql/presence.ts";
import { HttpDatabase } from "../libsql/remote/http-database.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { LibsqlUsers } from "../libsql/users.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { Readiness } from "../rpc/readiness.ts";
import { DatabaseStubs } from "./database-stubs.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectGate } from "./object-gate.ts";
import { ObjectPresence } from "./object-presence.ts";
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
/**
 * How late a list may be of rooms that its stream doesn't name, in milliseconds. Each time it costs one request to the object
 * of the database, which reads the row with the newest revision; only if that has moved, a second one that reads two rows for
 * each of the user's rooms. For a stream that stays open these are 172,800 requests a month, which are 0.026 USD.
 */
const LIST_WATCH_MS = 15_000;

/**
 * How often a stream of everything looks for changes, in milliseconds, of which nobody tells it: each look is one request to
 * the database, or its object, which so many of them keep awake. A product has few such streams.
 */
const ALL_WATCH_MS = 1_000;

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
  changedLists: (places, size) => store.changedLists(places, size),
};
const readiness = new Readiness(() => store.ping());
const endpoints = createEndpoints({
  store,
  users,
  rooms: new ObjectRoomHost(env.ROOMS, limits),
  // A socket belongs to the request that opened it, and so do feeds.
  feeds: () => {
    const subscriber = new SocketSubscriber(env.ROOMS);
    const each = { store: feedStore, subscriber, presence: subscriber, limits };
    return new Feeds({ ...each, watchMs: WATCH_MS, listWatchMs: LIST_WATCH_MS });
  },
  presence: new ObjectPresence(env.ROOMS, new LibsqlPresence(database), limits),
  changes: () => new ChangeLog(store, limits, ALL_WATCH_MS),
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
