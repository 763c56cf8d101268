import { open } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { median } from "./harness.ts";

/** What else the machine does, and what its disk charges: numbers of a busy machine tell little beyond their ratios. */
export async function load(directory: string): Promise<string> {
  const file = await open(join(directory, "fsync"), "w");
  const times: number[] = [];
  for (let i = 0; i < 50; i++) {
    await file.write(Buffer.alloc(4_096));
    const start = performance.now();
    await file.datasync();
    times.push(performance.now() - start);
  }
  await file.close();
  return `load average ${loadavg()[0]!.toFixed(1)}, fsync ${median(times).toFixed(2)} ms`;
}
