import type { Database } from "../../src/libsql/database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { LibsqlUsers } from "../../src/libsql/users.ts";
import type { StoreParts } from "../contract/store.ts";
import type { UserParts } from "../contract/users.ts";
import { GREAT_ID } from "./greatest-id.ts";

/** A store on a fresh database whose ids are great, and more stores on the same data. */
export async function libsqlParts(open: () => Promise<Database>): Promise<StoreParts> {
  const database = await open();
  await migrate(database);
  await database.write([
    { sql: "UPDATE log_state SET room_id = ?1, member_id = ?1, message_id = ?1, revision = ?1", args: [GREAT_ID] },
  ]);
  const store = new LibsqlStore(database);
  return {
    store,
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
