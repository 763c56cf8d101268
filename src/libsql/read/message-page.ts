import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type ListMessagesReq, type ListMessagesRes, ListMessagesResSchema } from "../../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import type { Reading } from "../../chat/store.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { toCursor, toMessage } from "../schema/rows.ts";
import { READERS_ROOM, readerOf } from "./membership.ts";
import { MESSAGE_BYTES } from "./texts.ts";

const DEFAULT_MESSAGES = 50;

/**
 * A page of history is two runs of messages around a point: so many with smaller ids, so many with greater ones, as far
 * as they fit into `bytes` together. One more of either tells whether the room goes on there.
 */
export function messagePageStatements(req: ListMessagesReq, reading: Reading, bytes: number): InStatement[] {
  const { roomId, threadId, pinned } = req;
  const reader = readerOf(req, reading);
  const { point, earlier, later } = bounds(req);
  const only = `${threadId > 0n ? "AND thread_id = ?6 AND thread_id > 0" : ""} ${pinned ? "AND pinned_at IS NOT NULL" : ""}`;
  const args = threadId > 0n ? [threadId] : [];
  const run = (compare: "<" | ">=", order: "DESC" | "ASC", count: number) => ({
    sql: `SELECT messages.*, bytes FROM (
        SELECT room_id, id, sum(own_bytes) OVER run AS bytes, own_bytes, row_number() OVER run AS nth
        FROM (
          SELECT room_id, id, ${MESSAGE_BYTES} AS own_bytes FROM messages
          WHERE room_id = ${READERS_ROOM} AND id ${compare} ?3 ${only}
          ORDER BY id ${order} LIMIT CAST(?4 AS INTEGER)
        )
        WINDOW run AS (ORDER BY id ${order})
      ) AS fitting JOIN messages ON messages.room_id = fitting.room_id AND messages.id = fitting.id
      WHERE bytes - own_bytes <= CAST(?5 AS INTEGER) OR nth <= 2 ORDER BY fitting.id ${order}`,
    args: [roomId, reader, point, BigInt(count + 1), BigInt(bytes), ...args],
  });
  return [
    {
      sql: `SELECT seq, member_seq, epoch, EXISTS (SELECT 1 FROM messages WHERE room_id = rooms.id AND id = ?3) AS has_thread
        FROM rooms CROSS JOIN (SELECT epoch FROM log_state) WHERE rooms.id = ${READERS_ROOM}`,
      args: [roomId, reader, threadId],
    },
    run("<", "DESC", earlier),
    run(">=", "ASC", later),
  ];
}

export function messagePage(
  req: ListMessagesReq,
  [heads, before, after]: readonly Rows[],
  bytes: number,
): ListMessagesRes {
  const head = heads![0];
  if (!head) throw notInRoom(req.roomId, req.userId);
  if (req.threadId > 0n && !head.has_thread) throw noMessage(req.threadId, req.roomId);
  const { earlier, later } = bounds(req);
  if (req.position.case === "aroundId" && after![0]?.id !== req.position.value) {
    throw noMessage(req.position.value, req.roomId);
  }
  const share = earlier > 0 && later > 0 ? bytes / 2 : bytes;
  const [earlierRows, laterRows] = [fitting(before!, earlier, share), fitting(after!, later, share)];
  return create(ListMessagesResSchema, {
    messages: [...earlierRows.toReversed(), ...laterRows].map(toMessage),
    hasEarlier: before!.length > earlierRows.length,
    hasLater: after!.length > laterRows.length,
    head: toCursor(head),
  });
}

/** The first rows, at most `count`, that fit into the bytes; the first one in any case. */
function fitting(rows: Rows, count: number, bytes: number): Rows {
  return rows.slice(0, count).filter((row, i) => i === 0 || (row.bytes as bigint) <= bytes);
}

/** How many messages before a point, and how many from it on. */
function bounds({ position, limit }: ListMessagesReq): { point: bigint; earlier: number; later: number } {
  const size = limit > 0 ? limit : DEFAULT_MESSAGES;
  switch (position.case) {
    case "beforeId":
      return { point: position.value, earlier: size, later: 0 };
    case "afterId":
      return { point: position.value < MAX_INT64 ? position.value + 1n : MAX_INT64, earlier: 0, later: size };
    case "aroundId":
      return { point: position.value, earlier: Math.floor(size / 2), later: Math.ceil(size / 2) };
    case undefined:
      return { point: MAX_INT64, earlier: size, later: 0 };
  }
}
