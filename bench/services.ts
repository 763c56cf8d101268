import { join } from "node:path";
import type { Peer } from "./bytes.ts";
import { Child } from "./child.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { type Context, sleep } from "./harness.ts";
import type { Bare } from "./processes/bare.ts";
import type { Readers } from "./processes/readers.ts";
import type { Roomlog } from "./processes/roomlog.ts";
import type { Senders } from "./processes/senders.ts";

/** What server processes of both kinds offer. */
export type Service = Child<Roomlog> | Child<Bare>;

/** The least that a server process offers. */
export type Reachable = { url: () => string | Promise<string> };

/** A page of it may call Roomlog. */
export const PAGE_ORIGIN = "https://app.example.com";

let databases = 0;

interface Options {
  readonly logLevel?: string;
  readonly flags?: readonly string[];
}

/** A server on a file of its own with a data set in it. */
export async function startRoomlog(
  context: Context,
  { logLevel, flags, ...dataset }: Dataset & Options,
): Promise<Child<Roomlog>> {
  const url = `file:${join(context.directory, `${++databases}.db`)}`;
  await createDataset(url, dataset);
  return startRoomlogOn(context, url, { ...(logLevel && { logLevel }), ...(flags && { flags }) });
}

/** A server on a database that others may use as well. */
export function startRoomlogOn(
  { profiles }: Context,
  databaseUrl: string,
  { logLevel = "warning", flags = [] }: Options = {},
): Child<Roomlog> {
  const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  return Child.start<Roomlog>("processes/roomlog.ts", {
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: logLevel,
      CORS_ORIGINS: PAGE_ORIGIN,
      // All readers come from one address here.
      LIMIT_CONNECTIONS: "50000",
      LIMIT_ADDRESS_CONNECTIONS: "50000",
    },
    flags: [...flags, ...profiling],
  });
}

export function startBare(flags: string[] = []): Child<Bare> {
  return Child.start<Bare>("processes/bare.ts", { flags });
}

export function startPeer(peer: Peer): Child<Reachable> {
  return Child.start<Reachable>(`processes/${peer}.ts`);
}

export function startReaders(): Child<Readers> {
  return Child.start<Readers>("processes/readers.ts");
}

export function startSenders(): Child<Senders> {
  return Child.start<Senders>("processes/senders.ts");
}

/** Bytes of a service that was started with --expose-gc, once it has given back what it can. */
export async function settledMemory(service: Service): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await sleep(300); // pages are given back in the background
    await service.call.collectGarbage();
  }
  return (await service.call.usage()).rss;
}
