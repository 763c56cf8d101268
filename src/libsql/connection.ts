import type { InStatement, Value } from "@libsql/client";
import Libsql from "libsql";
import { isBusy, isRefusal } from "./codes.ts";

export type Mode = "read" | "write";

/**
 * A connection to a file, through the binding that @libsql/client is made of: that one prepares every statement anew,
 * which for a commit of a few messages is most of what it costs.
 *
 * In WAL mode, which the file remembers, readers and the writer don't wait for each other. Commits are fsynced all the
 * same: synchronous=FULL is this build's default. secure_delete, which a connection forgets, overwrites the text of a
 * deleted message in the file; pieces that SQLite left behind when an edit made a text longer go with VACUUM.
 */
export class Connection {
  readonly #file: Libsql.Database;
  readonly #mode: Mode;
  readonly #prepared = new Map<string, { readonly statement: Libsql.Statement; readonly columns: readonly string[] }>();
  #isSetUp = false;
  /** Whether it has met what it can't be trusted after. */
  isBroken = false;

  constructor(path: string, mode: Mode) {
    this.#file = new Libsql(path).defaultSafeIntegers();
    this.#mode = mode;
  }

  /**
   * Runs statements in one transaction; throws the binding's errors, after which nothing of it has happened.
   *
   * A prepared statement that meets a lock stays in progress until it is garbage-collected, and from then on its
   * connection reads an old state of the file. So locks are met by exec() alone, which leaves no statement behind.
   */
  run(statements: readonly InStatement[]): Table[] {
    let hasBegun = false;
    try {
      if (!this.#isSetUp) this.#file.exec(SET_UP[this.#mode]);
      this.#isSetUp = true;
      this.#file.exec(BEGIN[this.#mode]);
      hasBegun = true;
      const results = statements.map((statement) => this.#execute(statement));
      this.#file.exec("COMMIT");
      return results;
    } catch (e) {
      const code = codeOf(e);
      this.isBroken = !isRefusal(code) && (hasBegun || !isBusy(code));
      throw e;
    } finally {
      if (this.#file.inTransaction) this.#file.exec("ROLLBACK");
    }
  }

  /** The file is let go of once the prepared statements are garbage-collected, or the thread has ended. */
  close(): void {
    this.#prepared.clear();
    this.#file.close();
  }

  #execute(input: InStatement): Table {
    const { sql, args = [] } = typeof input === "string" ? { sql: input } : input;
    let prepared = this.#prepared.get(sql);
    if (!prepared) {
      const statement = this.#file.prepare(sql);
      const columns = statement.reader
        ? statement
            .raw()
            .columns()
            .map(({ name }) => name)
        : [];
      prepared = { statement, columns };
      this.#prepared.set(sql, prepared);
    }
    const { statement, columns } = prepared;
    if (columns.length > 0) return { columns, rows: statement.all(args) as Value[][] };
    statement.run(args);
    return { columns, rows: [] };
  }
}

/** What a statement gives. Names for every value would make most of what threads send each other. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

const SET_UP = {
  read: "",
  write: "PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL",
};

const BEGIN = {
  read: "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1",
  write: "BEGIN IMMEDIATE",
};

/** SQLite's code of an error, empty if it is not SQLite's. */
export function codeOf(e: unknown): string {
  return e instanceof Libsql.SqliteError ? e.code : "";
}
