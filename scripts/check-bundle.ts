import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Cloudflare allows far more, but start-up time grows with the bundle. */
const MAX_KIB = 200;

const out = "node_modules/.cache/worker";
execFileSync("wrangler", ["deploy", "--dry-run", "--outdir", out], {
  stdio: ["ignore", "ignore", "inherit"],
  env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" },
});
const kib = gzipSync(readFileSync(`${out}/main.js`)).length / 1024;
console.log(`Worker bundle: ${kib.toFixed(1)} KiB gzipped, of at most ${MAX_KIB}`);
if (kib > MAX_KIB) process.exitCode = 1;
