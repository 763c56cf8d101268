import { indexNext } from "../../src/chat/search-indexer.ts";
import type { Database } from "../../src/libsql/database.ts";
import { LibsqlPresence } from "../../src/libsql/presence.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlSearchIndex } from "../../src/libsql/search-index.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { LibsqlUsers } from "../../src/libsql/users.ts";
import type { PresenceParts } from "../contract/presence-store.ts";
import type { StoreParts } from "../contract/store.ts";
import type { UserParts } from "../contract/users.ts";
import { freshId } from "./fresh-id.ts";
import { GREAT_ID } from "./greatest-id.ts";
import { newStoredRoom } from "./stored-rooms.ts";

/** A store on a fresh database whose ids are great, and more stores on the same data. */
export async function libsqlParts(open: () => Promise<Database>): Promise<StoreParts> {
  const database = await open();
  await migrate(database);
  await database.write([
    { sql: "UPDATE log_state SET room_id = ?1, member_id = ?1, message_id = ?1, revision = ?1", args: [GREAT_ID] },
  ]);
  const store = new LibsqlStore(database);
  const index = new LibsqlSearchIndex(database);
  return {
    store,
    async index() {
      while (!(await indexNext(index)).isWhole);
    },
    open: async (limits) => new LibsqlStore(await open(), limits),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Users on a fresh database, and more of them on the same data. */
export async function libsqlUserParts(open: () => Promise<Database>): Promise<UserParts> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await open());
  await migrate(database);
  const opened = stack.move();
  return {
    users: new LibsqlUsers(database),
    store: new LibsqlStore(database),
    open: async () => new LibsqlUsers(opened.use(await open())),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Who is here, on a fresh database with rooms. */
export async function libsqlPresenceParts(open: () => Promise<Database>): Promise<PresenceParts> {
  const database = await open();
  await migrate(database);
  const store = new LibsqlStore(database);
  return {
    presence: new LibsqlPresence(database),
    async end(process) {
      const args = [process, BigInt(Date.now() - 1)];
      await database.write([{ sql: "UPDATE presence_processes SET alive_until = ?2 WHERE id = ?1", args }]);
    },
    async room(members) {
      const users = Array.from({ length: members }, () => freshId());
      const roomId = await newStoredRoom(store, ...(users as [bigint]));
      const { memberSeq } = (await store.memberships(users[0]!, [roomId])).of[0]!.head;
      return { roomId, memberSeq, users };
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
