import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { StorageDatabase } from "../../src/workers/storage-database.ts";
import { change } from "../support/changes.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";

/** A store on an object's own SQLite, and what its calls read and write, in rows as they are billed. */
async function metered<T>(
  use: (
    store: LibsqlStore,
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
    return use(new LibsqlStore(database), async (call) => {
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
  await metered(async (store, rowsOf) => {
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
