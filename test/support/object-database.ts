import type { InStatement, InValue, Value } from "@libsql/client";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Database, Rows } from "../../src/libsql/database.ts";
import { unavailable } from "../../src/libsql/database.ts";

/** An object that runs the statements of a request in one transaction of its own SQLite. */
const SCRIPT = `import { DurableObject } from "cloudflare:workers";
  export class ObjectDatabase extends DurableObject {
    async fetch(request) {
      const statements = await request.json();
      const { sql } = this.ctx.storage;
      try {
        return Response.json(this.ctx.storage.transactionSync(() =>
          statements.map(({ text, args }) => sql.exec(text, ...args).toArray())));
      } catch (e) {
        return new Response(String(e?.message), { status: 500 });
      }
    }
  }
  export default { fetch: (request, env) => env.OBJECTS.getByName("database").fetch(request) };`;

/** The SQLite of a Durable Object. It has no bigint: numbers arrive as `bind` says, and come back as far as they are exact. */
export class ObjectDatabase implements Database {
  readonly #miniflare: Miniflare;
  readonly #bind: "text" | "number";

  constructor(bind: "text" | "number") {
    this.#bind = bind;
    this.#miniflare = new Miniflare(
      convertV4MiniflareOptions({
        modules: true,
        compatibilityDate: "2026-11-01",
        script: SCRIPT,
        durableObjects: { OBJECTS: { className: "ObjectDatabase", useSQLite: true } },
      }),
    );
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#run(statements);
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#run(statements);
  }

  async ping(): Promise<void> {
    await this.#run(["SELECT 1"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
  }

  async #run(statements: InStatement[]): Promise<Rows[]> {
    const body = statements.map((statement) => {
      const { sql, args = [] } = typeof statement === "string" ? { sql: statement } : statement;
      return { text: sql, args: (args as InValue[]).map((value) => this.#toBinding(value)) };
    });
    const response = await this.#miniflare.dispatchFetch("http://database/", {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw unavailable(await response.text());
    return ((await response.json()) as Record<string, Value>[][]).map((rows) => rows.map(fromJson));
  }

  #toBinding(value: InValue): InValue {
    if (typeof value !== "bigint") return value;
    const isExact = value <= BigInt(Number.MAX_SAFE_INTEGER);
    return this.#bind === "number" && isExact ? Number(value) : `${value}`;
  }
}

function fromJson(row: Record<string, Value>): Rows[number] {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "number" ? BigInt(value) : value]),
  );
}
