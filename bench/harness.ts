import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** One number beside the best this machine allows, both taken in the same run. */
export interface Row {
  readonly name: string;
  readonly ours: number;
  readonly ceiling?: number;
  readonly unit: string;
  readonly better: "more" | "less";
  /** What is asked for: the least ratio, or a bound of our own number. */
  readonly target?: { readonly ratio: number } | { readonly ours: number };
}

export interface Context {
  /** Gone when the run ends. */
  readonly directory: string;
  /** Where server processes leave a CPU profile, if one is asked for. */
  readonly profiles: string | undefined;
  report(row: Row): void;
}

export type Topic = (context: Context) => Promise<void>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a share of the values does not exceed. */
export function quantile(values: Float64Array | readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

type Sides<K extends string, T> = { readonly [side in K]: () => Promise<T> };

/** Runs the sides in turn, so that whatever else the machine does meets all of them. */
export async function alternate<K extends string, T>(rounds: number, sides: Sides<K, T>): Promise<Record<K, T[]>> {
  const names = Object.keys(sides) as K[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await sides[name]());
  }
  return results;
}

/** Leaves out the first run of each side, in which its code is compiled. */
export async function alternateWarm<K extends string, T>(rounds: number, sides: Sides<K, T>): Promise<Record<K, T[]>> {
  await alternate(1, sides);
  return alternate(rounds, sides);
}

export function medianOf<T>(results: readonly T[], pick: (result: T) => number): number {
  return median(results.map(pick));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Gone when the process exits. Beside the project's modules, since /tmp may be memory, where a durable write costs
 * nothing.
 */
export function temporaryDirectory(): string {
  const parent = join(import.meta.dirname, "../node_modules/.cache");
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, "bench-"));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}
