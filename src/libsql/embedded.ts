import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { InStatement } from "@libsql/client";
import { StatementError, unavailable, type Database, type Rows } from "./database.ts";
import type { Reply, Request, ThreadData } from "./embedded-thread.ts";

/**
 * A database in a file of this machine. SQLite's calls block their thread, so they run in threads of their own: one
 * writes, one reads, and the event loop stays free. Several processes may open one file.
 */
export class EmbeddedDatabase implements Database {
  readonly #reader: Thread;
  readonly #writer: Thread;

  private constructor(url: string) {
    this.#reader = new Thread({ url, mode: "read" });
    this.#writer = new Thread({ url, mode: "write" });
  }

  /** Opens the file of a `file:` URL (an absolute path, or one relative to the working directory), or creates it. */
  static async open(url: string): Promise<EmbeddedDatabase> {
    await mkdir(dirname(filePath(url)), { recursive: true });
    return new EmbeddedDatabase(url);
  }

  read(statements: InStatement[]): Promise<Rows[]> {
    return this.#reader.run(statements);
  }

  write(statements: InStatement[]): Promise<Rows[]> {
    return this.#writer.run(statements);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#reader.end(), this.#writer.end()]);
  }
}

function filePath(url: string): string {
  const path = url.slice("file:".length).replace(/\?.*$/, "");
  return path.startsWith("//") ? fileURLToPath(url) : fileURLToPath(new URL(path, pathToFileURL("./")));
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Rows[]>>();
  #lastId = 0;

  constructor(data: ThreadData) {
    this.#worker = new Worker(new URL("./embedded-thread.ts", import.meta.url), { workerData: data });
    this.#worker.on("message", ({ id, ...reply }: Reply) => {
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if ("results" in reply) resolve(reply.results);
      else if (reply.code === undefined) reject(unavailable(reply.message));
      else reject(new StatementError(reply.code, reply.message));
    });
  }

  run(statements: InStatement[]): Promise<Rows[]> {
    const id = ++this.#lastId;
    const reply = Promise.withResolvers<Rows[]>();
    this.#waiting.set(id, reply);
    this.#worker.postMessage({ id, statements, sent: Date.now() } satisfies Request);
    return reply.promise;
  }

  /** Lets what was asked finish, closes the file and ends the thread. */
  async end(): Promise<void> {
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.postMessage("end");
    await exited;
    for (const { reject } of this.#waiting.values()) reject(unavailable("the database is closed"));
  }
}
