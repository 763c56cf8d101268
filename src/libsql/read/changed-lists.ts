import type { InStatement } from "@libsql/client";
import type { ListedRooms, ListPage, ListPlace } from "../../chat/list-page.ts";
import type { PageSize } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { summaries, toSummary } from "./room-summary.ts";
import { SUMMARY_BYTES } from "./texts.ts";

export function changedListsStatements(places: readonly ListPlace[], { changes, bytes }: PageSize): InStatement[] {
  const asked = `[${places.map(({ userId, after }) => `[${userId},${after}]`)}]`;
  return ["SELECT epoch, revision FROM log_head", { sql: LIST_PAGES, args: [asked, BigInt(changes), BigInt(bytes)] }];
}

/** A page for each place, in their order. */
export function toListPages(places: readonly ListPlace[], [state, rows]: readonly Rows[]): ListPage[] {
  const epoch = state![0]!.epoch as string;
  const rowsOf = Map.groupBy(rows!, ({ place }) => Number(place));
  return places.map((_, place) => {
    const own = rowsOf.get(place) ?? [];
    const last = own.at(-1);
    const isWhole = own.length === Number(last?.changes ?? 0);
    const [left, rooms] = [true, false].map((isLeft) => own.filter((row) => Boolean(Number(row.is_left)) === isLeft));
    return {
      epoch,
      revision: (isWhole ? state![0]!.revision : last!.at) as bigint,
      rooms: rooms!.map((row) => toSummary(row, epoch)),
      left: left!.map((row) => row.list_room_id as bigint),
      isWhole,
    };
  });
}

export function listedRoomsStatements(userId: bigint): InStatement[] {
  return [
    "SELECT epoch, revision FROM log_head",
    {
      sql: "SELECT room_id FROM members INDEXED BY members_by_user WHERE user_id = ?1 AND removed_at IS NULL",
      args: [userId],
    },
  ];
}

export function toListedRooms([state, rows]: readonly Rows[]): ListedRooms {
  const { epoch, revision } = state![0]!;
  return {
    epoch: epoch as string,
    revision: revision as bigint,
    roomIds: rows!.map((row) => row.room_id as bigint),
  };
}

const PLACES = "SELECT key AS place, value ->> 0 AS user_id, value ->> 1 AS after FROM json_each(?1)";

const LATEST = "max(members.revision, rooms.revision)";

/** Of the places ?1, as many rooms that have changed after each as ?2 says, and as fit into ?3 bytes of texts. */
const LISTED = `
  WITH changed AS (
    SELECT place, places.user_id, members.room_id, ${LATEST} AS at, 0 AS is_left
    FROM (${PLACES}) AS places
    CROSS JOIN members INDEXED BY members_by_user ON members.user_id = places.user_id AND members.removed_at IS NULL
    CROSS JOIN rooms ON rooms.id = members.room_id
    WHERE ${LATEST} > after
    UNION ALL
    SELECT place, places.user_id, members.room_id, left_revision AS at, 1 AS is_left
    FROM (${PLACES}) AS places
    CROSS JOIN members INDEXED BY members_ended
      ON members.user_id = places.user_id AND left_revision > 0 AND left_revision > after
  ), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY place ORDER BY at) AS nth, count(*) OVER (PARTITION BY place) AS changes
    FROM changed
  ), fitting AS (
    SELECT numbered.*, sum(${SUMMARY_BYTES}) OVER (PARTITION BY place ORDER BY at) AS bytes
    FROM numbered
    LEFT JOIN rooms ON NOT is_left AND rooms.id = numbered.room_id
    LEFT JOIN room_records ON room_records.room_id = rooms.id
    LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = rooms.last_message_id
    WHERE nth <= CAST(?2 AS INTEGER)
  )
  SELECT place, user_id, room_id, room_id AS list_room_id, at, is_left, changes
  FROM fitting WHERE bytes <= CAST(?3 AS INTEGER) OR nth = 1`;

const KEPT = ["place", "list_room_id", "at", "is_left", "changes"];

const LIST_PAGES = `${summaries(LISTED, "listed.user_id", KEPT)} ORDER BY place, at`;
