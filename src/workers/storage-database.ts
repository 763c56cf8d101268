import type { InStatement, InValue } from "@libsql/client";
import { isRefusal } from "../libsql/codes.ts";
import { type Database, PROBE, type Rows, StatementError, unavailable } from "../libsql/database.ts";

/** The greatest integer that comes back as it was: SQLite's here are JavaScript's numbers. */
export const GREATEST_INTEGER = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * The SQLite of a Durable Object. It runs in the object's own thread, so nothing happens between the statements of a
 * read or a write.
 */
export class StorageDatabase implements Database {
  readonly greatestInteger = GREATEST_INTEGER;
  readonly #storage: Pick<DurableObjectStorage, "sql" | "transactionSync" | "sync">;
  #lastWriteFailed = false;

  constructor(storage: Pick<DurableObjectStorage, "sql" | "transactionSync" | "sync">) {
    this.#storage = storage;
  }

  async read(statements: InStatement[]): Promise<Rows[]> {
    return this.#run(statements);
  }

  async write(statements: InStatement[]): Promise<Rows[]> {
    try {
      const rows = this.#storage.transactionSync(() => this.#run(statements));
      await this.#storage.sync().catch((e: unknown) => {
        throw unavailable(e);
      });
      this.#lastWriteFailed = false;
      return rows;
    } catch (e) {
      this.#lastWriteFailed ||= !(e instanceof StatementError);
      throw e;
    }
  }

  async ping(): Promise<void> {
    await this.read(["SELECT 1"]);
    if (this.#lastWriteFailed) await this.write(PROBE);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #run(statements: readonly InStatement[]): Rows[] {
    try {
      return statements.map((statement) => {
        const { sql, args = [] } = typeof statement === "string" ? { sql: statement } : statement;
        return this.#storage.sql
          .exec<SqlRow>(sql, ...(args as InValue[]).map(toBinding))
          .toArray()
          .map(toRow);
      });
    } catch (e) {
      throw explained(e);
    }
  }
}

type SqlRow = Record<string, SqlStorageValue>;

/**
 * An integer goes as text, since a number would be a floating-point one; where it meets a column of integers, or a cast,
 * it is that integer again.
 */
function toBinding(value: InValue): SqlStorageValue {
  return typeof value === "bigint" ? `${value}` : (value as SqlStorageValue);
}

function toRow(row: SqlRow): Rows[number] {
  const converted: Rows[number] = {};
  for (const name in row) {
    const value = row[name]!;
    converted[name] = typeof value === "number" ? toInteger(value) : value;
  }
  return converted;
}

function toInteger(value: number): bigint | number {
  if (!Number.isInteger(value)) return value;
  if (!Number.isSafeInteger(value))
    throw new Error(`${value} is beyond the integers that are exact here: SQLITE_RANGE`);
  return BigInt(value);
}

/** What the platform says has SQLite's code in it. */
function explained(e: unknown): Error {
  const message = e instanceof Error ? e.message : `${e}`;
  const code = /SQLITE_\w+/.exec(message)?.[0] ?? "";
  return isRefusal(code) ? new StatementError(code, message) : unavailable(e);
}
