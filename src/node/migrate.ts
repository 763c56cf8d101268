import process from "node:process";
import { parseConfig } from "../http/config.ts";
import { migrate } from "../libsql/migrations.ts";
import { openDatabase } from "../libsql/open.ts";

// `npm run migrate`: brings the schema of DATABASE_URL up to date. Workers need it before a deploy; the others do it
// themselves when they start.
try {
  const { databaseUrl, databaseAuthToken } = parseConfig(process.env);
  await using database = await openDatabase(databaseUrl, databaseAuthToken);
  await migrate(database);
  console.log(`the schema of ${databaseUrl} is up to date`);
} catch (e) {
  console.error(`migrate: ${e instanceof Error ? e.message : e}`);
  process.exitCode = 1;
}
