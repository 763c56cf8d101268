import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, release, type } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { all } from "./all.ts";
import { big } from "./big.ts";
import { catchUp } from "./catch-up.ts";
import { changes } from "./changes.ts";
import { cluster } from "./cluster.ts";
import { fanOut } from "./fan-out.ts";
import { type Row, sleep, type Topic, temporaryDirectory } from "./harness.ts";
import { identity } from "./identity.ts";
import { idle } from "./idle.ts";
import { indexing } from "./indexing.ts";
import { latency } from "./latency.ts";
import { list } from "./list.ts";
import { load } from "./load.ts";
import { open } from "./open.ts";
import { peers } from "./peers.ts";
import { rooms } from "./rooms.ts";
import { search } from "./search.ts";
import { sends } from "./sends.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { isMissed, ratioOf, replaceSection, table } from "./table.ts";
import { workers } from "./workers.ts";

const topics: Record<string, Topic> = {
  store,
  changes,
  indexing,
  sends,
  "fan-out": fanOut,
  "catch-up": catchUp,
  all,
  idle,
  open,
  rooms,
  list,
  latency,
  cluster,
  start,
  identity,
  peers,
  workers,
};
/** What takes too long for every run. */
const byHand: Record<string, Topic> = { big, search };
/** A topic takes a few minutes; one that hangs shall not go unnoticed. */
const TOPIC_MS = 15 * 60_000;
const BY_HAND_MS = 2 * 60 * 60_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, "cpu-prof": { type: "string" }, write: { type: "boolean" } },
});
const known = { ...topics, ...byHand };
const unknown = positionals.filter((name) => !(name in known));
if (unknown.length > 0) {
  console.error(`no topic ${unknown.join(", ")}; there are ${Object.keys(known).join(", ")}`);
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
  const hangs = sleep(name in byHand ? BY_HAND_MS : TOPIC_MS).then(() => Promise.reject(new Error("it hangs")));
  try {
    await Promise.race([known[name]!(context), hangs]);
  } catch (e) {
    failed.push(name);
    console.error(`${name} failed:`, e);
  }
  console.error(`${name}: ${((performance.now() - started) / 1_000).toFixed(0)} s`);
}
conditions.push(`after: ${await load(directory)}`);

console.log(`${[machine, ...conditions].join("\n")}\n\n${table(rows)}`);
const missed = rows.filter(isMissed);
if (missed.length > 0) console.log(`\nmissed:\n${missed.map(({ name }) => `- ${name}`).join("\n")}`);
if (values.json !== undefined) {
  const results = rows.map((row) => ({ ...row, ratio: ratioOf(row), isMissed: isMissed(row) }));
  const run = { machine, conditions, at: new Date(), failed, results };
  await writeFile(values.json, `${JSON.stringify(run, null, 2)}\n`);
}
if (values.write && failed.length === 0) {
  const section = `results of ${positionals.length > 0 ? positionals.join(", ") : "all topics"}`;
  const at = new Date().toISOString().slice(0, 10);
  const text = `${at}: ${[machine, ...conditions].join("; ")}.\n\n${table(rows)}`;
  await replaceSection(new URL("../BENCHMARKS.md", import.meta.url), section, text);
}
// Not by itself, since the processes of a topic that failed may still be there; they end with this one.
process.exit(failed.length > 0 ? 1 : 0);
