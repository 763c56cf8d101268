import type { TestProject } from "vitest/node";
import { migrate } from "../../src/libsql/migrations.ts";
import { RemoteDatabase } from "../../src/libsql/remote.ts";
import { Sqld } from "./sqld.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

/** A libSQL server for the tests inside workerd, which can't start one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const sqld = await Sqld.start();
  await migrate(new RemoteDatabase(sqld.url));
  project.provide("databaseUrl", sqld.url);
  return () => sqld.stop();
}
