import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type GetRoomsRes, GetRoomsResSchema } from "../../../gen/chat_pb.ts";
import type { RoomNames } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { summaries, toSummary } from "./room-summary.ts";
import { SUMMARY_BYTES } from "./texts.ts";

export function roomsStatements(userId: bigint, rooms: RoomNames, byRight: RoomNames, bytes: number): InStatement[] {
  const names = [rooms, byRight].flatMap(({ ids, keys }) => [`[${ids}]`, JSON.stringify(keys)]);
  return ["SELECT epoch FROM log_state", { sql: ROOMS, args: [userId, ...names, BigInt(bytes)] }];
}

export function foundRooms([states, rows]: readonly Rows[]): GetRoomsRes {
  return create(GetRoomsResSchema, {
    rooms: rows!.map((row) => toSummary(row, states![0]!.epoch as string)),
    hasMore: rows!.length < Number(rows![0]?.total ?? 0),
  });
}

/** The rooms that a list of keys names; with room 0 for a key that none has, so that a stranger causes the same work. */
const KEYED = (keys: string) => `SELECT coalesce((SELECT room_id FROM room_records WHERE key = value), 0) AS room_id
  FROM json_each(${keys})`;

/** Those of user ?1 among the rooms with ids ?2 and keys ?3, and the rooms with ids ?4 and keys ?5. */
const NAMED = `
  SELECT members.room_id FROM (SELECT value AS room_id FROM json_each(?2) UNION ${KEYED("?3")}) AS named
  JOIN members ON members.room_id = named.room_id AND members.user_id = ?1 AND removed_at IS NULL
  UNION SELECT value FROM json_each(?4) UNION ${KEYED("?5")}`;

/** Those that exist, as many as fit into ?6 bytes of texts, each with the number of all. */
const FITTING = `
  SELECT room_id, total FROM (
    SELECT named.room_id, sum(${SUMMARY_BYTES}) OVER places AS bytes, row_number() OVER places AS nth,
      count(*) OVER () AS total
    FROM (${NAMED}) AS named
    JOIN rooms ON rooms.id = named.room_id
    JOIN room_records ON room_records.room_id = rooms.id
    LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = rooms.last_message_id
    WINDOW places AS (ORDER BY rooms.id)
  ) AS fitting WHERE bytes <= CAST(?6 AS INTEGER) OR nth = 1`;

const ROOMS = `${summaries(FITTING, "?1", ["total"])} ORDER BY rooms.id`;
