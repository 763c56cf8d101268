import { expect, test } from "vitest";
import { Committer } from "../../src/chat/committer.ts";
import { eraseDeletedRooms } from "../../src/chat/erasure.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { indexNext } from "../../src/chat/search-indexer.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { LibsqlPresence } from "../../src/libsql/presence.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlSearchIndex } from "../../src/libsql/search-index.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { apply } from "../support/changes.ts";
import { newSpokenRoom } from "../support/stored-rooms.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** More than a step erases. */
const MANY = 2_500;
const [ann, bob] = [1n, 2n];

/** Rows of rooms, and of their messages, by table. */
async function rowsOf(database: Database, roomId: bigint): Promise<Record<string, number>> {
  const tables = {
    rooms: "rooms WHERE id = ?1",
    records: "room_records WHERE room_id = ?1",
    members: "members WHERE room_id = ?1 AND removed_at IS NULL",
    messages: "messages WHERE room_id = ?1",
    mentions: "mentions WHERE room_id = ?1",
    edits: "edits",
    reactions: "reactions",
    words: "message_words WHERE rowid NOT IN (SELECT id FROM messages WHERE room_id <> ?1)",
    presence: "presence WHERE room_id = ?1",
    unerased: "deleted_rooms WHERE is_erased = 0",
  };
  const counts = Object.values(tables).map((from) => ({
    sql: `SELECT count(*) AS count FROM ${from}`,
    args: [roomId],
  }));
  const rows = await database.read(counts.map(({ sql, args }) => ({ sql, args: sql.includes("?1") ? args : [] })));
  return Object.fromEntries(Object.keys(tables).map((table, i) => [table, Number(rows[i]![0]!.count)]));
}

/** Numbers from 1 to ?1 as rows. */
const numbers = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n)";

test("[S11] a deletion that a crash has cut short is finished at the next start, also of what is more than a step", async () => {
  await using directory = await temporaryDirectory();
  const url = `file:${directory.path}/erasure.db`;
  const database = await openDatabase(url);
  await migrate(database);
  const store = new LibsqlStore(database);
  const { roomId, messages } = await newSpokenRoom(store, ann, [bob], ["secret", "another"]);
  const other = await newSpokenRoom(store, ann, [bob], ["stays"]);
  const [of, count] = [messages[0]!.id, BigInt(MANY)];
  const insert = (sql: string) => ({ sql, args: [count] });
  await database.write([
    insert(`INSERT INTO edits (message_id, client_edit_id) SELECT ${of}, i FROM ${numbers}`),
    insert(`INSERT INTO reactions (message_id, emoji, user_id, revision) SELECT ${of}, 'x', i, i FROM ${numbers}`),
    insert(`INSERT INTO mentions (room_id, user_id, message_id) SELECT ${roomId}, i, ${of} FROM ${numbers}`),
    insert(`INSERT INTO members (
        room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at
      ) SELECT ${roomId}, 100 + i, 100 + i, 100 + i, 0, 0, 1, 1 FROM ${numbers}`),
  ]);
  const index = new LibsqlSearchIndex(database);
  while (!(await indexNext(index)).isWhole);
  expect(await rowsOf(database, roomId)).toMatchObject({ words: 2 });
  const here = Array.from({ length: MANY }, (_, i) => ({ roomId, userId: 101n + BigInt(i), cameAt: 1 }));
  await new LibsqlPresence(database).put({ id: 1n, isNew: true }, here, []);
  await apply(store, "deleteRoom", { roomId, actorId: ann });
  await apply(store, "eraseRoom", { roomId });
  const left = { rooms: 0, records: 0, edits: MANY - 1_000, presence: MANY - 1_000, unerased: 1 };
  expect(await rowsOf(database, roomId)).toMatchObject(left);
  await database[Symbol.asyncDispose]();

  await using again = await openDatabase(url);
  const reopened = new LibsqlStore(again);
  await eraseDeletedRooms(reopened, new Committer(reopened, new MemoryBroadcaster()));
  expect(new Set(Object.values(await rowsOf(again, roomId)))).toEqual(new Set([0]));
  expect(await rowsOf(again, other.roomId)).toMatchObject({ rooms: 1, records: 1, members: 2, messages: 1 });
});
