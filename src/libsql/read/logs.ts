import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { NewsSchema } from "../../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "../../chat/limits.ts";
import { isBefore, after as positionAfter } from "../../chat/position.ts";
import type { ReadPosition } from "../../chat/read-positions.ts";
import type { LogPage, LogPlace, PageSize } from "../../chat/store.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { HAS_READ, ROOM_RECORDS, toMember, toMessage, toReadPosition, toRoom } from "../schema/rows.ts";
import { MESSAGE_BYTES } from "./texts.ts";

/** Pages of logs, read from one snapshot. Equal places are read once. */
export class LogPages {
  readonly statements: InStatement[];
  readonly #keys: readonly string[];
  readonly #places: ReadonlyMap<string, LogPlace>;

  constructor(places: readonly LogPlace[], { changes, bytes }: PageSize) {
    this.#keys = places.map(({ roomId, after }) => `[${roomId},${after.seq},${after.memberSeq}]`);
    this.#places = new Map(places.map((place, i) => [this.#keys[i]!, place]));
    const [asked, count] = [`[${[...this.#places.keys()]}]`, BigInt(changes)];
    this.statements = [
      { sql: HEADS, args: [asked] },
      { sql: MESSAGES, args: [asked, count, BigInt(bytes)] },
      { sql: MEMBERS, args: [asked, count] },
      { sql: READS, args: [asked, count] },
      { sql: RECORDS, args: [asked, count] },
    ];
  }

  /** A page for each place, in their order; none where there is no such room. */
  pages(results: readonly Rows[]): (LogPage | undefined)[] {
    const [headsOf, messagesOf, membersOf, readsOf, recordsOf] = results.map((rows) => {
      return Map.groupBy(rows, ({ place }) => Number(place));
    });
    const pages = new Map(
      [...this.#places].map(([key, place], i) => {
        const head = headsOf!.get(i)?.[0];
        const record = recordsOf!.get(i)?.[0];
        return [key, head && toPage(place, head, messagesOf!.get(i), membersOf!.get(i), readsOf!.get(i), record)];
      }),
    );
    return this.#keys.map((key) => pages.get(key));
  }
}

function toPage(
  { roomId, after }: LogPlace,
  room: Rows[number],
  messageRows: Rows = [],
  memberRows: Rows = [],
  reads: Rows = [],
  record?: Rows[number],
): LogPage {
  const head = { seq: room.seq as bigint, memberSeq: room.member_seq as bigint };
  const news = create(NewsSchema, {
    roomId,
    messages: messageRows.map(toMessage),
    members: memberRows.map(toMember),
    ...(record && { room: toRoom(record) }),
    memberSeq: head.memberSeq,
  });
  const isAtHead = !isBefore(positionAfter(after, news), head);
  const isShared = isAtHead && Number(room.member_count) <= SHARED_READS_MEMBERS;
  return {
    news,
    reads: isShared ? readsByUser(reads) : undefined,
    head,
    firstSeq: room.first_seq as bigint,
  };
}

function readsByUser(rows: Rows): Record<string, ReadPosition> {
  return Object.fromEntries(rows.map((row) => [`${row.user_id as bigint}`, toReadPosition(row)]));
}

/** The places ?1 as rows. */
const PLACES = `SELECT key AS place, value ->> 0 AS room_id, value ->> 1 AS seq, value ->> 2 AS member_seq
  FROM json_each(?1)`;

/** Whether a place has no more than ?2 changes after it in a log: a page of it reaches the head. */
const reachesHead = (log: "messages" | "members", number: "seq" | "member_seq") => `NOT EXISTS (
    SELECT 1 FROM ${log} WHERE ${log}.room_id = places.room_id AND ${number} > places.${number}
    ORDER BY ${number} LIMIT 1 OFFSET CAST(?2 AS INTEGER)
  )`;

/** The number that the ?2nd change after a place has in a log, if there are so many. */
const pageEnd = (log: "messages" | "members", number: "seq" | "member_seq") => `coalesce((
      SELECT ${number} FROM ${log} WHERE ${log}.room_id = places.room_id AND ${number} > places.${number}
      ORDER BY ${number} LIMIT 1 OFFSET CAST(?2 AS INTEGER) - 1
    ), ${MAX_INT64})`;

/** The places, each with where its page of a log ends. */
const runs = (log: "messages" | "members", number: "seq" | "member_seq", condition = "true") => `
  SELECT place, room_id, ${number} AS after, ${pageEnd(log, number)} AS page_end
  FROM (${PLACES}) AS places WHERE ${condition}`;

const HEADS = `SELECT place, rooms.seq, rooms.member_seq, first_seq, member_count
  FROM (${PLACES}) AS places JOIN rooms ON rooms.id = room_id`;

/** As many as fit into ?3 bytes, and only where the page of members reaches the head. */
const MESSAGES = `SELECT place, messages.* FROM (
    SELECT place, messages.room_id, id, sum(${MESSAGE_BYTES}) OVER texts AS bytes, row_number() OVER texts AS nth
    FROM (${runs("messages", "seq", reachesHead("members", "member_seq"))}) AS run
    JOIN messages ON messages.room_id = run.room_id AND seq > after AND seq <= page_end
    WINDOW texts AS (PARTITION BY place ORDER BY seq)
  ) AS fitting JOIN messages ON messages.room_id = fitting.room_id AND messages.id = fitting.id
  WHERE bytes <= CAST(?3 AS INTEGER) OR nth = 1
  ORDER BY place, seq`;

const MEMBERS = `SELECT place, members.* FROM (${runs("members", "member_seq")}) AS run
  JOIN members ON members.room_id = run.room_id AND member_seq > after AND member_seq <= page_end
  ORDER BY place, member_seq`;

/** Of the rooms whose record has changed after the place, and before the page of members ends. */
const RECORDS = `SELECT place, records.*
  FROM (${PLACES}) AS places JOIN ${ROOM_RECORDS} AS records ON records.id = places.room_id
  WHERE record_member_seq > places.member_seq AND record_member_seq <= ${pageEnd("members", "member_seq")}`;

/** Of rooms that share them, where the page reaches the head, unless it is the bytes that end it. */
const READS = `SELECT place, members.user_id, members.id, read_message_id, members.revision
  FROM (${PLACES}) AS places JOIN rooms ON rooms.id = places.room_id AND member_count <= ${SHARED_READS_MEMBERS}
  JOIN members INDEXED BY members_by_room
    ON members.room_id = rooms.id AND removed_at IS NULL AND ${HAS_READ}
  WHERE ${reachesHead("members", "member_seq")} AND ${reachesHead("messages", "seq")}`;
