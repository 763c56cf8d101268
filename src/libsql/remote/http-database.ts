import type { InStatement } from "@libsql/client";
import * as hrana from "@libsql/hrana-client";
import { LIMITS } from "../../chat/limits.ts";
import { type Database, MAX_INT64, type Rows } from "../database.ts";
import { LateError, readBatch, readServerTime, writeBatch } from "./batch.ts";
import { OverloadError, persist } from "./patience.ts";
import { Places } from "./places.ts";
import { ServerClock } from "./server-clock.ts";

/**
 * A libSQL server (sqld, Turso) over HTTP, for whoever can't keep a connection. Each read() and write() is one request; the
 * first write, and one after a minute, is two. So many reads are under way at a time as the server is sure to take, and
 * one write. Its ping() reads only.
 */
export class HttpDatabase implements Database {
  readonly greatestInteger = MAX_INT64;
  readonly #url: string;
  readonly #authToken: string | undefined;
  readonly #timeoutMs: number;
  readonly #clock = new ServerClock();
  readonly #reads: Places;
  readonly #writes = new Places(1);

  constructor(url: string, authToken?: string, timeoutMs = LIMITS.databaseMs, reads = LIMITS.databaseReads) {
    const parsed = parseUrl(url);
    this.#url = parsed.httpUrl;
    this.#authToken = authToken ?? parsed.authToken;
    this.#timeoutMs = timeoutMs;
    this.#reads = new Places(reads);
  }

  read(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    const deadline = performance.now() + timeoutMs;
    const read = () => this.#request(deadline, (stream) => readBatch(stream, statements));
    return this.#reads.run(deadline, () => persist(deadline, read));
  }

  write(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    const deadline = performance.now() + timeoutMs;
    return this.#writes.run(deadline, () => persist(deadline, () => this.#write(statements, deadline)));
  }

  async ping(): Promise<void> {
    await this.read(["SELECT 1"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #write(statements: InStatement[], deadline: number): Promise<Rows[]> {
    try {
      if (!this.#clock.isKnown) this.#clock.learn(await this.#request(deadline, readServerTime));
      const serverDeadline = this.#clock.at(deadline);
      const written = await this.#request(deadline, (stream) => writeBatch(stream, statements, serverDeadline));
      this.#clock.learn(written.serverTime);
      return written.rows;
    } catch (e) {
      if (e instanceof LateError) this.#clock.forget();
      throw e;
    }
  }

  /**
   * The client, which is one for each request, costs nothing: one that calls share makes them wait for one another,
   * which poisons a Workers isolate. Connections are pooled below it, by fetch.
   */
  async #request<T>(deadline: number, ask: (stream: hrana.Stream) => Promise<T>): Promise<T> {
    // Not AbortSignal.timeout(), which goes on after the answer and would keep a Durable Object awake.
    const abort = new AbortController();
    const late = () => abort.abort(new Error("no answer in time"));
    const timer = setTimeout(late, Math.max(0, deadline - performance.now()));
    const client = hrana.openHttp(this.#url, this.#authToken, (request: Request) => fetchOnce(request, abort.signal));
    client.intMode = "bigint";
    try {
      const stream = client.openStream();
      const answer = ask(stream);
      stream.closeGracefully(); // in the same request
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function fetchOnce(request: Request, signal: AbortSignal): Promise<Response> {
  const response = await fetch(request, { signal });
  if (response.status !== 429) return response;
  await response.body?.cancel();
  throw new OverloadError("the server answers 429 (too many requests)");
}

/** A server's address over HTTP, and the token that the URL may have: libsql: is https:, unless it asks for no TLS. */
export function parseUrl(url: string): { httpUrl: string; authToken: string | undefined } {
  const { hranaHttpUrl, authToken } = hrana.parseLibsqlUrl(url);
  return { httpUrl: hranaHttpUrl!, authToken };
}
