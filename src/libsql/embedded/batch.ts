import type { InArgs, InStatement } from "@libsql/client";

/** Statements as threads send them to each other: each text once. Copying them for every change is much of what one costs. */
export interface Batch {
  readonly texts: readonly string[];
  /** The place of each statement's text, and its arguments. */
  readonly steps: readonly (readonly [number, InArgs])[];
}

export function toBatch(statements: readonly InStatement[]): Batch {
  const places = new Map<string, number>();
  const steps = statements.map((statement) => {
    const { sql, args = [] } = typeof statement === "string" ? { sql: statement } : statement;
    const place = places.get(sql) ?? places.size;
    places.set(sql, place);
    return [place, args] as const;
  });
  return { texts: [...places.keys()], steps };
}

export function statementsOf({ texts, steps }: Batch): InStatement[] {
  return steps.map(([place, args]) => ({ sql: texts[place]!, args }));
}
