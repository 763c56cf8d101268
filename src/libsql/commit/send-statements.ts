import { MessageKind, Role } from "../../../gen/chat_pb.ts";
import { silenceColumns, silences } from "./silence.ts";

/** The statements for sends that have so much in common; each takes the sends, as a JSON list, and the time. */
export interface SendForm {
  /** The places of a send's values in its list. */
  readonly insert: string;
  /** Likewise, where sends with the same identity are among them. Most commits have none, and are spared the sorting. */
  readonly insertFirsts: string;
  /** Follows the insertion. Judges nothing if all of the ?3 sends were stored. */
  readonly leftOut: string;
}

interface Traits {
  readonly mayFollow: boolean;
  readonly isRich: boolean;
}

function sendForm(traits: Traits): SendForm {
  const verdicts = traits.mayFollow ? judgedInTurn : judged;
  const storable = `SELECT * FROM (${verdicts("?1", traits)}) WHERE verdict = 'ok'`;
  const firsts = `SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY room_id, user_id, client_message_id ORDER BY ordinal) AS nth
      FROM (${storable})
    ) WHERE nth = 1 OR client_message_id IS NULL`;
  return {
    insert: insert(storable, traits),
    insertFirsts: insert(firsts, traits),
    leftOut: `SELECT ordinal, verdict, muted_until, frozen_until, last_sent_at, slow_mode_ms, earlier.*
      FROM (${verdicts("iif(changes() < CAST(?3 AS INTEGER), ?1, '[]')", traits)}) AS send
      LEFT JOIN messages AS earlier ON earlier.id = send.earlier_id
      WHERE verdict <> 'ok'`,
  };
}

/**
 * The sends of a list, each with a verdict on it: the one that it had before any of them was stored. What the commit itself
 * has inserted lies beyond the room's last_message_id until MOVE_HEADS.
 *
 * What a service says, no right of a member holds back, and nobody has to be a member for it.
 */
function judged(list: string, { isRich }: Traits, verdict = "verdict"): string {
  const isSystem = isRich ? `send.kind = ${MessageKind.SYSTEM}` : "false";
  const isOwner = `(${isSystem} OR rooms.owner_id = send.user_id)`;
  const isModerator = `(${isOwner} OR members.role = ${Role.MODERATOR})`;
  const speaker = { alias: "members", isOwner, isModerator };
  return `SELECT send.*, rooms.seq AS room_seq, earlier.id AS earlier_id, ${silenceColumns(speaker)}, last_sent_at,
    slow_mode_ms, ${isModerator} AS is_free${isRich ? ", iif(original.thread_id > 0, original.thread_id, original.id) AS thread_id" : ""}, CASE
      WHEN rooms.id IS NULL THEN 'not_member'
      WHEN earlier.id IS NOT NULL THEN 'retry'
      ${silences(speaker, "?2")}
      WHEN slow_mode_ms > 0 AND last_sent_at + slow_mode_ms > CAST(?2 AS INTEGER) AND NOT ${isModerator} THEN 'slow'
      ${isRich ? RICH_VERDICTS : ""}
      ELSE 'ok'
    END AS ${verdict}
    FROM (
      SELECT key AS ordinal, value ->> 0 AS room_id, value ->> 1 AS user_id, value ->> 2 AS client_message_id,
        value ->> 3 AS body, value ->> 4 AS room_ordinal
        ${isRich ? ", value ->> 5 AS reply_to_id, value ->> 6 AS kind, value ->> 7 AS data, value ->> 8 AS mentions" : ""}
      FROM json_each(${list})
    ) AS send
    LEFT JOIN members
      ON members.room_id = send.room_id AND members.user_id = send.user_id AND members.removed_at IS NULL
    LEFT JOIN rooms ON rooms.id = ${isRich ? `iif(send.user_id = 0 AND ${isSystem}, send.room_id, members.room_id)` : "members.room_id"}
    LEFT JOIN messages AS earlier
      ON earlier.room_id = rooms.id AND earlier.user_id = send.user_id
        AND earlier.client_message_id = send.client_message_id AND earlier.id <= last_message_id
    ${isRich ? ORIGINAL : ""}`;
}

/** Likewise, where senders have several of them: in a slow room, only the first one that may be stored is. */
function judgedInTurn(list: string, traits: Traits): string {
  return `SELECT *, CASE
      WHEN own_verdict = 'ok' AND slow_mode_ms > 0 AND turn > 1 AND NOT is_free THEN 'slow'
      ELSE own_verdict
    END AS verdict
    FROM (
      SELECT *, row_number() OVER (PARTITION BY room_id, user_id, own_verdict, is_free ORDER BY ordinal) AS turn
      FROM (${judged(list, traits, "own_verdict")})
    )`;
}

const ORIGINAL = `LEFT JOIN messages AS original
    ON original.room_id = rooms.id AND original.id = send.reply_to_id AND original.id <= last_message_id
      AND original.deleted_at IS NULL`;

const RICH_VERDICTS = `
  WHEN send.reply_to_id > 0 AND original.id IS NULL THEN 'no_message'
  WHEN EXISTS (
    SELECT 1 FROM json_each(coalesce(send.mentions, '[]')) AS mention WHERE NOT EXISTS (
      SELECT 1 FROM members AS mentioned
      WHERE mentioned.room_id = rooms.id AND mentioned.user_id = CAST(mention.value AS INTEGER) AND mentioned.removed_at IS NULL
    )
  ) THEN 'not_mentionable'`;

/** A message takes the id of its place in the list; who is left out, leaves a hole. */
function insert(storable: string, { isRich }: Traits): string {
  const columns = isRich ? "reply_to_id, kind, data, mentions, thread_id" : "reply_to_id";
  const values = isRich ? "reply_to_id, kind, data, mentions, coalesce(thread_id, 0)" : "0";
  return `INSERT INTO messages
      (room_id, id, seq, created_seq, revision, user_id, client_message_id, created_at, updated_at, body, ${columns})
    SELECT room_id, message_id + 1 + ordinal, next_seq, next_seq, revision + 1 + room_ordinal,
      user_id, client_message_id, ?2, ?2, body, ${values}
    FROM (SELECT message_id, revision FROM log_head) CROSS JOIN (
      SELECT *, room_seq + row_number() OVER (PARTITION BY room_id ORDER BY ordinal) AS next_seq FROM (${storable})
    ) AS send${isRich ? " RETURNING id, thread_id" : ""}`;
}

/**
 * Sends of nothing but a text: [room, user, client_message_id, body, place of the room in the list of rooms].
 */
export const PLAIN = sendForm({ mayFollow: false, isRich: false });

/** Likewise, where a sender may have several of them. */
export const FOLLOWING = sendForm({ mayFollow: true, isRich: false });

/** Likewise, with [reply_to_id, kind, data, mentions] as well. */
export const RICH = sendForm({ mayFollow: true, isRich: true });

/**
 * The rooms of a JSON list, if the commit has inserted messages: those have greater revisions than the rooms have until
 * MOVE_HEADS. A commit without any looks for no room, whether or not there is one.
 */
const ROOMS = (list: string) => `json_each(iif(
    EXISTS (SELECT 1 FROM messages WHERE revision > (SELECT revision FROM log_head)), ${list}, '[]'
  )) AS asked`;

/** The new messages of the rooms ?1. */
const NEW_MESSAGES = `${ROOMS("?1")} CROSS JOIN rooms ON rooms.id = asked.value
  CROSS JOIN messages AS sent ON sent.room_id = rooms.id AND sent.id > rooms.last_message_id`;

/** Notes when the senders have sent, in slow rooms only: it would cost all others a row for each. */
export const SLOW_DOWN = `UPDATE members SET last_sent_at = ?2
  WHERE (room_id, user_id) IN (SELECT sent.room_id, sent.user_id FROM ${NEW_MESSAGES}
    WHERE slow_mode_ms > 0 AND sent.kind <> ${MessageKind.SYSTEM})`;

export const NOTE_MENTIONS = `INSERT INTO mentions (room_id, user_id, message_id)
  SELECT sent.room_id, CAST(mention.value AS INTEGER), sent.id
  FROM ${NEW_MESSAGES} CROSS JOIN json_each(sent.mentions) AS mention WHERE sent.mentions IS NOT NULL`;

/** The messages that threads began with change by their replies: they take the numbers after those of the sends. */
export const COUNT_REPLIES = `UPDATE messages SET reply_count = reply_count + added, seq = room_seq + nth, revision = thread.revision,
    updated_at = max(CAST(?2 AS INTEGER), updated_at + 1)
  FROM (
    SELECT sent.room_id, sent.thread_id AS id, count(*) AS added, max(sent.revision) AS revision,
      (SELECT max(seq) FROM messages WHERE room_id = sent.room_id) AS room_seq,
      row_number() OVER (PARTITION BY sent.room_id ORDER BY sent.thread_id) AS nth
    FROM ${NEW_MESSAGES} WHERE sent.thread_id > 0 GROUP BY sent.room_id, sent.thread_id
  ) AS thread
  WHERE messages.room_id = thread.room_id AND messages.id = thread.id RETURNING *`;

/** A room with new messages takes their revision. */
export const MOVE_HEADS = `UPDATE rooms
  SET seq = (SELECT max(seq) FROM messages WHERE room_id = rooms.id), last_message_id = newest.id, revision = newest.revision
  FROM ${ROOMS("?1")}, messages AS newest
  WHERE rooms.id = asked.value AND newest.room_id = asked.value
    AND newest.id = (SELECT max(id) FROM messages WHERE room_id = asked.value) AND newest.id > rooms.last_message_id
  RETURNING rooms.id, rooms.seq, rooms.last_message_id, rooms.member_seq`;
