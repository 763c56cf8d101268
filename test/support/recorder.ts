import type { InStatement } from "@libsql/client";
import type { Database, Rows } from "../../src/libsql/database.ts";

/** A database that remembers what it was asked. */
export class Recorder implements Database {
  readonly greatestInteger: bigint;
  readonly calls: { readonly kind: "read" | "write"; readonly statements: readonly InStatement[] }[] = [];
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.greatestInteger = database.greatestInteger;
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#run("read", statements);
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#run("write", statements);
  }

  ping(): Promise<void> {
    return this.#database.ping();
  }

  /** The calls that something makes. */
  async callsOf(what: () => Promise<unknown>): Promise<Recorder["calls"]> {
    const before = this.calls.length;
    await what();
    return this.calls.slice(before);
  }

  [Symbol.asyncDispose]() {
    return this.#database[Symbol.asyncDispose]();
  }

  #run(kind: "read" | "write", statements: InStatement[]): Promise<Rows[]> {
    this.calls.push({ kind, statements });
    return this.#database[kind](statements);
  }
}

export function sqlOf(statement: InStatement): string {
  return typeof statement === "string" ? statement : statement.sql;
}
