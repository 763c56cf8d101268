import { indexNext, SearchIndexer } from "../src/chat/search-indexer.ts";
import type { ChatStore } from "../src/chat/store.ts";
import type { Database } from "../src/libsql/database.ts";
import { openDatabase } from "../src/libsql/open.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { LibsqlSearchIndex } from "../src/libsql/search-index.ts";
import { LibsqlStore } from "../src/libsql/store.ts";

// Only this file knows how a store is put together.

/** The store on a database of any kind, which gets its tables first. */
export async function openStore(url: string): Promise<ChatStore> {
  return new LibsqlStore(await openMigrated(url));
}

/** Likewise; with what enters the next of its messages into its index of words, and says whether there are none left. */
export async function openIndexed(url: string): Promise<{ store: ChatStore; index: () => Promise<boolean> }> {
  const database = await openMigrated(url);
  const index = new LibsqlSearchIndex(database);
  return { store: new LibsqlStore(database), index: async () => (await indexNext(index)).isWhole };
}

/** Likewise; with what keeps the index up to date in the background, from when it is called until that is disposed. */
export async function openIndexing(url: string): Promise<{ store: ChatStore; keepIndexed: () => SearchIndexer }> {
  const database = await openMigrated(url);
  const onError = (error: unknown) => {
    throw error;
  };
  return {
    store: new LibsqlStore(database),
    keepIndexed: () => new SearchIndexer(new LibsqlSearchIndex(database), onError),
  };
}

async function openMigrated(url: string): Promise<Database> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openDatabase(url, undefined));
  await migrate(database);
  opened.move();
  return database;
}
