import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type ListRoomsReq, type ListRoomsRes, ListRoomsResSchema } from "../../../gen/chat_pb.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { summaries, toSummary } from "./room-summary.ts";
import { SUMMARY_BYTES } from "./texts.ts";

const DEFAULT_ROOMS = 50;

/**
 * A user's rooms by activity: by the id of the newest message, or of the newest anywhere when the user was added.
 *
 * The first page fixes up to which message activity counts, and the token carries it on. So whatever is sent meanwhile,
 * the rooms of a listing keep their order. One room more than a page has tells whether the list goes on.
 */
export function roomListStatements({ userId, limit, pageToken }: ListRoomsReq, bytes: number): InStatement[] {
  const { asOf, activity, roomId } = pageToken === "" ? FIRST_PAGE : parseToken(pageToken);
  return [
    "SELECT message_id AS newest, revision, epoch FROM log_head",
    { sql: ROOMS, args: [userId, asOf, activity, roomId, BigInt(pageSize(limit) + 1), BigInt(bytes)] },
  ];
}

export function roomList(req: ListRoomsReq, [states, rows]: readonly Rows[], bytes: number): ListRoomsRes {
  const { newest, revision, epoch } = states![0]!;
  const asOf = req.pageToken === "" ? (newest as bigint) : parseToken(req.pageToken).asOf;
  const page = rows!.slice(0, pageSize(req.limit)).filter((row, i) => i === 0 || (row.bytes as bigint) <= bytes);
  const last = page.at(-1);
  return create(ListRoomsResSchema, {
    rooms: page.map((row) => toSummary(row, epoch as string)),
    nextPageToken: rows!.length > page.length ? `${asOf}.${last!.activity}.${last!["room.id"]}` : "",
    list: { revision: revision as bigint, epoch: epoch as string },
  });
}

/** Of user ?1, the ?5 rooms after (?3, ?4) in the order of the activity up to ?2, as far as ?6 bytes of texts go. */
const LISTED = `
  WITH activities AS (
    SELECT members.room_id, last_message_id, max(joined_message_id, iif(
        last_message_id <= ?2, last_message_id,
        (SELECT coalesce(max(id), 0) FROM messages WHERE room_id = members.room_id AND id <= ?2)
      )) AS activity
    FROM members JOIN rooms ON rooms.id = members.room_id
    WHERE user_id = ?1 AND removed_at IS NULL AND joined_message_id <= ?2
  ), page AS (
    SELECT * FROM activities
    WHERE (activity, room_id) < (CAST(?3 AS INTEGER), CAST(?4 AS INTEGER))
    ORDER BY activity DESC, room_id DESC LIMIT CAST(?5 AS INTEGER)
  ), fitting AS (
    SELECT page.room_id, activity, sum(${SUMMARY_BYTES}) OVER places AS bytes, ${SUMMARY_BYTES} AS own_bytes,
      row_number() OVER places AS nth
    FROM page JOIN room_records ON room_records.room_id = page.room_id
    LEFT JOIN messages ON messages.room_id = page.room_id AND messages.id = last_message_id
    WINDOW places AS (ORDER BY activity DESC, page.room_id DESC)
  )
  SELECT room_id, activity, bytes FROM fitting WHERE bytes - own_bytes <= CAST(?6 AS INTEGER) OR nth <= 2`;

const ROOMS = `${summaries(LISTED, "?1", ["activity", "bytes"])} ORDER BY activity DESC, rooms.id DESC`;

const FIRST_PAGE = { asOf: MAX_INT64, activity: MAX_INT64, roomId: MAX_INT64 };

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_ROOMS;
}

function parseToken(token: string): typeof FIRST_PAGE {
  const parts = /^(\d{1,18})\.(\d{1,18})\.(\d{1,18})$/.exec(token);
  if (!parts) throw new ConnectError("page_token is not one that ListRooms has given", Code.InvalidArgument);
  return { asOf: BigInt(parts[1]!), activity: BigInt(parts[2]!), roomId: BigInt(parts[3]!) };
}
