import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Service } from "../contract/runtime.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** `deno task start`, as a user starts it, with the permissions it has there; on a database of its own in data/. */
export async function startDenoService(
  env: Readonly<Record<string, string>> = {},
  onLine?: (line: string) => void,
): Promise<Service & { stop(): Promise<number | null> }> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("data"));
  const child = spawn("node_modules/.bin/deno", ["task", "start"], {
    // A process group of its own: a task is a shell that starts the program.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: "0", DATABASE_URL: `file:${directory.path}/roomlog.db`, LOG_LEVEL: "warning", ...env },
  });
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // The group is gone.
    }
  };
  const kill = () => signal("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "exit");
  stack.defer(async () => {
    process.off("exit", kill);
    kill();
    await exited;
  });
  const ready = Promise.withResolvers<string>();
  void exited.then(() => ready.reject(new Error("deno ended before it was ready")));
  createInterface({ input: child.stdout }).on("line", (line) => {
    onLine?.(line);
    const url = /^roomlog listening on (\S+)/.exec(line)?.[1];
    if (url) ready.resolve(url);
  });
  const url = await ready.promise;
  const resources = stack.move();
  return {
    url,
    async stop() {
      signal("SIGTERM");
      const [code] = await exited;
      return code as number | null;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
