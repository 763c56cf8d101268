import { limitVariable } from "../../src/http/config.ts";
import { serveStore } from "../support/memory-service.ts";
import { MemoryStore } from "../support/memory-store.ts";
import type { PageLimits } from "../support/model.ts";
import { startNodeService } from "../support/node-service.ts";
import { ServerProcess } from "../support/server-process.ts";
import { Sqld } from "../support/sqld.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Servers } from "./world.ts";

type Env = Record<string, string>;
type Start = (env: Env) => Promise<Servers>;

/** One server, in this process, on a file of its own or on DATABASE_URL. */
export async function startInThisProcess(env: Env): Promise<Servers> {
  const running = await startNodeService(env);
  return {
    urls: [running.url],
    followed: () => running.broadcaster.size,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Two servers, each the real program in a process of its own, on DATABASE_URL. */
export async function startTwoProcesses(env: Env): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  const servers = [1, 2].map(() => stack.use(new ServerProcess({ LOG_LEVEL: "warning", ...env })));
  const urls = await Promise.all(servers.map((server) => server.listening()));
  const resources = stack.move();
  return { urls, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** On a file that is deleted in the end. */
export function onOneFile(start: Start): Start {
  return async (env) => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryDirectory());
    const { urls } = stack.use(await start({ ...env, DATABASE_URL: `file:${path}/roomlog.db` }));
    const resources = stack.move();
    return { urls, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  };
}

/** On an sqld of their own. */
export function onSqld(start: Start): Start {
  return async (env) => {
    await using stack = new AsyncDisposableStack();
    const sqld = stack.use(await Sqld.start());
    const servers = stack.use(await start({ ...env, DATABASE_URL: sqld.url }));
    const resources = stack.move();
    return { ...servers, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  };
}

/** So many servers in this process, on one store in memory; each is told of its own changes only. */
export function onOneMemory(count: number): Start {
  return async (env) => {
    await using stack = new AsyncDisposableStack();
    const limit = (name: keyof PageLimits) => Number(env[limitVariable(name)]);
    const limits = { pageBytes: limit("pageBytes"), namedRoomsBytes: limit("namedRoomsBytes") };
    const store = stack.use(new MemoryStore(limits));
    const started = await Promise.all(Array.from({ length: count }, () => serveStore(store, env)));
    const services = started.map((service) => stack.use(service));
    const resources = stack.move();
    return {
      urls: services.map(({ url }) => url),
      followed: () => services.reduce((sum, { feeds }) => sum + feeds.size, 0),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  };
}
