import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, release, type } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { catchUp } from "./catch-up.ts";
import { fanOut } from "./fan-out.ts";
import { type Row, ratioOf, sleep, type Topic, table, temporaryDirectory } from "./harness.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { load } from "./load.ts";
import { open } from "./open.ts";
import { peers } from "./peers.ts";
import { rooms } from "./rooms.ts";
import { sends } from "./sends.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { workers } from "./workers.ts";

const topics: Record<string, Topic> = {
  store,
  sends,
  "fan-out": fanOut,
  "catch-up": catchUp,
  idle,
  open,
  rooms,
  latency,
  start,
  peers,
  workers,
};
/** A topic takes a minute or two; one that hangs shall not go unnoticed. */
const TOPIC_MS = 5 * 60_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, "cpu-prof": { type: "string" } },
});
const unknown = positionals.filter((name) => !(name in topics));
if (unknown.length > 0) {
  console.error(`no topic ${unknown.join(", ")}; there are ${Object.keys(topics).join(", ")}`);
  process.exit(1);
}

const machine = `${availableParallelism()} × ${cpus()[0]?.model}, ${type()} ${release()}, Node ${process.version}`;
const directory = temporaryDirectory();
const conditions = [`before: ${await load(directory)}`];
const rows: Row[] = [];
const failed: string[] = [];
process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
for (const name of positionals.length > 0 ? positionals : Object.keys(topics)) {
  const started = performance.now();
  const context = {
    directory,
    profiles: values["cpu-prof"] && resolve(values["cpu-prof"]),
    report: (row: Row) => rows.push(row),
  };
  const hangs = sleep(TOPIC_MS).then(() => Promise.reject(new Error("it hangs")));
  try {
    await Promise.race([topics[name]!(context), hangs]);
  } catch (e) {
    failed.push(name);
    console.error(`${name} failed:`, e);
  }
  console.error(`${name}: ${((performance.now() - started) / 1_000).toFixed(0)} s`);
}
conditions.push(`after: ${await load(directory)}`);

console.log(`${[machine, ...conditions].join("\n")}\n\n${table(rows)}`);
if (values.json !== undefined) {
  const results = rows.map((row) => ({ ...row, ratio: ratioOf(row) }));
  const run = { machine, conditions, at: new Date(), failed, results };
  await writeFile(values.json, `${JSON.stringify(run, null, 2)}\n`);
}
// Not by itself, since the processes of a topic that failed may still be there; they end with this one.
process.exit(failed.length > 0 ? 1 : 0);
