import type { PendingMessage, SearchIndex, SearchPlace, SearchStep } from "../chat/search-indexer.ts";
import type { Database } from "./database.ts";
import { roomWord } from "./read/search.ts";

/** The index of words, by FTS5; what it has is written by this class, and taken out by triggers of the messages' table. */
export class LibsqlSearchIndex implements SearchIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async pending(count: number): Promise<SearchStep> {
    const [states, rows] = await this.#database.read([
      "SELECT search_state.*, log_head.revision AS head FROM search_state, log_head",
      { sql: PENDING, args: [BigInt(count)] },
    ]);
    const state = states![0]!;
    return {
      after: placeOf(state),
      messages: rows!.map((row) => ({
        place: placeOf(row),
        id: row.id as bigint,
        body: row.body as string,
      })),
      isWhole: rows!.length < count,
      revision: state.head as bigint,
    };
  }

  async put(messages: readonly (PendingMessage & { readonly words: string })[], after: SearchPlace): Promise<boolean> {
    const { revision, roomId, seq } = messages.at(-1)!.place;
    const to = [revision, roomId, seq];
    const entries = messages.map(({ id, place, words }) => `[${id},${place.seq},${JSON.stringify(words)}]`);
    const args = [`[${entries}]`, ...to];
    const [moved] = await this.#database.write([
      { sql: MOVE, args: [after.revision, after.roomId, after.seq, ...to] },
      { sql: TAKE_OUT, args },
      { sql: PUT_IN, args },
      MERGE,
    ]);
    return moved!.length > 0;
  }
}

function placeOf(row: Record<string, unknown>): SearchPlace {
  return { revision: row.revision as bigint, roomId: row.room_id as bigint, seq: row.seq as bigint };
}

/** Deleted messages among them, whose entries are gone. + lets SQLite look for all three columns in the index. */
const PENDING = `SELECT id, revision, room_id, seq, body FROM messages
  WHERE (revision, room_id, seq) > (SELECT +revision, +room_id, +seq FROM search_state)
  ORDER BY revision, room_id, seq LIMIT CAST(?1 AS INTEGER)`;

/** Nothing follows it where another process has moved the state meanwhile. */
const MOVE = `UPDATE search_state SET revision = ?4, room_id = ?5, seq = ?6
  WHERE revision = ?1 AND room_id = ?2 AND seq = ?3 RETURNING id`;

/** The entries ?1 of messages that haven't changed since, if the state is at the place ?2, ?3, ?4. */
const ENTRIES = `SELECT messages.id, messages.room_id, entries.words FROM (
    SELECT value ->> 0 AS id, value ->> 1 AS seq, value ->> 2 AS words FROM json_each(?1)
  ) AS entries
  CROSS JOIN search_state ON search_state.revision = ?2 AND search_state.room_id = ?3 AND search_state.seq = ?4
  CROSS JOIN messages ON messages.id = entries.id AND messages.seq = entries.seq AND deleted_at IS NULL`;

const OWN_WORDS = `${roomWord("room_id")} || ' ' || words`;

const TAKE_OUT = `DELETE FROM message_words WHERE rowid IN (
    SELECT present.rowid FROM (SELECT id, ${OWN_WORDS} AS words FROM (${ENTRIES})) AS entry
    CROSS JOIN message_words AS present ON present.rowid = entry.id
    WHERE present.words <> entry.words
  )`;

const PUT_IN = `INSERT INTO message_words (rowid, words)
  SELECT id, ${OWN_WORDS} FROM (${ENTRIES}) AS entry
  WHERE words <> '' AND NOT EXISTS (SELECT 1 FROM message_words WHERE rowid = entry.id)`;

/**
 * Joins some of the pieces that the entries were written in, of which each search in many rooms looks at all: without it,
 * such a search of a million messages takes up to twice as long.
 */
const MERGE = "INSERT INTO message_words (message_words, rank) VALUES ('merge', 200)";
