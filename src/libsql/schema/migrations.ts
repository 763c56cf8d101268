import type { InStatement } from "@libsql/client";
import { Role } from "../../../gen/chat_pb.ts";
import { FIRST_KEYED_USER } from "../../chat/user-store.ts";

/** A change of the schema. Its statements are made when it runs. */
export interface Migration {
  readonly name: string;
  readonly statements: () => InStatement[];
}

/** The schema's changes, in order. Append only: a database remembers how many of them it has. */
export const migrations: readonly Migration[] = [
  {
    name: "rooms, members, messages",
    statements: () => [
      // The newest ids that were given to rooms and members; and of messages that were deleted since, the newest id, and
      // of rooms the newest revision. See log_head.
      `CREATE TABLE log_state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch TEXT NOT NULL,
        revision INTEGER NOT NULL,
        room_id INTEGER NOT NULL,
        member_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL
      ) STRICT`,
      { sql: "INSERT INTO log_state VALUES (1, ?1, 0, 0, 0, 0)", args: [randomEpoch()] },

      // seq and member_seq are the heads of the room's logs, first_seq is the oldest number that the log of messages
      // still has. owner_id is 0 in a room without members, last_message_id is 0 in one without messages.
      `CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        post_id INTEGER NOT NULL UNIQUE,
        owner_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        member_seq INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        member_count INTEGER NOT NULL,
        last_message_id INTEGER NOT NULL,
        revision INTEGER NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT`,

      // A row is a user's latest membership, also after its end. joined_message_id is the newest message of the whole
      // database when it began: a room without later messages has this place among the user's rooms.
      `CREATE TABLE members (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        id INTEGER NOT NULL,
        member_seq INTEGER NOT NULL,
        read_message_id INTEGER NOT NULL,
        joined_message_id INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        removed_at INTEGER,
        PRIMARY KEY (room_id, user_id),
        UNIQUE (room_id, member_seq)
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX members_by_room ON members (room_id, user_id) WHERE removed_at IS NULL",
      "CREATE INDEX members_by_age ON members (room_id, id) WHERE removed_at IS NULL",
      "CREATE INDEX members_by_user ON members (user_id, room_id) WHERE removed_at IS NULL",

      // The text is the last column: all others are read without it. A message has been edited when
      // updated_at > created_at.
      `CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        room_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        client_message_id TEXT,
        reply_to_id INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted_at INTEGER,
        body TEXT NOT NULL,
        UNIQUE (room_id, seq)
      ) STRICT`,
      // History by creation; with what an unread count has to know.
      "CREATE INDEX messages_by_id ON messages (room_id, id, user_id, deleted_at)",
      `CREATE UNIQUE INDEX messages_by_client_message_id ON messages (room_id, user_id, client_message_id)
        WHERE client_message_id IS NOT NULL`,

      // The newest revision and ids that were given, whatever was deleted since. The rows that have them say it, so that
      // a send needn't write it down.
      `CREATE VIEW log_head AS SELECT
        epoch, room_id, member_id,
        max(revision, (SELECT coalesce(max(revision), 0) FROM rooms)) AS revision,
        max(message_id, (SELECT coalesce(max(id), 0) FROM messages)) AS message_id
        FROM log_state`,
      `CREATE TRIGGER messages_keep_id AFTER DELETE ON messages BEGIN
        UPDATE log_state SET message_id = max(message_id, old.id);
      END`,
      `CREATE TRIGGER rooms_keep_revision AFTER DELETE ON rooms BEGIN
        UPDATE log_state SET revision = max(revision, old.revision);
      END`,

      // The edits that were applied: a retry is not a second one.
      `CREATE TABLE edits (
        message_id INTEGER NOT NULL,
        client_edit_id TEXT NOT NULL,
        PRIMARY KEY (message_id, client_edit_id)
      ) STRICT, WITHOUT ROWID`,
    ],
  },
  {
    name: "roles, users",
    statements: () => [
      `ALTER TABLE members ADD COLUMN role INTEGER NOT NULL DEFAULT ${Role.MEMBER}`,

      // With removed_at, which is the same in all entries, a user's rooms are counted without a look at the table.
      "DROP INDEX members_by_user",
      "CREATE INDEX members_by_user ON members (user_id, room_id, removed_at) WHERE removed_at IS NULL",

      // The users of whom there is something to know. The key is not set where it is the id. tokens_from is the time from
      // which on tokens count, profile_at that of the token which told the profile; 0 if there is none.
      `CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        key TEXT,
        name TEXT NOT NULL DEFAULT '',
        picture TEXT NOT NULL DEFAULT '',
        profile_at INTEGER NOT NULL DEFAULT 0,
        tokens_from INTEGER NOT NULL DEFAULT 0,
        revocation INTEGER
      ) STRICT`,
      "CREATE UNIQUE INDEX users_by_key ON users (key) WHERE key IS NOT NULL",
      "CREATE UNIQUE INDEX users_by_revocation ON users (revocation) WHERE revocation IS NOT NULL",

      // The newest id that a key got, and the newest revocation.
      `ALTER TABLE log_state ADD COLUMN user_id INTEGER NOT NULL DEFAULT ${FIRST_KEYED_USER - 1n}`,
      "ALTER TABLE log_state ADD COLUMN revocation INTEGER NOT NULL DEFAULT 0",
    ],
  },
];

export function randomEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
