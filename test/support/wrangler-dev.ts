import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface WranglerDev extends AsyncDisposable {
  readonly url: string;
  /** The process group of wrangler and its workerd processes. */
  readonly group: number;
}

export interface WranglerDevOptions {
  /** On the loopback interface; 0, the default, picks one. */
  readonly port?: number;
  /** The database server; without one the Worker keeps the log itself. */
  readonly databaseUrl?: string;
  /** Of another Worker than this project's. */
  readonly config?: string;
  /** Variables of the Worker, before those of wrangler.toml. If they don't say otherwise, requests are believed. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

/**
 * `wrangler dev` of this project, with workerd below it. It shares nothing with others on this machine: wrangler stores
 * something for each room object, and where two store it in the same files, both get SQLITE_BUSY.
 */
export async function startWranglerDev({
  config = "wrangler.toml",
  port = 0,
  databaseUrl = "",
  vars = {},
  onLine,
}: WranglerDevOptions = {}): Promise<WranglerDev> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const args = [
    "dev",
    "--config",
    config,
    "--ip",
    "127.0.0.1",
    "--port",
    `${port}`,
    "--inspector-port",
    "0",
    "--persist-to",
    `${directory.path}/state`,
    "--show-interactive-dev-session=false",
    // Said in any case: .dev.vars may have a database that is none for tests.
    ...Object.entries({ AUTH: "trust", ...vars, DATABASE_URL: databaseUrl }).flatMap(([name, value]) => [
      "--var",
      `${name}:${value}`,
    ]),
  ];
  const child = spawn("node_modules/.bin/wrangler", args, {
    // A process group of its own: workerd is not ended with wrangler, and doesn't listen to SIGTERM while it streams.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      CI: "1",
      WRANGLER_REGISTRY_PATH: `${directory.path}/registry`,
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
    },
  });
  const exited = once(child, "exit");
  const kill = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // The group is gone.
    }
  };
  process.once("exit", kill);
  stack.defer(async () => {
    process.off("exit", kill);
    kill();
    await exited;
  });
  const ready = Promise.withResolvers<string>();
  void exited.then(() => ready.reject(new Error("wrangler dev ended before it was ready")));
  createInterface({ input: child.stdout }).on("line", (line) => {
    onLine?.(line);
    const url = /Ready on (http:\S+)/.exec(line)?.[1];
    if (url) ready.resolve(url);
  });
  const url = await ready.promise;
  const resources = stack.move();
  return { url, group: child.pid!, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
