import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { gzipSync } from "node:zlib";

/** Builds what `wrangler deploy` would upload, without an account. Gives its path and its size in KiB, gzipped. */
export function bundleWorker(): { path: string; kib: number } {
  const out = "node_modules/.cache/worker";
  execFileSync("node_modules/.bin/wrangler", ["deploy", "--dry-run", "--outdir", out], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" },
  });
  const path = `${out}/main.js`;
  return { path, kib: gzipSync(readFileSync(path)).length / 1024 };
}
