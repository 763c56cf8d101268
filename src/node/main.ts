import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { parseConfig } from "../http/config.ts";
import { configureLogging } from "../http/logging.ts";
import { serve } from "./compose.ts";
import { withSecretFiles } from "./secret-files.ts";

const log = getLogger("roomlog");

/**
 * For so many milliseconds after the first signal, another one is its echo: a terminal signals the server as well as the
 * task runner that started it (npm, deno task), which passes the signal on.
 */
const ECHO_MS = 300;

try {
  const config = parseConfig(withSecretFiles(process.env));
  configureLogging(config.logLevel);
  process
    .removeAllListeners("warning")
    .on("warning", (warning) => log.warn("warning of Node", { warning: `${warning}` }));
  await using running = await serve(config);
  const signal = terminationSignal();
  console.log(`roomlog listening on ${running.url}`);
  log.info("draining", { signal: await signal });
} catch (e) {
  console.error(`roomlog: ${e instanceof Error ? e.message : e}`);
  process.exitCode = 1;
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function terminationSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const end = (signal: NodeJS.Signals) => {
      first ??= performance.now();
      if (performance.now() - first > ECHO_MS) process.exit(1);
      resolve(signal);
    };
    process.on("SIGTERM", end).on("SIGINT", end);
  });
}
