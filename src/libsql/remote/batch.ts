import type { InStatement } from "@libsql/client";
import * as hrana from "@libsql/hrana-client";
import { isRefusal } from "../codes.ts";
import type { Rows } from "../database.ts";

/** The server's time, in milliseconds. */
const NOW = "SELECT unixepoch('subsec') * 1000 AS now";

/**
 * Fails when the server's clock is past ?1: json() is only called then, and takes no such text. It names a table, which has
 * the server look at the schema: until then, the server names the columns of before, even where others have added some.
 */
const NOW_IF_IN_TIME = `${NOW}, iif(unixepoch('subsec') * 1000 > CAST(?1 AS REAL), json(?2), NULL)
  FROM (SELECT 1) LEFT JOIN sqlite_schema ON false`;

/** By the server's clock it was too late to begin; nothing happened. */
export class LateError extends Error {
  override name = "LateError";
}

export interface Written {
  readonly rows: Rows[];
  /** When it began, by the server's clock. */
  readonly serverTime: number;
}

export async function readServerTime(stream: hrana.Stream): Promise<number> {
  const [rows] = await readBatch(stream, [NOW]);
  return timeIn(rows);
}

/** Runs statements that only read, on one state of the database. The request is under way when this has returned. */
export async function readBatch(stream: hrana.Stream, statements: readonly InStatement[]): Promise<Rows[]> {
  const steps = new Steps(stream);
  if (statements.length === 1) {
    steps.add(statements[0]!);
    return steps.run();
  }
  steps.add("BEGIN TRANSACTION READONLY");
  for (const statement of statements) steps.add(statement);
  steps.addCommit();
  return (await steps.run()).slice(1, -1);
}

/** Runs statements in one transaction, unless the server's clock is past the deadline when it could begin. */
export async function writeBatch(
  stream: hrana.Stream,
  statements: readonly InStatement[],
  serverDeadline: number,
): Promise<Written> {
  const steps = new Steps(stream);
  steps.add("BEGIN IMMEDIATE");
  const inTime = steps.add({ sql: NOW_IF_IN_TIME, args: [serverDeadline, "the deadline has passed"] });
  for (const statement of statements) steps.add(statement);
  steps.addCommit();
  const [, time, ...rows] = await steps.run((e, step) => {
    if (step > inTime || !isRefusal(codeOf(e))) return e;
    return step === inTime ? new LateError("the deadline has passed") : new Error(`no transaction: ${e}`);
  });
  return { rows: rows.slice(0, -1), serverTime: timeIn(time) };
}

/** A server's code of an error, empty if there is none. */
export function codeOf(e: unknown): string {
  return (e instanceof hrana.ResponseError && e.code) || "";
}

type Settled = { readonly rows: Rows | undefined } | { readonly error: unknown };

/** The steps of a batch: each runs only if the one before it went well. */
class Steps {
  readonly #batch: hrana.Batch;
  readonly #steps: hrana.BatchStep[] = [];
  readonly #outcomes: Promise<Settled>[] = [];

  constructor(stream: hrana.Stream) {
    this.#batch = stream.batch();
  }

  /** Gives the step's index. */
  add(statement: InStatement): number {
    const { sql, args = [] } = typeof statement === "string" ? { sql: statement } : statement;
    const step = this.#batch.step();
    const before = this.#steps.at(-1);
    if (before) step.condition(hrana.BatchCond.ok(before));
    const stmt = new hrana.Stmt(sql);
    if (Array.isArray(args)) stmt.bindIndexes(args);
    else for (const [name, value] of Object.entries(args)) stmt.bindName(name, value);
    // Taken here, whatever becomes of the others: one that nobody waits for would end the process.
    this.#outcomes.push(
      step.query(stmt).then(
        (result) => ({ rows: result?.rows }),
        (error: unknown) => ({ error }),
      ),
    );
    return this.#steps.push(step) - 1;
  }

  /** Ends the transaction that the first step began. */
  addCommit(): void {
    const begin = this.#steps[0]!;
    const commit = this.#steps[this.add("COMMIT")]!;
    const { ok, not } = hrana.BatchCond;
    const rollback = this.#batch
      .step()
      .condition(ok(begin))
      .condition(not(ok(commit)));
    rollback.run("ROLLBACK").catch(() => {}); // the transaction may be gone with what failed
  }

  /** The rows of every step; throws what the first one failed with. */
  async run(explain: (e: unknown, step: number) => unknown = (e) => e): Promise<Rows[]> {
    await this.#batch.execute();
    return (await Promise.all(this.#outcomes)).map((outcome, i) => {
      if ("error" in outcome) throw explain(outcome.error, i);
      if (!outcome.rows) throw new Error("the server left out a statement");
      return outcome.rows;
    });
  }
}

function timeIn(rows: Rows | undefined): number {
  const time = rows?.[0]?.now;
  if (typeof time !== "number") throw new Error("the server doesn't tell its time");
  return time;
}
