import { parseConfig } from "../../src/http/config.ts";
import { type Running, serve } from "../../src/node/compose.ts";
import type { Identify } from "../../src/rpc/invoke.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The Node service in this process, on a database of its own. */
export async function startNodeService(env: Record<string, string> = {}, identify?: Identify): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const config = parseConfig({ PORT: "0", DATABASE_URL: `file:${directory.path}/roomlog.db`, ...env });
  const running = stack.use(await serve(config, identify));
  const resources = stack.move();
  return { ...running, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
