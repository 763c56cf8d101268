import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { type Client, createClient, type InStatement, LibsqlError } from "@libsql/client/sqlite3";
import { isBusy, isRefusal } from "./codes.ts";
import type { Rows } from "./database.ts";

/** The thread's one connection, and what it is for. */
export interface ThreadData {
  readonly url: string;
  readonly mode: "read" | "write";
}

export interface Request {
  readonly id: number;
  readonly statements: InStatement[];
  /** When to give up, in milliseconds since 1970. */
  readonly deadline: number;
}

/** Rows, or what went wrong: SQLite's code, empty if it is not SQLite's. */
export type Reply = { readonly id: number } & (
  | { readonly results: Rows[] }
  | { readonly code: string; readonly message: string }
);

const { url, mode } = workerData as ThreadData;
const port = parentPort!;
let connection: Client | undefined;
let last = Promise.resolve();

// Whatever is thrown here ends the thread, which answers all that waits for it.
port.on("message", (request: Request | "end") => {
  last = last.then(async () => {
    if (request !== "end") return port.postMessage(await answer(request));
    disconnect();
    port.unref(); // Deno's has no close()
  });
});

// Answers no request: it says that the thread runs.
port.postMessage({ id: 0, results: [] } satisfies Reply);

async function answer({ id, statements, deadline }: Request): Promise<Reply> {
  let failure = { code: "", message: "the thread was busy for too long" };
  for (let wait = 1; Date.now() < deadline; wait = Math.min(50, 2 * wait)) {
    try {
      return { id, results: await run(statements) };
    } catch (e) {
      failure = { code: codeOf(e), message: e instanceof Error ? e.message : String(e) };
      if (!isBusy(failure.code)) {
        if (!isRefusal(failure.code)) disconnect();
        break;
      }
      await sleep(wait);
    }
  }
  return { id, ...failure };
}

/**
 * A statement that meets a lock stays in progress until it is garbage-collected. From then on its connection reads an
 * old state of the database and acknowledges writes that it never commits; closed, it keeps its files open. So the lock
 * is asked for first, by executeMultiple(), which leaves no statement behind; where that was not enough, the connection
 * is given up. Writes only ever go through batch(), which fails loudly on a connection that can't commit.
 */
async function run(statements: InStatement[]): Promise<Rows[]> {
  connection ??= createClient({ url, intMode: "bigint", concurrency: 1 });
  await connection.executeMultiple(ASK_FOR_LOCK[mode]);
  try {
    if (mode === "read" && statements.length === 1) return [(await connection.execute(statements[0]!)).rows];
    return (await connection.batch(statements, mode)).map(({ rows }) => rows);
  } catch (e) {
    if (isBusy(codeOf(e))) disconnect();
    throw e;
  }
}

/**
 * In WAL mode, which the file remembers, readers and the writer don't wait for each other. Commits are fsynced all the
 * same: synchronous=FULL is this build's default. secure_delete, which a connection forgets, overwrites the
 * text of a deleted message in the file; pieces that SQLite left behind when an edit made a text longer go with VACUUM.
 */
const ASK_FOR_LOCK = {
  read: "SELECT 1 FROM sqlite_schema LIMIT 1",
  write: "PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT",
};

function disconnect(): void {
  connection?.close();
  connection = undefined;
}

function codeOf(e: unknown): string {
  return e instanceof LibsqlError ? (e.extendedCode ?? e.code) : "";
}
