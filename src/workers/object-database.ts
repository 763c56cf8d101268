import type { InStatement } from "@libsql/client";
import type { Limits } from "../chat/limits.ts";
import { type Database, type Rows, StatementError } from "../libsql/database.ts";
import { migrations } from "../libsql/schema/migrations.ts";
import type { DatabaseObject, Reply } from "./database-object.ts";
import type { DatabaseStubs } from "./database-stubs.ts";
import { reach } from "./reach.ts";
import { GREATEST_INTEGER } from "./storage-database.ts";

/** What the statements here are for. */
const SCHEMA = migrations.length;

/** A database that a Durable Object stands for. Reads go past the object where the database is a server. */
export class ObjectDatabase implements Database {
  readonly greatestInteger: bigint;
  readonly #objects: Pick<DatabaseStubs, "any">;
  readonly #timeoutMs: number;
  readonly #server: Database | undefined;

  constructor(objects: Pick<DatabaseStubs, "any">, { databaseMs }: Limits, server?: Database) {
    this.greatestInteger = server?.greatestInteger ?? GREATEST_INTEGER;
    this.#objects = objects;
    this.#timeoutMs = databaseMs;
    this.#server = server;
  }

  read(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    if (this.#server) return this.#server.read(statements, timeoutMs);
    return this.#ask(timeoutMs, (object) => object.read(statements, SCHEMA, Date.now() + timeoutMs));
  }

  write(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    return this.#ask(timeoutMs, (object) => object.write(statements, SCHEMA, Date.now() + timeoutMs));
  }

  async ping(): Promise<void> {
    await this.#server?.ping();
    await this.#ask(this.#timeoutMs, (object) => object.ping());
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #ask(timeoutMs: number, ask: (object: DurableObjectStub<DatabaseObject>) => Promise<Reply>): Promise<Rows[]> {
    const reply = await reach("database", ask(this.#objects.any()), timeoutMs);
    if ("rows" in reply) return reply.rows;
    throw new StatementError(reply.code, reply.message);
  }
}
