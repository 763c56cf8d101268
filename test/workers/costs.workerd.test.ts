import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { indexNext } from "../../src/chat/search-indexer.ts";
import type { Database } from "../../src/libsql/database.ts";
import { LibsqlSearchIndex } from "../../src/libsql/search-index.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { StorageDatabase } from "../../src/workers/storage-database.ts";
import { change } from "../support/changes.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";

/** An object's own SQLite, and what calls read and write in it, in rows as they are billed. */
async function metered<T>(
  use: (
    database: Database,
    rowsOf: (call: () => Promise<unknown>) => Promise<{ read: number; written: number }>,
  ) => Promise<T>,
): Promise<T> {
  return runInDurableObject(env.DATABASES.getByName("costs"), (_, { storage }) => {
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const exec: SqlStorage["exec"] = (sql, ...bindings) => {
      const cursor = storage.sql.exec(sql, ...bindings);
      cursors.push(cursor as never);
      return cursor as never;
    };
    const database = new StorageDatabase({
      sql: { exec } as SqlStorage,
      transactionSync: (closure) => storage.transactionSync(closure),
      sync: () => storage.sync(),
    });
    return use(database, async (call) => {
      cursors.length = 0;
      await call();
      return {
        read: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
        written: cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
      };
    });
  });
}

test.each([2, 100])("rows of what happens in a room of %i members, as the README has them", async (members) => {
  await metered(async (database, rowsOf) => {
    const store = new LibsqlStore(database);
    const others = Array.from({ length: members - 1 }, (_, i) => BigInt(i + 2));
    const roomId = await newStoredRoom(store, 1n, ...others);
    let sent = 0;
    const sends = (count: number) => {
      return Array.from({ length: count }, () => {
        return change("sendMessage", { roomId, userId: 1n, body: "hello", clientMessageId: `${members}/${++sent}` });
      });
    };
    await store.commit(sends(20));

    expect(await rowsOf(() => store.commit(sends(1)))).toEqual({ read: 33, written: 7 });
    expect(await rowsOf(() => store.commit(sends(16)))).toEqual({ read: 235, written: 82 });
    expect(await rowsOf(() => store.memberships(1n, [roomId]))).toEqual({ read: 7, written: 0 });
    const place = { roomId, after: { seq: 37n, memberSeq: BigInt(members) } };
    const page = await rowsOf(() =>
      store.readLogs([place], { changes: LIMITS.logPageChanges, bytes: LIMITS.logPageBytes }),
    );
    expect(page).toEqual({ read: 18 + members, written: 0 });
    const { revision } = await store.memberships(1n, [roomId]);
    expect(await rowsOf(() => store.changedRooms(revision, [roomId]))).toEqual({ read: 9, written: 0 });
  });
});

test("rows of what the index of words takes for messages, as the README has them", async () => {
  await metered(async (database, rowsOf) => {
    const [store, index] = [new LibsqlStore(database), new LibsqlSearchIndex(database)];
    const roomId = await newStoredRoom(store, 1n);
    await indexNext(index);
    for (const count of [1, 16, 100]) {
      const send = change("sendMessage", { roomId, userId: 1n, body: "hello, you" });
      await store.commit(Array.from({ length: count }, () => send));
      expect(await rowsOf(() => indexNext(index))).toEqual({ read: 10 + 8 * count, written: 2 + count });
    }
  });
});
