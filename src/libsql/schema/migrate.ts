import { type Database, StatementError } from "../database.ts";
import { randomEpoch } from "./epoch.ts";
import { migrations } from "./migrations.ts";

export interface MigrateOptions {
  /** Gets a line about each migration that is about to run. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Brings the schema up to date. Safe when several processes start at once: a migration and the note that it ran are one
 * transaction, which only one of them can commit.
 */
export async function migrate(database: Database, { onProgress = () => {} }: MigrateOptions = {}): Promise<void> {
  await database.write(["CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY) STRICT"]);
  for (let version = (await versionOf(database)) + 1; version <= migrations.length; version++) {
    const { name, statements } = migrations[version - 1]!;
    onProgress(`migration ${version} of ${migrations.length}: ${name}`);
    const note = { sql: "INSERT INTO schema_migrations (version) VALUES (?1)", args: [BigInt(version)] };
    try {
      await database.write([note, ...statements()]);
    } catch (e) {
      const isConflict = e instanceof StatementError && e.code.startsWith("SQLITE_CONSTRAINT");
      const isAppliedByAnother = isConflict && (await versionOf(database)) >= version;
      if (!isAppliedByAnother) throw e;
    }
  }
}

/** Gives the database another epoch, as it needs after it has been restored from a backup: cursors of before end. */
export async function newEpoch(database: Database): Promise<string> {
  const epoch = randomEpoch();
  await database.write([{ sql: "UPDATE log_state SET epoch = ?1", args: [epoch] }]);
  return epoch;
}

/** Gives the database another epoch unless its epoch has this name; whatever state it was in, it has then. */
export async function nameEpoch(database: Database, name: string): Promise<void> {
  const epoch = `${name}.${randomEpoch()}`;
  const sql = "UPDATE log_state SET epoch = ?1 WHERE substr(epoch, 1, length(?2)) <> ?2";
  await database.write([{ sql, args: [epoch, `${name}.`] }]);
}

/** How many of the migrations a database has; throws if it is one that this program can't work with. */
async function versionOf(database: Database): Promise<number> {
  const [rows] = await database.read([
    `SELECT coalesce(max(version), 0) AS version,
      EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'log_state') AS has_log_state
    FROM schema_migrations`,
  ]);
  const version = Number(rows![0]!.version);
  if (version > 0 && !rows![0]!.has_log_state) {
    throw new Error("the database has a schema of before the first release, which can't be kept: use a fresh database");
  }
  if (version > migrations.length) {
    const versions = `it has version ${version}, and this program knows versions up to ${migrations.length}`;
    throw new Error(`the schema of the database is newer than the program: ${versions}; run a newer program`);
  }
  return version;
}
