import type { Config } from "../http/config.ts";
import { shownUrl } from "../http/shown-url.ts";
import type { Database } from "../libsql/database.ts";
import { openDatabase } from "../libsql/open.ts";
import { migrate } from "../libsql/schema/migrate.ts";

/** The configured database with its schema up to date. What it can't do is said in a sentence that names the database. */
export async function openMigrated(config: Config, onProgress: (line: string) => void): Promise<Database> {
  const { databaseUrl, databaseAuthToken, limits } = config;
  try {
    await using opened = new AsyncDisposableStack();
    const database = opened.use(await openDatabase(databaseUrl, databaseAuthToken, limits));
    await database.ping(); // one that isn't there is noticed soon
    await migrate(patiently(database, limits.migrationMs), { onProgress });
    opened.move();
    return database;
  } catch (e) {
    throw new Error(`the database ${shownUrl(databaseUrl)} can't be opened: ${rootCause(e)}`, { cause: e });
  }
}

/** The same database, whose calls may take so many milliseconds. */
function patiently(database: Database, timeoutMs: number): Database {
  return {
    greatestInteger: database.greatestInteger,
    read: (statements) => database.read(statements, timeoutMs),
    write: (statements) => database.write(statements, timeoutMs),
    ping: () => database.ping(),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

function rootCause(e: unknown): unknown {
  if (!(e instanceof Error)) return e;
  return e.cause === undefined ? e.message : rootCause(e.cause);
}
