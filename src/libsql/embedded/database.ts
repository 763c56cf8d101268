import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { InStatement } from "@libsql/client";
import { LIMITS } from "../../chat/limits.ts";
import { type Database, MAX_INT64, PROBE, type Rows, StatementError } from "../database.ts";
import { toBatch } from "./batch.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Checkpoint, Table } from "./connection.ts";
import { DatabaseThread } from "./database-thread.ts";

/**
 * A database in a file of this machine. SQLite's calls block their thread, so they run in threads of their own: one
 * writes, one reads, and the event loop stays free. Several processes may open one file.
 */
export class EmbeddedDatabase implements Database {
  readonly greatestInteger = MAX_INT64;
  readonly #reader: DatabaseThread;
  readonly #writer: DatabaseThread;
  readonly #checkpoints = new Checkpoints(
    (checkpoint) => this.#reader.run({ checkpoint }, this.#timeoutMs) as Promise<Checkpoint>,
  );
  readonly #timeoutMs: number;
  #lastWriteFailed = false;

  private constructor(path: string, timeoutMs: number) {
    this.#reader = new DatabaseThread({ path, mode: "read" });
    this.#writer = new DatabaseThread({ path, mode: "write" });
    this.#timeoutMs = timeoutMs;
  }

  /** Opens the file of a `file:` URL (an absolute path, or one relative to the working directory), or creates it. */
  static async open(url: string, timeoutMs = LIMITS.databaseMs): Promise<EmbeddedDatabase> {
    const path = filePath(url);
    await mkdir(dirname(path), { recursive: true });
    const database = new EmbeddedDatabase(path, timeoutMs);
    await Promise.all([database.#reader.started(), database.#writer.started()]);
    database.#checkpoints.wrote(); // what a process has left that was killed
    return database;
  }

  read(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    return rowsOf(this.#reader, statements, timeoutMs);
  }

  async write(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    try {
      const results = await rowsOf(this.#writer, statements, timeoutMs);
      this.#lastWriteFailed = false;
      this.#checkpoints.wrote();
      return results;
    } catch (e) {
      if (!(e instanceof StatementError)) this.#lastWriteFailed = true;
      throw e;
    }
  }

  async ping(): Promise<void> {
    await this.read(["SELECT 1"]);
    if (this.#lastWriteFailed) await this.write(PROBE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#checkpoints.stop();
    await this.#reader.end();
    await this.#writer.end(); // the last to close takes the WAL with it
  }
}

async function rowsOf(thread: DatabaseThread, statements: InStatement[], timeoutMs: number): Promise<Rows[]> {
  return ((await thread.run({ batch: toBatch(statements) }, timeoutMs)) as Table[]).map(toRows);
}

function filePath(url: string): string {
  const path = url.slice("file:".length).replace(/\?.*$/, "");
  return path.startsWith("//") ? fileURLToPath(url) : fileURLToPath(new URL(path, pathToFileURL("./")));
}

function toRows({ columns, rows }: Table): Rows {
  return rows.map((values) => {
    const row: Rows[number] = {};
    for (const [i, column] of columns.entries()) row[column] = values[i]!;
    return row;
  });
}
