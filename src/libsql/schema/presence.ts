/** The tables of who is here, and the columns that others have for it. */
export const PRESENCE: readonly string[] = [
  // Who is here, as each process tells: in which room, and since when. What a process tells holds until its time is over.
  `CREATE TABLE presence (
    room_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    process INTEGER NOT NULL,
    came_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id, process)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX presence_by_process ON presence (process, room_id, user_id)",
  "CREATE TABLE presence_processes (id INTEGER PRIMARY KEY, alive_until INTEGER NOT NULL) STRICT",
  "CREATE INDEX presence_processes_by_end ON presence_processes (alive_until, id)",
  // The revisions of presence are a count of their own.
  "ALTER TABLE log_state ADD COLUMN presence_revision INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE rooms ADD COLUMN presence_revision INTEGER NOT NULL DEFAULT 0",
  "CREATE INDEX rooms_by_presence ON rooms (presence_revision, id) WHERE presence_revision > 0",
  "ALTER TABLE members ADD COLUMN last_seen_at INTEGER",
];
