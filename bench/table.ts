import { readFile, writeFile } from "node:fs/promises";
import type { Row } from "./harness.ts";

const HEADS = ["name", "ours", "ceiling", "ratio", "target", "unit", "better"];
const TEXTS = new Set(["name", "unit", "better"]);

/** How much of the ceiling was reached, for rates as for costs: 1 is the ceiling itself. */
export function ratioOf({ ours, ceiling, better }: Row): number | undefined {
  if (ceiling === undefined) return undefined;
  return better === "more" ? ours / ceiling : ceiling / ours;
}

export function isMissed(row: Row): boolean {
  const { ours, better, target } = row;
  if (target === undefined) return false;
  if ("ratio" in target) return !((ratioOf(row) ?? NaN) >= target.ratio);
  return !(better === "more" ? ours >= target.ours : ours <= target.ours);
}

/** In Markdown. */
export function table(rows: readonly Row[]): string {
  const lines = [
    HEADS,
    ...rows.map((row) => [
      row.name,
      format(row.ours),
      row.ceiling === undefined ? "" : format(row.ceiling),
      ratioOf(row)?.toFixed(2) ?? "",
      targetOf(row),
      row.unit,
      row.better,
    ]),
  ];
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const isText = (column: number) => TEXTS.has(HEADS[column]!);
  const print = (line: string[]) =>
    `| ${line.map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [print(HEADS), rule, ...lines.slice(1).map(print)].join("\n");
}

/** Puts text between the two comments of a Markdown file that carry a name. */
export async function replaceSection(path: URL, name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
  const file = await readFile(path, "utf8");
  const [from, to] = [file.indexOf(begin), file.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${path.pathname} has no place for ${name}`);
  await writeFile(path, `${file.slice(0, from + begin.length)}\n${text}\n\n${file.slice(to)}`);
}

function targetOf(row: Row): string {
  const { better, target } = row;
  if (target === undefined) return "";
  const bound =
    "ratio" in target
      ? `ratio ≥ ${target.ratio.toFixed(2)}`
      : `${better === "more" ? "≥" : "≤"} ${target.ours.toLocaleString("en-US")}`;
  return isMissed(row) ? `${bound} (missed)` : bound;
}

function format(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
