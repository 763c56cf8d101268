import process from "node:process";
import { bundleWorker } from "./bundle-worker.ts";

/** Cloudflare allows far more, but start-up time grows with the bundle. */
const MAX_KIB = 240;

const { kib } = bundleWorker();
console.log(`Worker bundle: ${kib.toFixed(1)} KiB gzipped, of at most ${MAX_KIB}`);
if (kib > MAX_KIB) process.exitCode = 1;
