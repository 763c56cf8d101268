import type { InStatement, Value } from "@libsql/client";
import Libsql from "libsql";
import { isBusy, isRefusal } from "../codes.ts";
import type { OpenedFile } from "./opened-file.ts";

export type Mode = "read" | "write";

/**
 * What promises rest on. In WAL mode, which the file remembers, readers and the writer don't wait for each other; every
 * commit is fsynced; deleted text is overwritten in the file. Pieces that SQLite left behind when an edit made a text
 * longer go with VACUUM.
 */
const PROMISES: Readonly<Record<string, string | bigint>> = {
  journal_mode: "wal",
  synchronous: 2n,
  secure_delete: 1n,
  foreign_keys: 1n,
};

/**
 * Pages of the WAL from which on a commit moves them into the file, which takes long. It is a bound: the thread that
 * reads does so before, see Checkpoints.
 */
const MOST_WAL_PAGES = 16_000;

const SET_UP = [
  ...Object.entries(PROMISES).map(([name, value]) => `PRAGMA ${name} = ${value}`),
  `PRAGMA wal_autocheckpoint = ${MOST_WAL_PAGES}`,
].join(";");

const BEGIN = {
  read: "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1",
  write: "BEGIN IMMEDIATE",
};

/**
 * A connection to a file, through the binding that @libsql/client is made of: that one prepares every statement anew,
 * which for a commit of a few messages is most of what it costs.
 */
export class Connection {
  readonly #database: Libsql.Database;
  readonly #file: OpenedFile;
  readonly #mode: Mode;
  readonly #prepared = new Map<string, { readonly statement: Libsql.Statement; columns: readonly string[] }>();
  #isSetUp = false;
  /** Whether it has met what it can't be trusted after. */
  isBroken = false;

  constructor(path: string, file: OpenedFile, mode: Mode) {
    this.#database = new Libsql(path).defaultSafeIntegers();
    this.#file = file;
    this.#mode = mode;
  }

  /**
   * Runs statements in one transaction, unless it is late by then; throws the binding's errors, and its own, after which
   * nothing of it has happened.
   *
   * A prepared statement that meets a lock stays in progress until it is garbage-collected, and from then on its
   * connection reads an old state of the file. So locks are met by exec() alone, which leaves no statement behind.
   */
  run(statements: readonly InStatement[], isLate: () => boolean = () => false): Table[] {
    let hasBegun = false;
    try {
      if (!this.#isSetUp) this.#setUp();
      this.#database.exec(BEGIN[this.#mode]);
      hasBegun = true;
      const results = statements.map((statement) => this.#execute(statement));
      this.#file.check();
      if (isLate()) throw new Error("the transaction took too long");
      this.#database.exec("COMMIT");
      return results;
    } catch (e) {
      const code = codeOf(e);
      this.isBroken = !isRefusal(code) && (hasBegun || !this.#isSetUp || !isBusy(code));
      throw e;
    } finally {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    }
  }

  /** Moves what is in the WAL into the file. */
  checkpoint(mode: CheckpointMode): Checkpoint {
    if (!this.#isSetUp) this.#setUp();
    const [row] = this.#pragma(`wal_checkpoint(${mode})`);
    return { pages: Number(row?.log ?? 0), isWhole: row?.busy === 0n && row.log === row.checkpointed };
  }

  /** The file is let go of once the prepared statements are garbage-collected, or the thread has ended. */
  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #setUp(): void {
    this.#database.exec(SET_UP);
    for (const [name, value] of Object.entries(PROMISES)) {
      const is = Object.values(this.#pragma(name)[0] ?? {})[0];
      if (is !== value) throw new Error(`the file can't be kept safely: ${name} is ${is}, not ${value}`);
    }
    this.#file.check();
    this.#isSetUp = true;
  }

  #pragma(text: string): Record<string, Value>[] {
    return this.#database.prepare(`PRAGMA ${text}`).all() as Record<string, Value>[];
  }

  #execute(input: InStatement): Table {
    const { sql, args = [] } = typeof input === "string" ? { sql: input } : input;
    let prepared = this.#prepared.get(sql);
    if (!prepared) {
      const statement = this.#database.prepare(sql);
      prepared = { statement, columns: columnsOf(statement) };
      this.#prepared.set(sql, prepared);
    }
    const { statement, columns } = prepared;
    if (columns.length > 0) {
      const rows = statement.all(args) as Value[][];
      // Where another process has added columns to a table since, SQLite has prepared the statement anew, with them.
      const hasMore = rows.length > 0 && rows[0]!.length !== columns.length;
      if (hasMore) prepared.columns = columnsOf(statement);
      return { columns: prepared.columns, rows };
    }
    statement.run(args);
    return { columns, rows: [] };
  }
}

function columnsOf(statement: Libsql.Statement): string[] {
  if (!statement.reader) return [];
  return statement
    .raw()
    .columns()
    .map(({ name }) => name);
}

export type CheckpointMode = "PASSIVE" | "TRUNCATE";

/** What a checkpoint found in the WAL, and whether it could move all of it. */
export interface Checkpoint {
  readonly pages: number;
  readonly isWhole: boolean;
}

/** What a statement gives. Names for every value would make most of what threads send each other. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** SQLite's code of an error, empty if it is not SQLite's. */
export function codeOf(e: unknown): string {
  return e instanceof Libsql.SqliteError ? e.code : "";
}
