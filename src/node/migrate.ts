import process from "node:process";
import { parseArgs } from "node:util";
import { parseConfig } from "../http/config.ts";
import { shownUrl } from "../http/shown-url.ts";
import { newEpoch } from "../libsql/schema/migrate.ts";
import { openMigrated } from "./open-migrated.ts";
import { withSecretFiles } from "./secret-files.ts";

const USAGE = `usage: npm run migrate [-- --new-epoch]

Brings the schema of DATABASE_URL up to date. Workers with a server need it before a deploy; all others do it when they
start.
  --new-epoch  for a database that was restored from a backup: readers start anew, their cursors are of another log`;

try {
  const { values } = parseArgs({ options: { "new-epoch": { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help) console.log(USAGE);
  else await run(values["new-epoch"] === true);
} catch (e) {
  const isUsage = (e as { code?: unknown }).code?.toString().startsWith("ERR_PARSE_ARGS");
  console.error(`migrate: ${e instanceof Error ? e.message : e}${isUsage ? `\n\n${USAGE}` : ""}`);
  process.exitCode = 1;
}

async function run(wantsNewEpoch: boolean): Promise<void> {
  const config = parseConfig(withSecretFiles(process.env));
  await using database = await openMigrated(config, console.log);
  console.log(`the schema of ${shownUrl(config.databaseUrl)} is up to date`);
  if (wantsNewEpoch) console.log(`its epoch is ${await newEpoch(database)} now`);
}
