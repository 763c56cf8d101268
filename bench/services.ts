import { join } from "node:path";
import { Child } from "./child.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import type { Context } from "./harness.ts";
import type { Bare } from "./processes/bare.ts";
import type { Readers } from "./processes/readers.ts";
import type { Roomlog } from "./processes/roomlog.ts";
import type { Senders } from "./processes/senders.ts";

/** What server processes of both kinds offer. */
export type Service = Child<Roomlog> | Child<Bare>;

let databases = 0;

export async function startRoomlog(
  { directory, profiles }: Context,
  { logLevel = "warning", flags = [], ...dataset }: Dataset & { logLevel?: string; flags?: string[] },
): Promise<Child<Roomlog>> {
  const url = await createDataset(join(directory, `${++databases}.db`), dataset);
  const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  return Child.start<Roomlog>("processes/roomlog.ts", {
    env: { HOST: "127.0.0.1", PORT: "0", DATABASE_URL: url, LOG_LEVEL: logLevel },
    flags: [...flags, ...profiling],
  });
}

export function startBare(flags: string[] = []): Child<Bare> {
  return Child.start<Bare>("processes/bare.ts", { flags });
}

export function startReaders(): Child<Readers> {
  return Child.start<Readers>("processes/readers.ts");
}

export function startSenders(): Child<Senders> {
  return Child.start<Senders>("processes/senders.ts");
}
