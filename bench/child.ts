import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";

/** What a process offers its parent; see {@link serveParent}. */
export type Methods = Record<string, (...params: never[]) => unknown>;

export type Remote<M extends Methods> = {
  readonly [K in keyof M]: (...params: Parameters<M[K]>) => Promise<Awaited<ReturnType<M[K]>>>;
};

/** What a process has used since it started; `main` is the share of its main thread. */
export interface Usage {
  readonly cpuMicros: number;
  readonly mainMicros: number;
  readonly rss: number;
  /** The most of it at any time. */
  readonly peakRss: number;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: unknown[];
}

type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

/** For tens of thousands of connections, as far as the system lets us. */
const RAISE_OPEN_FILES = "ulimit -n 65536 2>/dev/null || ulimit -n $(ulimit -Hn)";

/** Files and connections that a child may have open. */
export function openFiles(): number {
  return Number(execFileSync("sh", ["-c", `${RAISE_OPEN_FILES}; ulimit -n`], { encoding: "utf8" }));
}

/** A script of this folder in a process of its own; disposing it ends the process. */
export class Child<M extends Methods> implements AsyncDisposable {
  readonly call: Remote<M & { usage: () => Usage }>;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("result" in answer) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(answer.error));
    });
    child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended with ${code}`));
    });
    this.call = new Proxy({} as typeof this.call, {
      get:
        (_, method: string) =>
        (...params: unknown[]) => {
          if (!child.connected) throw new Error(`${method}: the process has ended`);
          const id = ++this.#lastId;
          const answer = Promise.withResolvers<unknown>();
          this.#waiting.set(id, answer);
          child.send({ id, method, params } satisfies Call);
          return answer.promise;
        },
    });
  }

  /** `script` is a path in this folder. */
  static start<M extends Methods>(
    script: string,
    { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
  ): Child<M> {
    const command = [
      "-c",
      `${RAISE_OPEN_FILES}; exec "$@"`,
      "sh",
      process.execPath,
      ...flags,
      join(import.meta.dirname, script),
    ];
    return new Child<M>(
      spawn("sh", command, {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
        serialization: "advanced",
        env: { ...process.env, ...env },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    // Nobody waits any more: what ended the scope is what counts.
    this.#waiting.clear();
    this.#process.disconnect();
    const patience = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(patience);
  }
}

/** In the child: answers the parent's calls, and ends when the parent has gone. */
export function serveParent(methods: Methods): void {
  const all: Record<string, (...params: never[]) => unknown> = { ...methods, usage };
  process.on("message", async ({ id, method, params }: Call) => {
    let answer: Answer;
    try {
      answer = { id, result: await all[method]!(...(params as never[])) };
    } catch (e) {
      answer = { id, error: e instanceof Error ? (e.stack ?? e.message) : String(e) };
    }
    process.send?.(answer, () => {});
  });
  process.once("disconnect", () => process.exit());
}

export function usage(): Usage {
  const all = process.cpuUsage();
  const main = process.threadCpuUsage();
  return {
    cpuMicros: all.user + all.system,
    mainMicros: main.user + main.system,
    rss: process.memoryUsage.rss(),
    peakRss: process.resourceUsage().maxRSS * 1_024,
  };
}

/** All of it, and gives back what pages it can, so that what is left is what is needed; with --expose-gc. */
export function collectGarbage(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
