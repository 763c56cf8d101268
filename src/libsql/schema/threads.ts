/**
 * A thread begins with a message that is no reply, and has all replies to it, and to those. thread_id is set in replies, and
 * is the id of the first message; reply_count is set there, and leaves out what is deleted.
 */
export const THREADS: readonly string[] = [
  "ALTER TABLE messages ADD COLUMN thread_id INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE messages ADD COLUMN reply_count INTEGER NOT NULL DEFAULT 0",
  // From the first messages down, since from each reply up a long chain would take the square of its length.
  "CREATE INDEX messages_by_original ON messages (reply_to_id) WHERE reply_to_id > 0",
  `UPDATE messages SET thread_id = thread.first_id FROM (
      WITH RECURSIVE replies (id, first_id) AS (
        SELECT reply.id, original.id FROM messages AS original JOIN messages AS reply ON reply.reply_to_id = original.id
        WHERE original.reply_to_id = 0 AND reply.reply_to_id > 0
        UNION ALL
        SELECT reply.id, first_id FROM replies JOIN messages AS reply ON reply.reply_to_id = replies.id
        WHERE reply.reply_to_id > 0
      )
      SELECT id, first_id FROM replies
    ) AS thread WHERE messages.id = thread.id`,
  "DROP INDEX messages_by_original",
  "CREATE INDEX messages_by_thread ON messages (room_id, thread_id, id) WHERE thread_id > 0",
  `UPDATE messages SET reply_count = replies.count FROM (
      SELECT room_id, thread_id, count(*) AS count FROM messages WHERE thread_id > 0 AND deleted_at IS NULL
      GROUP BY room_id, thread_id
    ) AS replies WHERE messages.room_id = replies.room_id AND messages.id = replies.thread_id`,
];
