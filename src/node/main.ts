import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { parseConfig } from "../server/config.ts";
import { configureLogging } from "../server/logging.ts";
import { serve } from "./serve.ts";

const log = getLogger("roomlog");

try {
  const config = parseConfig(process.env);
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
async function terminationSignal(): Promise<NodeJS.Signals> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once("SIGTERM", resolve).once("SIGINT", resolve);
  });
  const endNow = () => process.exit(1);
  process.on("SIGTERM", endNow).on("SIGINT", endNow);
  return signal;
}
