import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement, Row } from "@libsql/client";

/**
 * What the store needs of libSQL.
 *
 * - D1 write() runs its statements in one transaction, all or nothing.
 * - D2 What write() resolved with is durable. One that rejected as unavailable may have happened, at most once; one that
 *   rejected with a {@link StatementError} has not.
 * - D3 A lock held by others, a full disk, or a server that is gone or slow: calls reject with UNAVAILABLE within
 *   `timeoutMs`, which is databaseMs if nothing else is said, and later calls work again without help.
 * - D4 A write that reaches the database after its deadline, which is that of its caller, is not carried out. Statements
 *   don't begin or end a transaction, and set no PRAGMA.
 * - D5 ping() rejects with UNAVAILABLE while reads or writes can't do what D1 to D3 say.
 * - D6 Integers up to `greatestInteger` come back as they are. Greater ones may be asked for, but not stored.
 */
export interface Database extends AsyncDisposable {
  /** Runs statements that only read. Each gives its rows, integers as bigint. */
  read(statements: InStatement[], timeoutMs?: number): Promise<Rows[]>;
  write(statements: InStatement[], timeoutMs?: number): Promise<Rows[]>;
  ping(): Promise<void>;
  readonly greatestInteger: bigint;
}

export const MAX_INT64 = 2n ** 63n - 1n;

/** Writes that leave nothing behind, and need room on the disk. */
export const PROBE: InStatement[] = [
  "CREATE TABLE roomlog_probe (space BLOB)",
  "INSERT INTO roomlog_probe VALUES (zeroblob(65536))",
  "DROP TABLE roomlog_probe",
];

export type Rows = Pick<Row, string>[];

/** A statement the database refused; `code` says why, such as SQLITE_CONSTRAINT. */
export class StatementError extends Error {
  override name = "StatementError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function unavailable(cause: unknown): ConnectError {
  return new ConnectError("the database can't be reached; try again", Code.Unavailable, undefined, undefined, cause);
}
