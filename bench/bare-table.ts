import { type Client, createClient, type InStatement, type InValue } from "@libsql/client";
import { BODY, USER } from "./bytes.ts";

const TABLE = "messages";

/** A table like the store's, filled without any question asked, in the event loop's own thread. */
export class BareTable implements Disposable {
  readonly #client: Client;
  readonly #columns: readonly string[];
  #seq = 0;

  private constructor(client: Client, columns: readonly string[]) {
    this.#client = client;
    this.#columns = columns;
  }

  /** `modelUrl` is a database with the store's tables, `url` an empty one. */
  static async create(modelUrl: string, url: string): Promise<BareTable> {
    const model = createClient({ url: modelUrl });
    const { rows: tables } = await model.execute({
      sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL",
      args: [TABLE],
    });
    // Those that a row needs, whatever else the store keeps of a message.
    const { rows: columns } = await model.execute({
      sql: `SELECT name FROM pragma_table_info(?)
        WHERE name IN ('id', 'client_message_id') OR "notnull" AND dflt_value IS NULL`,
      args: [TABLE],
    });
    model.close();
    const client = createClient({ url, intMode: "bigint" });
    if (url.startsWith("file:")) await client.execute("PRAGMA journal_mode=WAL");
    await client.batch(
      tables.map(({ sql }) => sql as string),
      "write",
    );
    return new BareTable(
      client,
      columns.map(({ name }) => name as string),
    );
  }

  /** Inserts until the time is up, and answers with how many rows it were. */
  async fill(seconds: number, { rowsPerCommit, ids }: { rowsPerCommit: number; ids: boolean }): Promise<number> {
    const end = performance.now() + seconds * 1_000;
    let rows = 0;
    for (; performance.now() < end; rows += rowsPerCommit) {
      await this.#client.batch([this.#insert(rowsPerCommit, ids)], "write");
      await new Promise(setImmediate);
    }
    return rows;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #insert(rows: number, ids: boolean): InStatement {
    const row = `(${this.#columns.map(() => "?")})`;
    return {
      sql: `INSERT INTO ${TABLE} (${this.#columns}) VALUES ${Array.from({ length: rows }, () => row)}`,
      args: Array.from({ length: rows }, () => this.#values(ids)).flat(),
    };
  }

  #values(ids: boolean): InValue[] {
    const now = BigInt(Date.now());
    const seq = BigInt(++this.#seq);
    const values: Record<string, InValue> = {
      room_id: 1n,
      id: seq,
      seq,
      user_id: USER,
      body: BODY,
      client_message_id: ids ? crypto.randomUUID() : null,
      created_at: now,
      updated_at: now,
    };
    return this.#columns.map((column) => (column in values ? values[column]! : 0n));
  }
}
