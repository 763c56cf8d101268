/**
 * The index of words, and how far it has come in the log of messages. An entry has the id of its message, and the words as
 * they were entered, with that of the room: so a deletion finds them all, and overwrites them. Two triggers make it part of
 * whatever takes a text away; what sends and edits do, they don't see.
 */
export const WORDS: readonly string[] = [
  "CREATE VIRTUAL TABLE message_words USING fts5(words, detail=none, columnsize=0, tokenize='ascii')",
  "INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1)",
  "INSERT INTO message_words (message_words, rank) VALUES ('usermerge', 2)",
  `CREATE TABLE search_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    room_id INTEGER NOT NULL,
    seq INTEGER NOT NULL
  ) STRICT`,
  "INSERT INTO search_state VALUES (1, 0, 0, 0)",
  `CREATE TRIGGER messages_forget_words AFTER UPDATE OF deleted_at ON messages WHEN new.deleted_at IS NOT NULL BEGIN
    DELETE FROM message_words WHERE rowid = old.id;
  END`,
  `CREATE TRIGGER messages_take_words AFTER DELETE ON messages BEGIN
    DELETE FROM message_words WHERE rowid = old.id;
  END`,
];
