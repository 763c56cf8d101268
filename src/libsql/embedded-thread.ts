import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { createClient, LibsqlError, type InStatement } from "@libsql/client/sqlite3";
import { DATABASE_TIMEOUT_MS } from "../chat/limits.ts";
import { isBusy, type Rows } from "./database.ts";

/** The thread's one connection, and what it is for. */
export interface ThreadData {
  readonly url: string;
  readonly mode: "read" | "write";
}

export interface Request {
  readonly id: number;
  readonly statements: InStatement[];
  /** When it was asked, in milliseconds since 1970: the time it may take starts there. */
  readonly sent: number;
}

/** Rows, or what went wrong: SQLite's code, or none where the database was only busy for too long. */
export type Reply = { readonly id: number } & (
  | { readonly results: Rows[] }
  | { readonly code: string | undefined; readonly message: string }
);

const { url, mode } = workerData as ThreadData;
const port = parentPort!;
const client = createClient({ url, intMode: "bigint", concurrency: 1 });
let journaled = false;
let last = Promise.resolve();

port.on("message", (request: Request | "end") => {
  last = last.then(async () => {
    if (request === "end") {
      client.close();
      port.close();
    } else port.postMessage(await answer(request));
  });
});

async function answer({ id, statements, sent }: Request): Promise<Reply> {
  for (let attempt = 0; ; attempt++) {
    try {
      return { id, results: await run(statements) };
    } catch (e) {
      const code = e instanceof LibsqlError ? (e.extendedCode ?? e.code) : "UNKNOWN";
      const message = e instanceof Error ? e.message : String(e);
      if (!isBusy(code)) return { id, code, message };
      // After one SQLITE_BUSY a connection goes on to acknowledge writes that it never commits: take a new one.
      await client.reconnect();
      if (Date.now() - sent > DATABASE_TIMEOUT_MS) return { id, code: undefined, message };
      await sleep(Math.min(50, 2 ** attempt));
    }
  }
}

/** Writes only ever go through batch(), which fails loudly on a connection that can't commit. */
async function run(statements: InStatement[]): Promise<Rows[]> {
  if (!journaled) {
    // Readers and the writer don't wait for each other; the file remembers it. Commits stay fsynced: synchronous=FULL
    // is this build's default.
    await client.execute("PRAGMA journal_mode=WAL");
    journaled = true;
  }
  if (mode === "read" && statements.length === 1) return [(await client.execute(statements[0]!)).rows];
  return (await client.batch(statements, mode)).map(({ rows }) => rows);
}
