import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { RoomDeletedSchema } from "../../../gen/chat_pb.ts";
import {
  CHANGE_LOGS,
  type ChangeLogName,
  type ChangePlace,
  comparePlaces,
  isOfMembers,
} from "../../chat/change-place.ts";
import type { Changes, PageSize, PlacedChange } from "../../chat/store.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { ROOM_RECORDS, toBanned, toMessage, toRoom } from "../schema/rows.ts";
import { MESSAGE_BYTES, RECORD_BYTES } from "./texts.ts";

/** One page of the log of all rooms; the logs are read apart, each in the order of its index, and put together after it. */
export function changesStatements(after: ChangePlace, { changes, bytes }: PageSize): InStatement[] {
  const { revision, roomId } = after;
  const [ofMembers, ofMessages] = [numberAfter(after, "member"), numberAfter(after, "message")];
  const args = [revision, roomId, ofMembers, ofMessages, BigInt(changes)];
  const bounded = [...args, BigInt(bytes)];
  return [
    "SELECT epoch, revision FROM log_head",
    { sql: RECORDS, args: bounded },
    { sql: MEMBERS, args },
    { sql: MESSAGES, args: bounded },
    { sql: DELETIONS, args: [revision, BigInt(changes)] },
  ];
}

/** A change, and the bytes of its texts. */
interface Sized {
  readonly placed: PlacedChange;
  readonly bytes: number;
}

/** What one log has after a place. */
interface Run {
  readonly changes: readonly Sized[];
  /** Whether the log may go on behind them. */
  readonly isCut: boolean;
}

export function toChanges(
  after: ChangePlace,
  { changes: count, bytes }: PageSize,
  [state, records, members, messages, deletions]: readonly Rows[],
): Changes {
  const runOf = (rows: Rows, toChange: (row: Rows[number]) => PlacedChange): Run => {
    const changes = rows
      .map((row) => ({ placed: toChange(row), bytes: Number(row.own_bytes ?? 0) }))
      .filter(({ placed }) => comparePlaces(placed.place, after) > 0);
    return { changes, isCut: changes.length >= count || changes.length < Number(rows[0]?.total ?? 0) };
  };
  const runs = [
    runOf(records!, (row) => placed(row.record_revision, row.id, "room", row.record_member_seq, toRoom(row))),
    runOf(members!, (row) => placed(row.revision, row.room_id, "member", row.member_seq, toBanned(row, 0n))),
    runOf(messages!, (row) => placed(row.revision, row.room_id, "message", row.seq, toMessage(row))),
    runOf(deletions!, ({ revision, room_id }) => {
      return placed(revision, room_id, "roomDeleted", 0n, create(RoomDeletedSchema, { roomId: room_id as bigint }));
    }),
  ];
  const cut = runs.filter(({ isCut }) => isCut);
  // What lies behind the end of a run that was cut may have others before it.
  const ends = cut.map(({ changes }) => changes.at(-1)!.placed.place);
  const known = runs
    .flatMap(({ changes }) => changes)
    .filter(({ placed }) => ends.every((end) => comparePlaces(placed.place, end) <= 0))
    .sort((a, b) => comparePlaces(a.placed.place, b.placed.place));
  let total = 0;
  const page = known.slice(0, count).filter((each, i) => {
    total += each.bytes;
    return i === 0 || total <= bytes;
  });
  return {
    epoch: state![0]!.epoch as string,
    revision: state![0]!.revision as bigint,
    changes: page.map(({ placed }) => placed),
    isWhole: cut.length === 0 && page.length === known.length,
  };
}

function placed<C extends ChangeLogName>(
  revision: unknown,
  roomId: unknown,
  log: C,
  number: unknown,
  value: Extract<PlacedChange["change"], { case: C }>["value"],
): PlacedChange {
  const place = { revision, roomId, log, number } as ChangePlace;
  return { place, change: { case: log, value } as PlacedChange["change"] };
}

/** The number after which a log goes on behind a place, in the place's own revision and room. */
function numberAfter({ log, number }: ChangePlace, asked: ChangeLogName): bigint {
  if (log === asked || (isOfMembers({ log }) && isOfMembers({ log: asked }))) return number;
  return CHANGE_LOGS.indexOf(log) < CHANGE_LOGS.indexOf(asked) ? -1n : MAX_INT64;
}

/**
 * Without casts, which would keep SQLite from looking for more than the revision in an index. What a deletion ended is no
 * change of its own: it is told by the deletion.
 */
const AFTER = {
  members: `(revision, room_id, member_seq) > (?1, ?2, ?3)
    AND (removed_at IS NULL OR EXISTS (SELECT 1 FROM rooms WHERE id = members.room_id))`,
  messages: "(revision, room_id, seq) > (?1, ?2, ?4)",
};

/** The revision of the ?5th change in a log: what is behind it is no part of the page. */
const lastRevision = (log: "members" | "messages", number: "member_seq" | "seq") => `coalesce((
    SELECT revision FROM ${log} WHERE ${AFTER[log]}
    ORDER BY revision, room_id, ${number} LIMIT 1 OFFSET CAST(?5 AS INTEGER) - 1
  ), ${MAX_INT64})`;

/**
 * As many as fit into ?6 bytes, each with the number that there would be without that bound. In two runs,
 * since SQLite doesn't look for a rowid, which the room's id is, behind a range of an index; with one more than a page
 * has, as the first may be the one at the place.
 */
const RECORDS = `SELECT records.*, own_bytes, total FROM (
    SELECT run.room_id, ${RECORD_BYTES} AS own_bytes, sum(${RECORD_BYTES}) OVER places AS bytes,
      row_number() OVER places AS nth, count(*) OVER () AS total
    FROM (
      SELECT * FROM (
        SELECT revision, room_id FROM room_records WHERE revision = ?1 AND room_id >= ?2
        ORDER BY room_id LIMIT CAST(?5 AS INTEGER) + 1
      )
      UNION ALL
      SELECT * FROM (
        SELECT revision, room_id FROM room_records WHERE revision > ?1 AND revision <= ${lastRevision("messages", "seq")}
        ORDER BY revision, room_id LIMIT CAST(?5 AS INTEGER) + 1
      )
    ) AS run CROSS JOIN room_records ON room_records.room_id = run.room_id
    WHERE NOT (room_records.revision = ?1 AND room_records.room_id = ?2 AND member_seq <= ?3)
    WINDOW places AS (ORDER BY run.revision, run.room_id)
  ) AS fitting CROSS JOIN ${ROOM_RECORDS} AS records ON records.id = fitting.room_id
  WHERE bytes <= CAST(?6 AS INTEGER) OR nth = 1
  ORDER BY nth LIMIT CAST(?5 AS INTEGER)`;

const MEMBERS = `SELECT * FROM members
  WHERE ${AFTER.members} AND revision <= ${lastRevision("messages", "seq")}
  ORDER BY revision, room_id, member_seq LIMIT CAST(?5 AS INTEGER)`;

/** Likewise as many as fit into ?6 bytes. */
const MESSAGES = `SELECT messages.*, own_bytes, total FROM (
    SELECT id, own_bytes, sum(own_bytes) OVER run AS bytes, row_number() OVER run AS nth, count(*) OVER () AS total
    FROM (
      SELECT id, revision, room_id, seq, ${MESSAGE_BYTES} AS own_bytes FROM messages
      WHERE ${AFTER.messages} AND revision <= ${lastRevision("members", "member_seq")}
      ORDER BY revision, room_id, seq LIMIT CAST(?5 AS INTEGER)
    )
    WINDOW run AS (ORDER BY revision, room_id, seq)
  ) AS fitting JOIN messages ON messages.id = fitting.id
  WHERE bytes <= CAST(?6 AS INTEGER) OR nth = 1
  ORDER BY nth`;

const DELETIONS = `SELECT revision, room_id FROM deleted_rooms
  WHERE revision >= ?1 ORDER BY revision LIMIT CAST(?2 AS INTEGER) + 1`;
