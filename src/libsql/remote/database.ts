import type { InStatement } from "@libsql/client";
import { LIMITS } from "../../chat/limits.ts";
import { type Database, MAX_INT64, PROBE, type Rows, StatementError, unavailable } from "../database.ts";
import { HttpDatabase, parseUrl } from "./http-database.ts";
import { persist } from "./patience.ts";
import { WriteStream } from "./write-stream.ts";

/** Streams are opened anew after this time, in milliseconds: one that was cut silently shows only when it is used. */
const MAX_AGE_MS = 60_000;

/**
 * A libSQL server (sqld, Turso), for a process that lasts. Writes go one after the other through one stream that is
 * kept: a server gets slower with every writer, and with eight some stop for good. Reads are requests over HTTP, so many
 * at a time as the server is sure to take.
 */
export class RemoteDatabase implements Database {
  readonly greatestInteger = MAX_INT64;
  readonly #http: HttpDatabase;
  readonly #url: string;
  readonly #authToken: string | undefined;
  readonly #timeoutMs: number;
  #stream: WriteStream | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #lastWriteFailed = false;
  #isClosed = false;

  constructor(url: string, authToken?: string, timeoutMs = LIMITS.databaseMs, reads = LIMITS.databaseReads) {
    this.#http = new HttpDatabase(url, authToken, timeoutMs, reads);
    const parsed = parseUrl(url);
    this.#url = parsed.httpUrl.replace(/^http/, "ws");
    this.#authToken = authToken ?? parsed.authToken;
    this.#timeoutMs = timeoutMs;
  }

  async read(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    if (this.#isClosed) throw unavailable("the database is closed");
    return this.#http.read(statements, timeoutMs);
  }

  async write(statements: InStatement[], timeoutMs = this.#timeoutMs): Promise<Rows[]> {
    if (this.#isClosed) throw unavailable("the database is closed");
    const deadline = performance.now() + timeoutMs;
    const write = this.#lastWrite.then(() => persist(deadline, () => this.#write(statements, deadline)));
    this.#lastWrite = write.then(
      () => (this.#lastWriteFailed = false),
      (e: unknown) => (this.#lastWriteFailed ||= !(e instanceof StatementError)),
    );
    return write;
  }

  async ping(): Promise<void> {
    await this.read(["SELECT 1"]);
    if (this.#lastWriteFailed) await this.write(PROBE);
  }

  /** Lets the writes that were asked for finish. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#lastWrite;
    this.#stream?.close();
  }

  async #write(statements: InStatement[], deadline: number): Promise<Rows[]> {
    if (performance.now() > deadline) throw new Error("the writes before it took too long");
    if (this.#stream && performance.now() - this.#stream.opened > MAX_AGE_MS) this.#stream.close();
    if (!this.#stream?.isOpen) this.#stream = await WriteStream.open(this.#url, this.#authToken, deadline);
    return this.#stream.write(statements, deadline);
  }
}
