import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import manifest from "../../package.json" with { type: "json" };
import { temporaryDirectory } from "./temporary-directory.ts";

/** Ends the program with the process that started it, however that one ends. */
const DIE_WITH_PARENT =
  "data:text/javascript,process.once('disconnect',()=>process.kill(process.pid,'SIGKILL'));process.channel?.unref()";

/** How the program ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What `npm start` runs: flags of Node, and the program. */
const START = manifest.scripts.start.split(" ").slice(1);

/** The real program, as `npm start` runs it, or another one, in a process of its own. Disposing it kills it, if it still runs. */
export class ServerProcess implements AsyncDisposable {
  /** What it has printed so far. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #changed = Promise.withResolvers<void>();

  /** `env` is all it gets, beside PORT=0. */
  constructor(env: Readonly<Record<string, string>>, program: readonly string[] = START) {
    this.#child = spawn(process.execPath, ["--import", DIE_WITH_PARENT, ...program], {
      cwd: join(import.meta.dirname, "../.."),
      env: { PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const drained = [this.#collect(this.#child.stdout!, this.stdout), this.#collect(this.#child.stderr!, this.stderr)];
    this.exited = Promise.all([once(this.#child, "exit"), ...drained]).then(([[code, signal]]) => ({ code, signal }));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The log, a record a line; other lines are left out. Warnings and errors come last. */
  get log(): Record<string, unknown>[] {
    return [...this.stdout, ...this.stderr]
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What it printed that tells of a fault of its own, or that is no record. */
  get faults(): string[] {
    return [...this.stdout, ...this.stderr].filter((line) => {
      if (!line.startsWith("{")) return !line.startsWith("roomlog listening on ");
      const { level, code } = JSON.parse(line) as Record<string, unknown>;
      return level === "ERROR" || level === "FATAL" || code === "internal" || code === "unknown";
    });
  }

  /** The url it says it listens on; rejects if it ends without. */
  async listening(): Promise<string> {
    const prefix = "roomlog listening on ";
    return (await this.line((line) => line.startsWith(prefix))).slice(prefix.length);
  }

  /** The first line on stdout that matches, once it is there; rejects if the program ends without. */
  async line(matches: (line: string) => boolean): Promise<string> {
    const exit = this.exited.then((exit) => {
      throw new Error(
        `the server ended: ${JSON.stringify(exit)}\n${[...this.stdout, ...this.stderr].slice(-20).join("\n")}`,
      );
    });
    exit.catch(() => {});
    for (;;) {
      const line = this.stdout.find(matches);
      if (line !== undefined) return line;
      await Promise.race([this.#changed.promise, exit]);
    }
  }

  /** Sends a signal, and resolves when the program has ended. */
  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.exited;
  }

  /** Memory it has in RAM, in MiB: now, and at most so far. */
  async memory(): Promise<{ now: number; peak: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8");
    const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)![1]) / 1024;
    return { now: mib("VmRSS"), peak: mib("VmHWM") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }

  async #collect(stream: NodeJS.ReadableStream, lines: string[]): Promise<void> {
    for await (const line of createInterface({ input: stream })) {
      lines.push(line);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** A {@link ServerProcess} on a database of its own, once it listens. */
export async function startServerProcess(env: Readonly<Record<string, string>> = {}) {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const server = stack.use(new ServerProcess({ DATABASE_URL: `file:${directory.path}/roomlog.db`, ...env }));
  const url = await server.listening();
  const resources = stack.move();
  return { server, url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
