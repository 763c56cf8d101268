import { StatementError, type Database } from "./database.ts";

/** The schema's changes, in order. Append only: a database remembers how many of them it has. */
const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE rooms (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      post_id INTEGER NOT NULL UNIQUE,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE members (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      room_id INTEGER NOT NULL REFERENCES rooms,
      user_id INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      UNIQUE (room_id, user_id)
    ) STRICT`,
    // No row is ever deleted, so ids grow without AUTOINCREMENT, and its extra write for every commit.
    `CREATE TABLE messages (
      id INTEGER PRIMARY KEY,
      room_id INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      body TEXT NOT NULL,
      client_message_id TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      UNIQUE (room_id, seq)
    ) STRICT`,
    `CREATE UNIQUE INDEX messages_by_client_message_id ON messages (room_id, user_id, client_message_id)
      WHERE client_message_id IS NOT NULL`,
  ],
];

/**
 * Brings the schema up to date. Safe when several processes start at once: a migration and the note that it ran are one
 * transaction, which only one of them can commit.
 */
export async function migrate(database: Database): Promise<void> {
  await database.write(["CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY) STRICT"]);
  const [rows] = await database.read(["SELECT count(*) AS applied FROM schema_migrations"]);
  for (let version = Number(rows![0]!.applied) + 1; version <= migrations.length; version++) {
    try {
      await database.write([
        { sql: "INSERT INTO schema_migrations (version) VALUES (?)", args: [BigInt(version)] },
        ...migrations[version - 1]!,
      ]);
    } catch (e) {
      const appliedByAnother = e instanceof StatementError && e.code.startsWith("SQLITE_CONSTRAINT");
      if (!appliedByAnother) throw e;
    }
  }
}
