import { type Database, StatementError } from "./database.ts";

/** The schema's changes, in order. Append only: a database remembers how many of them it has. */
const migrations: readonly (readonly string[])[] = [
  [
    // member_seq is the newest number of the log of members; owner_id is 0 in a room without members.
    `CREATE TABLE rooms (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      post_id INTEGER NOT NULL UNIQUE,
      owner_id INTEGER NOT NULL,
      member_seq INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    // A row is a user's latest membership, also after its end. joined_id and activity_id are message ids: the newest of
    // all rooms when it began, and the newest of this room since; so ids order a user's rooms by activity.
    `CREATE TABLE members (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      room_id INTEGER NOT NULL REFERENCES rooms,
      user_id INTEGER NOT NULL,
      member_seq INTEGER NOT NULL,
      added_seq INTEGER NOT NULL,
      read_message_id INTEGER NOT NULL,
      joined_id INTEGER NOT NULL,
      activity_id INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      removed_at INTEGER,
      UNIQUE (room_id, user_id),
      UNIQUE (room_id, member_seq)
    ) STRICT`,
    "CREATE INDEX current_members ON members (room_id, user_id) WHERE removed_at IS NULL",
    "CREATE INDEX members_by_activity ON members (user_id, activity_id, room_id) WHERE removed_at IS NULL",
    // No row is ever deleted, so ids grow without AUTOINCREMENT, and its extra write for every commit. An edit counts
    // as one when updated_at > created_at.
    `CREATE TABLE messages (
      id INTEGER PRIMARY KEY,
      room_id INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      body TEXT NOT NULL,
      client_message_id TEXT,
      reply_to_id INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      deleted_at INTEGER,
      UNIQUE (room_id, seq)
    ) STRICT`,
    // History by creation; with what an unread count has to know.
    "CREATE INDEX messages_by_id ON messages (room_id, id, user_id, deleted_at)",
    `CREATE UNIQUE INDEX messages_by_client_message_id ON messages (room_id, user_id, client_message_id)
      WHERE client_message_id IS NOT NULL`,
    // The edits that were applied, so that a retry is not a second one.
    `CREATE TABLE edits (
      message_id INTEGER NOT NULL,
      client_edit_id TEXT NOT NULL,
      PRIMARY KEY (message_id, client_edit_id)
    ) STRICT, WITHOUT ROWID`,
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
