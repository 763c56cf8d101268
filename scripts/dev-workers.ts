import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { HttpDatabase } from "../src/libsql/remote/http-database.ts";
import { migrate } from "../src/libsql/schema/migrate.ts";
import { noSqld, Sqld } from "../test/support/sqld.ts";

// `npm run dev:workers` is `wrangler dev`, with what follows `--`, where requests are believed (AUTH=trust); --sqld gives it
// a database server, which starts empty and goes with it.
const args = process.argv.slice(2).filter((arg) => arg !== "--sqld");
const wantsSqld = args.length < process.argv.length - 2;
if (wantsSqld && noSqld) throw new Error(`${noSqld}; leave out --sqld, and the Worker keeps the log itself`);

// From a terminal, SIGINT goes to wrangler too, which ends, and then this process does.
process.on("SIGINT", () => {});
const terminated = once(process, "SIGTERM");

await using sqld = wantsSqld ? await Sqld.start() : undefined;
if (sqld) {
  await migrate(new HttpDatabase(sqld.url));
  args.push("--var", `DATABASE_URL:${sqld.url}`);
}
const wrangler = spawn(
  process.execPath,
  ["node_modules/wrangler/bin/wrangler.js", "dev", "--var", "AUTH:trust", ...args],
  {
    stdio: "inherit",
  },
);
void terminated.then(() => wrangler.kill());
[process.exitCode] = await once(wrangler, "exit");
