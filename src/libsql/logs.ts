import type { InStatement } from "@libsql/client";
import type { LogPage, PageSize, Reader } from "../chat/store.ts";
import type { Rows } from "./database.ts";
import { TEXT_BYTES, toMemberChange, toMessage } from "./rows.ts";

/** Reads, from one snapshot: whose membership still holds, and after their cursors a page of either log. */
export function logStatements(readers: readonly Reader[], { changes, bytes }: PageSize): InStatement[] {
  const rows = readers.map(({ roomId, membershipId, cursor: { seq, memberSeq } }) => {
    return `[${roomId},${membershipId},${seq},${memberSeq}]`;
  });
  const entries = (log: "messages" | "members", number: "seq" | "member_seq") => `FROM (
      SELECT room_id, ${number} AS after, (
        SELECT ${number} FROM ${log} WHERE room_id = reader.room_id AND ${number} > reader.${number}
        ORDER BY ${number} LIMIT 1 OFFSET ?2 - 1
      ) AS page_end
      FROM (${READERS}) AS reader
    ) AS page
    JOIN ${log} AS entry
      ON entry.room_id = page.room_id AND ${number} > after AND ${number} <= coalesce(page_end, ${MAX_INT64})`;
  const args = [`[${rows}]`, BigInt(changes)];
  const heads = {
    sql: `SELECT rooms.id AS room_id, rooms.member_seq,
        (SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = rooms.id) AS seq
      FROM (${READERS}) AS reader JOIN rooms ON rooms.id = reader.room_id`,
    args: [`[${rows}]`],
  };
  const messages = {
    sql: `SELECT messages.* FROM (
        SELECT entry.id, ${TEXT_BYTES} OVER run AS bytes, row_number() OVER run AS nth
        ${entries("messages", "seq")} WINDOW run AS (ORDER BY entry.room_id, seq)
      ) AS fitting JOIN messages ON messages.id = fitting.id
      WHERE bytes <= ?3 OR nth = 1 ORDER BY room_id, seq`,
    args: [...args, BigInt(bytes)],
  };
  const members = {
    sql: `SELECT entry.* ${entries("members", "member_seq")} ORDER BY entry.room_id, member_seq`,
    args,
  };
  return [heads, messages, members];
}

export function logPages(
  [rooms, messages, members]: readonly Rows[],
  readers: readonly Reader[],
): Map<bigint, LogPage> {
  const messagesOf = Map.groupBy(messages!, (row) => row.room_id as bigint);
  const membersOf = Map.groupBy(members!, (row) => row.room_id as bigint);
  const known = new Map(readers.map(({ roomId, cursor, knownMembers }) => [roomId, knownMembers ?? cursor.memberSeq]));
  return new Map(
    rooms!.map((row) => {
      const roomId = row.room_id as bigint;
      const page = {
        messages: (messagesOf.get(roomId) ?? []).map(toMessage),
        members: (membersOf.get(roomId) ?? []).map((member) => toMemberChange(member, known.get(roomId)!)),
        head: { seq: row.seq as bigint, memberSeq: row.member_seq as bigint },
      };
      return [roomId, page];
    }),
  );
}

const MAX_INT64 = 2n ** 63n - 1n;

/** The readers whose membership holds, as rows. */
const READERS = `SELECT members.room_id, value ->> 2 AS seq, value ->> 3 AS member_seq
  FROM json_each(?1) JOIN members ON members.id = value ->> 1 AND members.room_id = value ->> 0
  WHERE removed_at IS NULL`;
