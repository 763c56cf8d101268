import type { InStatement, InValue } from "@libsql/client";
import { type Database, MAX_INT64, type Rows } from "../../src/libsql/database.ts";

interface Result {
  readonly cols: readonly { readonly name: string }[];
  readonly rows: readonly (readonly { readonly type: string; readonly value: string }[])[];
  readonly rows_read: number;
  readonly rows_written: number;
}

/** sqld, with what it says of the rows, entries of indexes among them, that statements have read and written. */
export class MeteredSqld implements Database {
  readonly greatestInteger = MAX_INT64;
  readonly #url: string;
  rowsRead = 0;
  rowsWritten = 0;

  constructor(url: string) {
    this.#url = url;
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#run("BEGIN", statements);
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#run("BEGIN IMMEDIATE", statements);
  }

  async ping(): Promise<void> {
    await this.read(["SELECT 1"]);
  }

  /** The rows that a call makes it read and write. */
  async cost(call: () => Promise<unknown>): Promise<{ rowsRead: number; rowsWritten: number }> {
    const [rowsRead, rowsWritten] = [this.rowsRead, this.rowsWritten];
    await call();
    return { rowsRead: this.rowsRead - rowsRead, rowsWritten: this.rowsWritten - rowsWritten };
  }

  async [Symbol.asyncDispose]() {}

  async #run(begin: string, statements: InStatement[]): Promise<Rows[]> {
    const execute = [begin, ...statements, "COMMIT"].map((statement) => {
      const { sql, args = [] } = typeof statement === "string" ? { sql: statement } : statement;
      return { type: "execute", stmt: { sql, args: (args as InValue[]).map(toHrana) } };
    });
    const response = await fetch(`${this.#url}/v2/pipeline`, {
      method: "POST",
      body: JSON.stringify({ requests: [...execute, { type: "close" }] }),
    });
    const { results } = (await response.json()) as { results: { response?: { result: Result }; error?: unknown }[] };
    return results.slice(1, -2).map(({ response, error }) => {
      if (!response) throw new Error(JSON.stringify(error));
      this.rowsRead += response.result.rows_read;
      this.rowsWritten += response.result.rows_written;
      const { cols, rows } = response.result;
      return rows.map((row) => Object.fromEntries(cols.map(({ name }, i) => [name, fromHrana(row[i]!)])));
    });
  }
}

function toHrana(value: InValue) {
  if (value === null) return { type: "null" };
  return { type: typeof value === "string" ? "text" : "integer", value: `${value}` };
}

function fromHrana({ type, value }: { readonly type: string; readonly value: string }) {
  if (type === "null") return null;
  return type === "integer" ? BigInt(value) : value;
}
