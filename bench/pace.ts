import { setImmediate as nextTurn } from "node:timers/promises";
import { sleep } from "./harness.ts";

/** Calls `step` at a steady rate, each time in a turn of the event loop of its own; late ones are made up for. */
export async function pace(perSecond: number, count: number, step: (i: number) => void): Promise<void> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const wait = start + (i * 1_000) / perSecond - performance.now();
    await (wait > 1 ? sleep(wait) : nextTurn());
    step(i);
  }
}
