import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";

export interface WranglerDev extends AsyncDisposable {
  readonly url: string;
  /** The process group of wrangler and its workerd processes. */
  readonly group: number;
}

/** `wrangler dev` of this project, with workerd below it, on a port of the loopback interface; 0 picks one. */
export async function startWranglerDev(
  databaseUrl: string,
  port = 0,
  onLine?: (line: string) => void,
): Promise<WranglerDev> {
  const args = [
    "dev",
    "--ip",
    "127.0.0.1",
    "--port",
    `${port}`,
    "--inspector-port",
    "0",
    "--show-interactive-dev-session=false",
  ];
  const child = spawn("node_modules/.bin/wrangler", [...args, "--var", `DATABASE_URL:${databaseUrl}`], {
    // A process group of its own: workerd is not ended with wrangler, and doesn't listen to SIGTERM while it streams.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
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
  const ready = Promise.withResolvers<string>();
  void exited.then(() => ready.reject(new Error("wrangler dev ended before it was ready")));
  createInterface({ input: child.stdout }).on("line", (line) => {
    onLine?.(line);
    const url = /Ready on (http:\S+)/.exec(line)?.[1];
    if (url) ready.resolve(url);
  });
  return {
    url: await ready.promise,
    group: child.pid!,
    async [Symbol.asyncDispose]() {
      process.off("exit", kill);
      kill();
      await exited;
    },
  };
}
