import { create } from "@bufbuild/protobuf";
import { type UserPresence, UserPresenceSchema } from "../../gen/chat_pb.ts";
import {
  type Arrival,
  type ChangedPresence,
  type ListedPresence,
  type Place,
  PRESENCE_LEASE_MS,
  PRESENT_USERS,
  type PresenceProcess,
  type PresenceStore,
} from "../chat/presence.ts";
import type { Database, Rows } from "./database.ts";
import { toTimestamp } from "./schema/rows.ts";

/** Rooms of which one answer of changed() tells. */
const CHANGED_ROOMS = 5_000;
/** What one call of sweep() takes away. */
const SWEPT_ROWS = 1_000;

/** Who is here, in the tables of the database, by whose clock the time of a process is over. */
export class LibsqlPresence implements PresenceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put({ id, isNew }: PresenceProcess, come: readonly Arrival[], gone: readonly Place[]): Promise<boolean> {
    const changed = [...come, ...gone];
    const [[known]] = (await this.#database.write([
      { sql: isNew ? BEGIN : GO_ON, args: [id, BigInt(PRESENCE_LEASE_MS)] },
      ...(changed.length > 0 ? [{ sql: `${NEXT_REVISION} WHERE ${IS_KNOWN}`, args: [id] }] : []),
      ...(come.length > 0 ? [{ sql: COME, args: [id, listOf(come)] }] : []),
      ...(gone.length > 0 ? [GO, SEE_GONE].map((sql) => ({ sql, args: [id, listOf(gone)] })) : []),
      ...(changed.length > 0 ? [{ sql: TOUCH, args: [id, listOf(changed)] }] : []),
    ])) as [Rows];
    return known !== undefined;
  }

  async here(roomIds: readonly bigint[]) {
    const [rows] = await this.#database.read([{ sql: HERE, args: [`[${roomIds}]`] }]);
    return rows!.map((row) => ({
      roomId: row.room_id as bigint,
      memberSeq: row.member_seq as bigint,
      userIds: (JSON.parse(row.user_ids as string) as string[]).map(BigInt),
      count: Number(row.count),
    }));
  }

  async changed(after: bigint | undefined): Promise<ChangedPresence> {
    const [states, gone, rooms] = await this.#database.read([
      "SELECT presence_revision FROM log_state",
      `SELECT id FROM presence_processes WHERE alive_until <= ${NOW} LIMIT 100`,
      ...(after === undefined ? [] : [{ sql: CHANGED, args: [after, BigInt(CHANGED_ROOMS + 1)] }]),
    ]);
    const isTold = rooms !== undefined && rooms.length <= CHANGED_ROOMS;
    return {
      revision: states![0]!.presence_revision as bigint,
      roomIds: isTold ? rooms.map(({ id }) => id as bigint) : undefined,
      gone: gone!.map(({ id }) => id as bigint),
    };
  }

  async sweep(): Promise<void> {
    const [gone] = await this.#database.read([`SELECT 1 FROM presence_processes WHERE alive_until <= ${NOW} LIMIT 1`]);
    if (gone!.length > 0) await this.#database.write([NEXT_REVISION, TOUCH_GONE, SEEN_GONE, SWEEP, FORGET]);
  }

  async list(roomId: bigint, userIds: readonly bigint[]): Promise<ListedPresence> {
    const [[here], known] = await Promise.all([this.here([roomId]), this.known(roomId, userIds)]);
    const users = here?.userIds.map((userId) => create(UserPresenceSchema, { userId, isHere: true })) ?? [];
    return { users: userIds.length > 0 ? known : users, count: here?.count ?? 0 };
  }

  /** What is known of the members among users. */
  async known(roomId: bigint, userIds: readonly bigint[]): Promise<UserPresence[]> {
    if (userIds.length === 0) return [];
    const [rows] = await this.#database.read([{ sql: KNOWN, args: [roomId, `[${userIds}]`] }]);
    return rows!.map((row) => {
      const isHere = Number(row.is_here) > 0;
      const lastSeenAt = isHere || row.last_seen_at === null ? undefined : toTimestamp(row.last_seen_at);
      return create(UserPresenceSchema, { userId: row.user_id as bigint, isHere, ...(lastSeenAt && { lastSeenAt }) });
    });
  }

  /** Keeps that users have gone just now. */
  async seen(places: readonly Place[]): Promise<void> {
    await this.#database.write([{ sql: SEEN("?1"), args: [listOf(places)] }]);
  }
}

function listOf(places: readonly (Place & Partial<Arrival>)[]): string {
  return `[${places.map(({ roomId, userId, cameAt = 0 }) => `[${roomId},${userId},${cameAt}]`)}]`;
}

const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

const BEGIN = `INSERT INTO presence_processes (id, alive_until) VALUES (?1, ${NOW} + ?2)
  ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until RETURNING id`;

const GO_ON = `UPDATE presence_processes SET alive_until = ${NOW} + ?2 WHERE id = ?1 AND alive_until > ${NOW} RETURNING id`;

/** Whether a process counts. */
const IS_ALIVE = (process: string) => `EXISTS (
    SELECT 1 FROM presence_processes WHERE id = ${process} AND alive_until > ${NOW}
  )`;

/** Whether process ?1 counts, without which it changes nothing. */
const IS_KNOWN = IS_ALIVE("?1");

const NEXT_REVISION = "UPDATE log_state SET presence_revision = presence_revision + 1";

const COME = `INSERT INTO presence (room_id, user_id, process, came_at)
  SELECT value ->> 0, value ->> 1, ?1, value ->> 2 FROM json_each(?2) WHERE ${IS_KNOWN}
  ON CONFLICT DO NOTHING`;

const GO = `DELETE FROM presence
  WHERE (room_id, user_id, process) IN (SELECT value ->> 0, value ->> 1, ?1 FROM json_each(?2)) AND ${IS_KNOWN}`;

/** Who isn't here by another process. */
const IS_AWAY = (process: string) => `NOT EXISTS (
    SELECT 1 FROM presence WHERE room_id = members.room_id AND user_id = members.user_id AND process <> ${process}
      AND ${IS_ALIVE("process")}
  )`;

const SEEN = (places: string) => `UPDATE members SET last_seen_at = ${NOW}
  WHERE (room_id, user_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${places})) AND ${IS_AWAY("0")}`;

const SEE_GONE = `${SEEN("?2")} AND ${IS_KNOWN}`;

const TOUCH_ROOMS = (rooms: string) => `UPDATE rooms SET presence_revision = (SELECT presence_revision FROM log_state)
  WHERE id IN (${rooms})`;

const TOUCH = `${TOUCH_ROOMS("SELECT value ->> 0 FROM json_each(?2)")} AND ${IS_KNOWN}`;

/** The process that has been gone for longest, and the first of what it has left. */
const GONE = `(SELECT id FROM presence_processes WHERE alive_until <= ${NOW} ORDER BY alive_until, id LIMIT 1)`;
const LEFT = (columns: string) => `SELECT ${columns} FROM (
    SELECT room_id, user_id, process FROM presence WHERE process = ${GONE} ORDER BY room_id, user_id LIMIT ${SWEPT_ROWS}
  )`;

const TOUCH_GONE = TOUCH_ROOMS(LEFT("room_id"));

const SEEN_GONE = `UPDATE members SET last_seen_at = max(
    coalesce(last_seen_at, 0), (SELECT alive_until - ${PRESENCE_LEASE_MS} FROM presence_processes WHERE id = ${GONE})
  ) WHERE (room_id, user_id) IN (${LEFT("room_id, user_id")}) AND ${IS_AWAY(GONE)}`;

const SWEEP = `DELETE FROM presence WHERE (room_id, user_id, process) IN (${LEFT("room_id, user_id, process")})`;

const FORGET = `DELETE FROM presence_processes
  WHERE id = ${GONE} AND NOT EXISTS (SELECT 1 FROM presence WHERE process = presence_processes.id)`;

const PRESENT = `FROM presence WHERE room_id = rooms.id AND ${IS_ALIVE("process")}`;

/** Ids as texts, since they may be greater than numbers in JSON. */
const HERE = `SELECT rooms.id AS room_id, member_seq,
    (SELECT count(DISTINCT user_id) ${PRESENT}) AS count,
    (SELECT json_group_array(CAST(user_id AS TEXT)) FROM (
      SELECT user_id ${PRESENT} GROUP BY user_id ORDER BY min(came_at), user_id LIMIT ${PRESENT_USERS}
    )) AS user_ids
  FROM json_each(?1) AS asked CROSS JOIN rooms ON rooms.id = asked.value`;

const CHANGED = `SELECT id FROM rooms WHERE presence_revision > 0 AND presence_revision > ?1 LIMIT ?2`;

const KNOWN = `SELECT user_id, last_seen_at, EXISTS (
    SELECT 1 FROM presence
    WHERE presence.room_id = members.room_id AND presence.user_id = members.user_id AND ${IS_ALIVE("process")}
  ) AS is_here
  FROM json_each(?2) AS asked CROSS JOIN members ON user_id = asked.value
  WHERE room_id = ?1 AND removed_at IS NULL`;
