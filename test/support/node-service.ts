import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, serve } from "../../src/node/serve.ts";
import { parseConfig } from "../../src/server/config.ts";

/** A directory that goes when it is disposed. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "roomlog-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The Node service in this process, on a database of its own. */
export async function startNodeService(env: Record<string, string> = {}): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const config = parseConfig({ PORT: "0", DATABASE_URL: `file:${directory.path}/roomlog.db`, ...env });
  const running = stack.use(await serve(config));
  const resources = stack.move();
  return { ...running, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
