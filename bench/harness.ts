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
  /** The least ratio asked for. */
  readonly target?: number;
}

export interface Context {
  /** Gone when the run ends. */
  readonly directory: string;
  /** Where server processes leave a CPU profile, if one is asked for. */
  readonly profiles: string | undefined;
  report(row: Row): void;
}

export type Topic = (context: Context) => Promise<void>;

/** How much of the ceiling was reached, for rates as for costs: 1 is the ceiling itself. */
export function ratioOf({ ours, ceiling, better }: Row): number | undefined {
  if (ceiling === undefined) return undefined;
  return better === "more" ? ours / ceiling : ceiling / ours;
}

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

export function table(rows: readonly Row[]): string {
  const lines = [
    ["name", "ours", "ceiling", "ratio", "target", "unit"],
    ...rows.map((row) => [
      row.name,
      format(row.ours),
      row.ceiling === undefined ? "" : format(row.ceiling),
      ratioOf(row)?.toFixed(2) ?? "",
      row.target === undefined ? "" : `≥ ${row.target.toFixed(2)}`,
      row.unit,
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const isText = (column: number) => column === 0 || column === widths.length - 1;
  const print = (line: string[]) =>
    `| ${line.map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [print(lines[0]!), rule, ...lines.slice(1).map(print)].join("\n");
}

function format(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
