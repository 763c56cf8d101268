import type { ChatStore } from "../src/chat/store.ts";
import { openDatabase } from "../src/libsql/open.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../src/libsql/store.ts";

/** The store on a database of any kind, which gets its tables first. Only this file knows how it is put together. */
export async function openStore(url: string): Promise<ChatStore> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openDatabase(url, undefined));
  await migrate(database);
  opened.move();
  return new LibsqlStore(database);
}
