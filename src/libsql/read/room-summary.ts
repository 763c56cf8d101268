import { create } from "@bufbuild/protobuf";
import { type RoomSummary, RoomSummarySchema } from "../../../gen/chat_pb.ts";
import type { Rows } from "../database.ts";
import { toCursor, toMember, toMessage, toRoom } from "../schema/rows.ts";

type Row = Rows[number];

/** Messages up to which those unread, and among them those that mention the user, are counted. */
const COUNTED = 1_000;
/** Messages after a read position that are looked at for them, whoever sent them. */
const LOOKED_AT = 2_000;

/** Columns of a part, by the names that they have in the rows. */
type Part = Readonly<Record<string, string>>;

const HEADS = part(
  "rooms",
  "room",
  "id owner_id seq member_seq member_count frozen_until slow_mode_ms created_at updated_at",
);
const RECORD = {
  ...part("room_records", "room", "key name data"),
  "room.record_member_seq": "room_records.member_seq",
};
const ROOM: Part = { ...HEADS, ...RECORD };
const MEMBER = part(
  "members",
  "member",
  "id room_id user_id member_seq read_message_id created_at updated_at removed_at role muted_until banned_until",
);

/**
 * The rooms of a query, each with what its user sees of it in a list, for {@link toSummary}. The query has a column
 * `room_id`, and those that are named in `kept`, which are passed on; of a room that is gone there are no others.
 *
 * @param user whose summaries, as SQL: a parameter, or a column of `listed`
 */
export function summaries(listed: string, user: string, kept: readonly string[] = []): string {
  const membershipOf = (reader: string) => `LEFT JOIN members
    ON members.room_id = listed.room_id AND members.user_id = ${reader} AND members.removed_at IS NULL`;
  const unread = (found: string) => `FROM messages
    WHERE room_id = listed.room_id AND id > members.read_message_id ORDER BY id ${found}`;
  return `WITH counted AS MATERIALIZED (
    SELECT listed.*, ${user} AS reader, (
        SELECT count(*) FROM (
          SELECT 1 FROM (SELECT user_id, deleted_at ${unread(`LIMIT ${LOOKED_AT}`)}) AS later
          WHERE later.user_id <> ${user} AND deleted_at IS NULL LIMIT ${COUNTED} + 1
        )
      ) AS unread, (
        SELECT count(*) FROM (
          SELECT 1 FROM mentions JOIN messages ON messages.id = mentions.message_id AND messages.user_id <> ${user}
          WHERE mentions.room_id = listed.room_id AND mentions.user_id = ${user}
            AND mentions.message_id > members.read_message_id
          LIMIT ${COUNTED}
        )
      ) AS mention_count
    FROM (${listed}) AS listed ${membershipOf(user)}
  )
  SELECT messages.*, ${kept.map((column) => `listed.${column}, `).join("")}
    ${columns(ROOM)}, ${columns(MEMBER)},
    min(unread, ${COUNTED}) AS unread, mention_count,
    unread > ${COUNTED} OR EXISTS (SELECT 1 ${unread(`LIMIT 1 OFFSET ${LOOKED_AT}`)}) AS has_more_unread
  FROM counted AS listed
  LEFT JOIN rooms ON rooms.id = listed.room_id
  LEFT JOIN room_records ON room_records.room_id = rooms.id
  ${membershipOf("listed.reader")}
  LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = rooms.last_message_id`;
}

/** Of a row of {@link summaries}. */
export function toSummary(row: Row, epoch: string): RoomSummary {
  const [room, member] = [partOf(row, ROOM_NAMES), partOf(row, MEMBER_NAMES)];
  const isMember = member.id !== null;
  return create(RoomSummarySchema, {
    room: toRoom(room),
    ...(row.id !== null && { lastMessage: toMessage(row) }),
    head: toCursor({ ...room, epoch }),
    readMessageId: isMember ? (member.read_message_id as bigint) : 0n,
    unreadCount: Number(row.unread),
    hasMoreUnread: Boolean(Number(row.has_more_unread)),
    mentionCount: Number(row.mention_count),
    ...(isMember && { member: toMember(member) }),
  });
}

function part(table: string, prefix: string, names: string): Part {
  return Object.fromEntries(names.split(" ").map((name) => [`${prefix}.${name}`, `${table}.${name}`]));
}

function columns(part: Part): string {
  return Object.entries(part)
    .map(([name, column]) => `${column} AS "${name}"`)
    .join(", ");
}

/** The names of a part's columns in the rows, each with its own. */
function namesOf(part: Part): readonly (readonly [string, string])[] {
  return Object.keys(part).map((name) => [name, name.slice(name.indexOf(".") + 1)]);
}

const ROOM_NAMES = namesOf(ROOM);
const MEMBER_NAMES = namesOf(MEMBER);

function partOf(row: Row, names: readonly (readonly [string, string])[]): Row {
  const part: Row = {};
  for (const [name, own] of names) part[own] = row[name]!;
  return part;
}
