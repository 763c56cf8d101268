import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type ListRoomsReq, type ListRoomsRes, ListRoomsResSchema, RoomSummarySchema } from "../../gen/chat_pb.ts";
import type { Rows } from "./database.ts";
import { toMessage, toRoom } from "./rows.ts";

/** Messages after a read position that an unread count looks at. */
const UNREAD_WINDOW = 1_000;
const DEFAULT_ROOMS = 50;

/**
 * A user's rooms by activity: by the id of the newest message, or of the newest anywhere when the user was added.
 *
 * The first page fixes up to which message activity counts, and the token carries it on. Of the rooms that became more
 * active since, few, the earlier activity is looked up; all others lie in an index in the right order.
 */
export function roomListStatements({ userId, limit, pageToken }: ListRoomsReq): InStatement[] {
  const { asOf, activity, roomId } = pageToken === "" ? FIRST_PAGE : parseToken(pageToken);
  const args = [userId, asOf, activity, roomId, BigInt(pageSize(limit) + 1)];
  return [
    { sql: "SELECT coalesce(max(id), 0) AS newest FROM messages", args: [] },
    {
      sql: `${LISTED}
        SELECT
          listed.activity, rooms.*, rooms.id AS room, members.read_message_id,
          (SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = rooms.id) AS seq,
          (
            SELECT count(*) FROM (
              SELECT user_id, deleted_at FROM messages
              WHERE room_id = rooms.id AND id > members.read_message_id ORDER BY id LIMIT ${UNREAD_WINDOW}
            ) WHERE user_id <> ?1 AND deleted_at IS NULL
          ) AS unread
        FROM listed JOIN rooms ON rooms.id = listed.room_id
        JOIN members ON members.room_id = listed.room_id AND members.user_id = ?1
        ORDER BY listed.activity DESC, rooms.id DESC`,
      args,
    },
    {
      sql: `${LISTED}
        SELECT messages.* FROM listed
        JOIN messages ON messages.id = (SELECT max(id) FROM messages WHERE room_id = listed.room_id)`,
      args,
    },
  ];
}

/** Of user ?1, the ?5 rooms after (?3, ?4) in the order of the activity up to ?2. */
const LISTED = `WITH listed AS (
    SELECT * FROM (
      SELECT room_id, activity_id AS activity FROM members
      WHERE user_id = ?1 AND removed_at IS NULL AND activity_id <= ?2 AND (activity_id, room_id) < (?3, ?4)
      ORDER BY activity_id DESC, room_id DESC LIMIT ?5
    )
    UNION ALL
    SELECT room_id, activity FROM (
      SELECT room_id, max(joined_id,
        (SELECT coalesce(max(id), 0) FROM messages WHERE room_id = members.room_id AND id <= ?2)) AS activity
      FROM members
      WHERE user_id = ?1 AND removed_at IS NULL AND activity_id > ?2 AND joined_id <= ?2
    )
    WHERE (activity, room_id) < (?3, ?4)
    ORDER BY activity DESC, room_id DESC LIMIT ?5
  )`;

export function roomList(
  { limit, pageToken }: ListRoomsReq,
  [newest, rows, lastMessages]: readonly Rows[],
  bytes: number,
): ListRoomsRes {
  const asOf = pageToken === "" ? (newest![0]!.newest as bigint) : parseToken(pageToken).asOf;
  const messages = new Map(lastMessages!.map(toMessage).map((message) => [message.roomId, message]));
  let total = 0;
  const page = rows!.slice(0, pageSize(limit)).filter((row, i) => {
    total += textBytes(messages.get(row.room as bigint)?.body ?? "");
    return i === 0 || total <= bytes;
  });
  const last = page.at(-1);
  return create(ListRoomsResSchema, {
    rooms: page.map((row) => {
      return create(RoomSummarySchema, {
        room: toRoom(row),
        lastMessage: messages.get(row.room as bigint),
        head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
        readMessageId: row.read_message_id as bigint,
        unreadCount: Number(row.unread),
      });
    }),
    nextPageToken: rows!.length > page.length ? `${asOf}.${last!.activity}.${last!.room}` : "",
  });
}

const utf8 = new TextEncoder();

function textBytes(text: string): number {
  return utf8.encode(text).byteLength;
}

const MAX_INT64 = 2n ** 63n - 1n;
const FIRST_PAGE = { asOf: MAX_INT64, activity: MAX_INT64, roomId: MAX_INT64 };

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_ROOMS;
}

function parseToken(token: string): typeof FIRST_PAGE {
  const parts = /^(\d{1,18})\.(\d{1,18})\.(\d{1,18})$/.exec(token);
  if (!parts) throw new ConnectError("page_token is not one that ListRooms has given", Code.InvalidArgument);
  return { asOf: BigInt(parts[1]!), activity: BigInt(parts[2]!), roomId: BigInt(parts[3]!) };
}
