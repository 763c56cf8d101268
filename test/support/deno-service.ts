import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Service } from "../contract/runtime.ts";

/** `deno task start`, as a user starts it, with the permissions it has there; on a database of its own in data/. */
export async function startDenoService(): Promise<Service & { stop(): Promise<number | null> }> {
  await mkdir("data", { recursive: true });
  const directory = await mkdtemp("data/test-");
  const child = spawn("node_modules/.bin/deno", ["task", "start"], {
    // A process group of its own: a task is a shell that starts the program.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: "0", DATABASE_URL: `file:${directory}/roomlog.db`, LOG_LEVEL: "warning" },
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
  const ready = Promise.withResolvers<string>();
  void exited.then(() => ready.reject(new Error("deno ended before it was ready")));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const url = /^roomlog listening on (\S+)/.exec(line)?.[1];
    if (url) ready.resolve(url);
  });
  return {
    url: await ready.promise,
    async stop() {
      signal("SIGTERM");
      const [code] = await exited;
      return code as number | null;
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", kill);
      kill();
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
