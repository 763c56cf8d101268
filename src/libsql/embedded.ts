import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { InStatement } from "@libsql/client";
import { LIMITS } from "../chat/limits.ts";
import { isRefusal } from "./codes.ts";
import type { Table } from "./connection.ts";
import { type Database, type Rows, StatementError, unavailable } from "./database.ts";
import type { Reply, Request, ThreadData } from "./embedded-thread.ts";

/**
 * A database in a file of this machine. SQLite's calls block their thread, so they run in threads of their own: one
 * writes, one reads, and the event loop stays free. Several processes may open one file.
 */
export class EmbeddedDatabase implements Database {
  readonly #reader: Thread;
  readonly #writer: Thread;

  private constructor(path: string, timeoutMs: number) {
    this.#reader = new Thread({ path, mode: "read" }, timeoutMs);
    this.#writer = new Thread({ path, mode: "write" }, timeoutMs);
  }

  /** Opens the file of a `file:` URL (an absolute path, or one relative to the working directory), or creates it. */
  static async open(url: string, timeoutMs = LIMITS.databaseMs): Promise<EmbeddedDatabase> {
    const path = filePath(url);
    await mkdir(dirname(path), { recursive: true });
    const database = new EmbeddedDatabase(path, timeoutMs);
    await Promise.all([database.#reader.started(), database.#writer.started()]);
    return database;
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#reader.run(statements);
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#writer.run(statements);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.end();
    await this.#writer.end(); // the last to close takes the WAL with it
  }
}

function filePath(url: string): string {
  const path = url.slice("file:".length).replace(/\?.*$/, "");
  return path.startsWith("//") ? fileURLToPath(url) : fileURLToPath(new URL(path, pathToFileURL("./")));
}

function toRows({ columns, rows }: Table): Rows {
  return rows.map((values) => {
    const row: Rows[number] = {};
    for (const [i, column] of columns.entries()) row[column] = values[i]!;
    return row;
  });
}

/**
 * A thread that is started again by the first call after a crash. Messages between threads cost more than most reads, so
 * what is asked while it works goes to it together.
 */
class Thread {
  readonly #data: ThreadData;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  readonly #unsent = new Map<number, Request>();
  /** Requests that the thread has, but hasn't answered. */
  #underWay = 0;
  #lastId = 0;
  #worker: Worker | undefined;
  #exited = Promise.resolve();
  #ended = false;

  constructor(data: ThreadData, timeoutMs: number) {
    this.#data = data;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves when the thread runs; starting it is no part of a call's time. */
  async started(): Promise<void> {
    this.#worker = this.#start();
    await once(this.#worker, "message");
  }

  async run(statements: InStatement[]): Promise<Rows[]> {
    if (this.#ended) throw unavailable("the database is closed");
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Reply>();
    // The thread gives up first, so that a lock leaves no doubt about what was committed; this is for a disk that hangs.
    const deadline = Date.now() + 0.9 * this.#timeoutMs;
    const late = setTimeout(() => waiting.reject(unavailable("no answer in time")), this.#timeoutMs);
    this.#waiting.set(id, waiting);
    try {
      this.#unsent.set(id, { id, statements, deadline });
      if (this.#underWay === 0) this.#send();
      const reply = await waiting.promise;
      if ("results" in reply) return reply.results.map(toRows);
      throw isRefusal(reply.code) ? new StatementError(reply.code, reply.message) : unavailable(reply.message);
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
      this.#unsent.delete(id);
    }
  }

  /** Lets what was asked finish, closes the file and ends the thread. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#send();
    this.#worker?.postMessage("end");
    await this.#exited;
  }

  #send(): void {
    if (this.#unsent.size === 0) return;
    this.#worker ??= this.#start();
    this.#worker.postMessage([...this.#unsent.values()]);
    this.#underWay += this.#unsent.size;
    this.#unsent.clear();
  }

  #receive(replies: Reply[]): void {
    for (const reply of replies) this.#waiting.get(reply.id)?.resolve(reply);
    this.#underWay -= replies.length;
    if (this.#underWay === 0) this.#send();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./embedded-thread.ts", import.meta.url), { workerData: this.#data });
    let cause: unknown = "the thread ended";
    // Not at once: Node hands over replies that arrive meanwhile before it looks at anything else, and there is always
    // one while a reader catches up.
    worker.on("message", (replies: Reply[]) => setImmediate(() => this.#receive(replies)));
    worker.on("error", (e) => (cause = e));
    this.#exited = new Promise((resolve) => {
      const exit = () => {
        this.#worker = undefined;
        this.#underWay = 0;
        for (const { reject } of this.#waiting.values()) reject(unavailable(cause));
        resolve();
      };
      worker.on("exit", () => setImmediate(exit)); // after its last replies
    });
    return worker;
  }
}
