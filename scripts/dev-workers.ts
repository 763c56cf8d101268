import process from "node:process";
import { HttpDatabase } from "../src/libsql/remote/http-database.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { noSqld, Sqld } from "../test/support/sqld.ts";
import { startWranglerDev } from "../test/support/wrangler-dev.ts";

// `npm run dev:workers`: the Worker on this machine, with a database server that starts empty and goes with it.
if (noSqld) throw new Error(`${noSqld}; start a libSQL server yourself, and pass it to wrangler dev as DATABASE_URL`);

const { PORT = 8787, CORS_ORIGINS, LOG_LEVEL } = process.env;
/** Before anything is started, so that an early signal leaves nothing behind either. */
const signal = new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));

await using sqld = await Sqld.start();
await migrate(new HttpDatabase(sqld.url));
await using wrangler = await startWranglerDev(sqld.url, {
  port: Number(PORT),
  vars: { ...(CORS_ORIGINS && { CORS_ORIGINS }), ...(LOG_LEVEL && { LOG_LEVEL }) },
  onLine: (line) => console.log(line),
});
console.log(`roomlog listening on ${wrangler.url}`);
await signal;
