import type { InStatement } from "@libsql/client";
import type { RoomSummary } from "../../../gen/chat_pb.ts";
import type { RoomNames } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { summaries, toSummary } from "./room-summary.ts";

export function roomsStatements(userId: bigint, rooms: RoomNames, byRight: RoomNames): InStatement[] {
  const names = [rooms, byRight].flatMap(({ ids, keys }) => [`[${ids}]`, JSON.stringify(keys)]);
  return ["SELECT epoch FROM log_state", { sql: ROOMS, args: [userId, ...names] }];
}

export function toSummaries([states, rows]: readonly Rows[]): RoomSummary[] {
  return rows!.map((row) => toSummary(row, states![0]!.epoch as string));
}

/** The rooms that a list of keys names; with room 0 for a key that none has, so that a stranger causes the same work. */
const KEYED = (keys: string) => `SELECT coalesce((SELECT room_id FROM room_records WHERE key = value), 0) AS room_id
  FROM json_each(${keys})`;

/** Those of user ?1 among the rooms with ids ?2 and keys ?3, and the rooms with ids ?4 and keys ?5. */
const NAMED = `
  SELECT members.room_id FROM (SELECT value AS room_id FROM json_each(?2) UNION ${KEYED("?3")}) AS named
  JOIN members ON members.room_id = named.room_id AND members.user_id = ?1 AND removed_at IS NULL
  UNION SELECT value FROM json_each(?4) UNION ${KEYED("?5")}`;

const ROOMS = `${summaries(NAMED, "?1")} WHERE rooms.id IS NOT NULL ORDER BY rooms.id`;
