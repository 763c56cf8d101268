import { Code, ConnectError } from "@connectrpc/connect";
import type { SetReactionReq } from "../../../gen/chat_pb.ts";
import { MESSAGE_REACTIONS, REACTION_USERS } from "../../chat/limits.ts";
import { headStatement, judgement, messageOutcome, NEXT_NUMBERS, unlessChanged } from "./messages.ts";
import { NEXT_REVISION, type Operation } from "./operation.ts";
import { ACTOR, silences } from "./silence.ts";

/** With ?4, the emoji, and ?5, the time. */
const reaction = (isOn: boolean) =>
  judgement(`
  WHEN messages.deleted_at IS NOT NULL THEN 'deleted'
  WHEN ${isOn ? "" : "NOT"} EXISTS (
    SELECT 1 FROM reactions WHERE message_id = messages.id AND emoji = ?4 AND user_id = ?3
  ) THEN 'done'
  ${silences(ACTOR, "?5")}
  ${isOn ? TOO_MANY : ""}`);

const TOO_MANY = `WHEN json_array_length(coalesce(messages.reactions, '[]')) >= ${MESSAGE_REACTIONS} AND NOT EXISTS (
    SELECT 1 FROM reactions WHERE message_id = messages.id AND emoji = ?4
  ) THEN 'too_many'`;

/** The message's reactions with one more, by user ?5, who has come last. */
const MORE = `CASE
      WHEN place IS NULL
        THEN json_insert(coalesce(reactions, '[]'), '$[#]', json_array(?3, 1, json_array(CAST(?5 AS TEXT))))
      WHEN count < ${REACTION_USERS}
        THEN json_set(reactions, place || '[1]', count + 1, place || '[2][#]', CAST(?5 AS TEXT))
      ELSE json_set(reactions, place || '[1]', count + 1)
    END`;

/** Likewise with one less: who comes after the first users is looked up. */
const LESS = `CASE
      WHEN count = 1 THEN nullif(json_remove(reactions, place), '[]')
      ELSE json_set(reactions, place || '[1]', count - 1, place || '[2]', (
        SELECT json_group_array(CAST(user_id AS TEXT)) FROM (
          SELECT user_id FROM reactions WHERE message_id = messages.id AND emoji = ?3
          ORDER BY revision, user_id LIMIT ${REACTION_USERS}
        )
      ))
    END`;

/** The path of emoji ?3 in the message's reactions, and how many users have it; one row, also if there is none. */
const KNOWN = `(
      SELECT max(fullkey) AS place, max(value ->> 1) AS count FROM json_each(messages.reactions) WHERE value ->> 0 = ?3
    )`;

const ADD = reaction(true);
const TAKE_BACK = reaction(false);

const INSERTION = `INSERT INTO reactions (message_id, emoji, user_id, revision)
  SELECT id, ?4, ?3, ${NEXT_REVISION} FROM (${ADD}) WHERE verdict = 'ok'`;
const DELETION = `DELETE FROM reactions
  WHERE message_id = (SELECT id FROM (${TAKE_BACK}) WHERE verdict = 'ok') AND emoji = ?4 AND user_id = ?3`;

/** Follows the one or the other. */
const change = (
  reactions: string,
) => `UPDATE messages SET reactions = (SELECT ${reactions} FROM ${KNOWN}), ${NEXT_NUMBERS},
    updated_at = max(CAST(?4 AS INTEGER), updated_at + 1)
  WHERE changes() > 0 AND room_id = ?1 AND id = ?2 RETURNING *`;
const ADDED = change(MORE);
const TAKEN_BACK = change(LESS);

const WHY_NOT_ADDED = unlessChanged(ADD);
const WHY_NOT_TAKEN_BACK = unlessChanged(TAKE_BACK);

/** The room and the message may be strangers to each other; then nothing was inserted or deleted, and nothing changes. */
export function setReaction(req: SetReactionReq, now: bigint): Operation {
  const { roomId, messageId, userId, emoji, on } = req;
  const args = [roomId, messageId, userId, emoji, now];
  return {
    statements: [
      { sql: on ? INSERTION : DELETION, args },
      { sql: on ? ADDED : TAKEN_BACK, args: [roomId, messageId, emoji, now, ...(on ? [userId] : [])] },
      headStatement(roomId),
      { sql: on ? WHY_NOT_ADDED : WHY_NOT_TAKEN_BACK, args },
    ],
    outcome(_, changed, head, judged) {
      if (judged![0]?.verdict !== "too_many") return messageOutcome(req, changed!, head!, judged!);
      const message = `message ${messageId} has ${MESSAGE_REACTIONS} different reactions, as many as there may be; use one of them`;
      return { answer: new ConnectError(message, Code.FailedPrecondition) };
    },
  };
}
