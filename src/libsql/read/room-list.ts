import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type ListRoomsReq, type ListRoomsRes, ListRoomsResSchema, RoomSummarySchema } from "../../../gen/chat_pb.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { toCursor, toMessage, toRoom } from "../schema/rows.ts";
import { TEXT_BYTES } from "./texts.ts";

/** Messages after a read position that an unread count looks at. */
const UNREAD_WINDOW = 1_000;
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
    "SELECT message_id AS newest, epoch FROM log_head",
    { sql: ROOMS, args: [userId, asOf, activity, roomId, BigInt(pageSize(limit) + 1), BigInt(bytes)] },
  ];
}

export function roomList(req: ListRoomsReq, [states, rows]: readonly Rows[], bytes: number): ListRoomsRes {
  const { newest, epoch } = states![0]!;
  const asOf = req.pageToken === "" ? (newest as bigint) : parseToken(req.pageToken).asOf;
  const page = rows!.slice(0, pageSize(req.limit)).filter((row, i) => i === 0 || (row.bytes as bigint) <= bytes);
  const last = page.at(-1);
  return create(ListRoomsResSchema, {
    rooms: page.map((row) => {
      return create(RoomSummarySchema, {
        room: toRoom({ ...row, id: row.room!, created_at: row.room_created_at!, updated_at: row.room_updated_at! }),
        ...(row.id !== null && { lastMessage: toMessage(row) }),
        head: toCursor({ seq: row.room_seq!, member_seq: row.member_seq!, epoch: epoch! }),
        readMessageId: row.read_message_id as bigint,
        unreadCount: Number(row.unread),
      });
    }),
    nextPageToken: rows!.length > page.length ? `${asOf}.${last!.activity}.${last!.room}` : "",
  });
}

/** Of user ?1, the ?5 rooms after (?3, ?4) in the order of the activity up to ?2, as far as ?6 bytes of texts go. */
const ROOMS = `
  WITH activities AS (
    SELECT members.room_id, read_message_id, last_message_id, max(joined_message_id, iif(
        last_message_id <= ?2, last_message_id,
        (SELECT coalesce(max(id), 0) FROM messages WHERE room_id = members.room_id AND id <= ?2)
      )) AS activity
    FROM members JOIN rooms ON rooms.id = members.room_id
    WHERE user_id = ?1 AND removed_at IS NULL AND joined_message_id <= ?2
  ), listed AS (
    SELECT * FROM activities
    WHERE (activity, room_id) < (CAST(?3 AS INTEGER), CAST(?4 AS INTEGER))
    ORDER BY activity DESC, room_id DESC LIMIT CAST(?5 AS INTEGER)
  ), fitting AS (
    SELECT listed.*, coalesce(${TEXT_BYTES} OVER places, 0) AS bytes, coalesce(octet_length(body), 0) AS own_bytes,
      row_number() OVER places AS nth
    FROM listed LEFT JOIN messages ON messages.room_id = listed.room_id AND messages.id = last_message_id
    WINDOW places AS (ORDER BY activity DESC, listed.room_id DESC)
  )
  SELECT
    messages.*, rooms.id AS room, post_id, owner_id, rooms.seq AS room_seq, member_seq, activity, bytes,
    read_message_id, rooms.created_at AS room_created_at, rooms.updated_at AS room_updated_at,
    (
      SELECT count(*) FROM (
        SELECT user_id, deleted_at FROM messages
        WHERE room_id = rooms.id AND id > read_message_id ORDER BY id LIMIT ${UNREAD_WINDOW}
      ) WHERE user_id <> ?1 AND deleted_at IS NULL
    ) AS unread
  FROM fitting JOIN rooms ON rooms.id = fitting.room_id
  LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = rooms.last_message_id
  WHERE bytes - own_bytes <= CAST(?6 AS INTEGER) OR nth <= 2
  ORDER BY activity DESC, room DESC`;

const FIRST_PAGE = { asOf: MAX_INT64, activity: MAX_INT64, roomId: MAX_INT64 };

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_ROOMS;
}

function parseToken(token: string): typeof FIRST_PAGE {
  const parts = /^(\d{1,18})\.(\d{1,18})\.(\d{1,18})$/.exec(token);
  if (!parts) throw new ConnectError("page_token is not one that ListRooms has given", Code.InvalidArgument);
  return { asOf: BigInt(parts[1]!), activity: BigInt(parts[2]!), roomId: BigInt(parts[3]!) };
}
