import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * What another process does with the file of an embedded database:
 * - `lock` keeps the others from writing, `lockAll` also from reading, `lockOften` for moments
 * - `log` writes all messages, as JSON
 * - `migrate` opens the database when it is told to
 * - `send` commits messages for ever, and writes room and seq of each answer, as JSON
 */
export type Task = "lock" | "lockAll" | "lockOften" | "log" | "migrate" | "send";

/** Runs until it is ended, or this process is. */
export class OtherProcess implements AsyncDisposable {
  readonly #child;
  readonly #lines;
  readonly #exited;

  constructor(task: Task, url: string) {
    this.#child = spawn(
      process.execPath,
      [fileURLToPath(new URL("./other-process-main.ts", import.meta.url)), task, url],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#exited = once(this.#child, "exit");
  }

  /** Another process that has the lock already. */
  static async locking(task: "lock" | "lockAll" | "lockOften", url: string): Promise<OtherProcess> {
    const other = new OtherProcess(task, url);
    await other.line();
    return other;
  }

  /** The next line it writes. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("the other process ended early");
    return value;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Lets it finish, and give up its locks. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
