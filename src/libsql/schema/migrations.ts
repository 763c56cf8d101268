import type { InStatement } from "@libsql/client";
import { MessageKind, Role } from "../../../gen/chat_pb.ts";
import { FIRST_KEYED_USER } from "../../chat/user-store.ts";
import { randomEpoch } from "./epoch.ts";
import { PRESENCE } from "./presence.ts";
import { THREADS } from "./threads.ts";
import { WORDS } from "./words.ts";

/** A change of the schema. Its statements are made when it runs. */
export interface Migration {
  readonly name: string;
  readonly statements: () => InStatement[];
}

const LOG_HEAD = `CREATE VIEW log_head AS SELECT
  epoch, room_id, member_id,
  max(revision, (SELECT coalesce(max(revision), 0) FROM rooms)) AS revision,
  max(message_id, (SELECT coalesce(max(id), 0) FROM messages)) AS message_id
  FROM log_state`;

const ROOMS_KEEP_REVISION = `CREATE TRIGGER rooms_keep_revision AFTER DELETE ON rooms BEGIN
  UPDATE log_state SET revision = max(revision, old.revision);
END`;

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

      // In this version the text is the last column, so that all others are read without it, and only edits and deletions
      // make updated_at greater than created_at.
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
      LOG_HEAD,
      `CREATE TRIGGER messages_keep_id AFTER DELETE ON messages BEGIN
        UPDATE log_state SET message_id = max(message_id, old.id);
      END`,
      ROOMS_KEEP_REVISION,

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
  {
    name: "keys, records, threads, reactions, revisions",
    statements: () => [
      // The heads, which every send changes, apart from the record, which may be long. The post is the record's key.
      "DROP VIEW log_head",
      "DROP TRIGGER rooms_keep_revision",
      `CREATE TABLE new_rooms (
        id INTEGER PRIMARY KEY,
        owner_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        member_seq INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        member_count INTEGER NOT NULL,
        last_message_id INTEGER NOT NULL,
        revision INTEGER NOT NULL UNIQUE,
        frozen_until INTEGER NOT NULL,
        slow_mode_ms INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT`,
      `INSERT INTO new_rooms SELECT
        id, owner_id, seq, member_seq, first_seq, member_count, last_message_id, revision, 0, 0, created_at, updated_at
        FROM rooms`,

      // member_seq and revision are those of the record's latest change. data is JSON.
      `CREATE TABLE room_records (
        room_id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        member_seq INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        name TEXT NOT NULL,
        data TEXT
      ) STRICT`,
      "INSERT INTO room_records SELECT id, 'post:' || post_id, 0, 0, '', NULL FROM rooms",
      "CREATE INDEX room_records_by_revision ON room_records (revision, room_id)",
      "DROP TABLE rooms",
      "ALTER TABLE new_rooms RENAME TO rooms",
      LOG_HEAD,
      ROOMS_KEEP_REVISION,

      // Rooms that are gone. Their rows of members stay, as ended; until is_erased, some may not be ended yet, and some of
      // the rooms' messages be there.
      `CREATE TABLE deleted_rooms (
        revision INTEGER PRIMARY KEY, room_id INTEGER NOT NULL UNIQUE, owner_id INTEGER NOT NULL, is_erased INTEGER NOT NULL
      ) STRICT`,
      "CREATE INDEX deleted_rooms_to_erase ON deleted_rooms (room_id) WHERE is_erased = 0",

      // The revision of the latest change, 0 if it is of before there were any: read in this order, the rows are the log of
      // all rooms. A membership takes one also when the member has read, which log_state keeps then.
      "ALTER TABLE members ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
      // The revision of the membership's end, which a ban after it leaves as it is. 0 if it has not ended, or is a row of a
      // ban alone; and of those that ended before there were revisions, as no list goes back so far.
      "ALTER TABLE members ADD COLUMN left_revision INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE members ADD COLUMN banned_until INTEGER NOT NULL DEFAULT 0",
      // When the member last sent while the room was slow.
      "ALTER TABLE members ADD COLUMN last_sent_at INTEGER NOT NULL DEFAULT 0",
      "CREATE INDEX members_by_revision ON members (revision, room_id, member_seq)",
      "CREATE INDEX members_ended ON members (user_id, left_revision) WHERE left_revision > 0",
      "CREATE INDEX members_banned ON members (room_id, user_id) WHERE banned_until > 0",

      // created_seq is 0 where a message has changed without it. data is JSON; mentions are a JSON array of user ids, and
      // reactions of [emoji, count, user ids], with the ids as texts.
      "ALTER TABLE messages ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE messages ADD COLUMN created_seq INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE messages ADD COLUMN edited_at INTEGER",
      `ALTER TABLE messages ADD COLUMN kind INTEGER NOT NULL DEFAULT ${MessageKind.USER}`,
      "ALTER TABLE messages ADD COLUMN pinned_at INTEGER",
      "ALTER TABLE messages ADD COLUMN data TEXT",
      "ALTER TABLE messages ADD COLUMN mentions TEXT",
      "ALTER TABLE messages ADD COLUMN reactions TEXT",
      "UPDATE messages SET created_seq = seq WHERE updated_at = created_at",
      "UPDATE messages SET edited_at = updated_at WHERE updated_at > created_at AND deleted_at IS NULL",
      "CREATE INDEX messages_by_revision ON messages (revision, room_id, seq)",
      "CREATE INDEX messages_pinned ON messages (room_id, id) WHERE pinned_at IS NOT NULL",

      // Who reacted how, the first first by revision.
      `CREATE TABLE reactions (
        message_id INTEGER NOT NULL,
        emoji TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (message_id, emoji, user_id)
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX reactions_by_age ON reactions (message_id, emoji, revision, user_id)",

      // Mentions of users in messages that are not deleted.
      `CREATE TABLE mentions (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        PRIMARY KEY (room_id, user_id, message_id)
      ) STRICT, WITHOUT ROWID`,

      ...THREADS,
      ...PRESENCE,
      ...WORDS,
    ],
  },
];
