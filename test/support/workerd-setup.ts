import type { TestProject } from "vitest/node";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { Sqld } from "./sqld.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

/** A libSQL server for the tests inside workerd, which can't start one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const sqld = await Sqld.start();
  await migrate(new HttpDatabase(sqld.url));
  project.provide("databaseUrl", sqld.url);
  return () => sqld.stop();
}
