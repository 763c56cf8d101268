import { type Client, createClient, type InStatement, LibsqlError, type TransactionMode } from "@libsql/client/http";
import { LIMITS } from "../chat/limits.ts";
import { isBusy, isRefusal } from "./codes.ts";
import { type Database, type Rows, StatementError, unavailable } from "./database.ts";

/** A libSQL server (sqld, Turso) over HTTP. Each read() and write() is one request. */
export class RemoteDatabase implements Database {
  readonly #url: string;
  readonly #authToken: string | undefined;
  readonly #timeoutMs: number;

  constructor(url: string, authToken?: string, timeoutMs = LIMITS.databaseMs) {
    this.#url = url;
    this.#authToken = authToken;
    this.#timeoutMs = timeoutMs;
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#run(statements, "read");
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#run(statements, "write");
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #run(statements: InStatement[], mode: TransactionMode): Promise<Rows[]> {
    // Not AbortSignal.timeout(), which goes on after the answer and would keep a Durable Object awake.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error("timeout")), this.#timeoutMs);
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return (await this.#client(abort.signal).batch(statements, mode)).map(({ rows }) => rows);
        } catch (e) {
          const code = e instanceof LibsqlError ? e.code : "";
          if (isRefusal(code)) throw new StatementError(code, (e as Error).message);
          if (!isBusy(code) || abort.signal.aborted) throw unavailable(e);
          await new Promise((resolve) => setTimeout(resolve, Math.min(50, 2 ** attempt)));
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * One for each call, which costs no request: a client that calls share makes them wait for one another, which poisons
   * a Workers isolate. Connections are pooled below it, by fetch.
   */
  #client(signal: AbortSignal): Client {
    return createClient({
      url: this.#url,
      ...(this.#authToken !== undefined && { authToken: this.#authToken }),
      intMode: "bigint",
      fetch: (request: Request) => fetch(request, { signal }),
    });
  }
}
