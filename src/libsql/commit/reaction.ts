import { Code, ConnectError } from "@connectrpc/connect";
import type { SetReactionReq } from "../../../gen/chat_pb.ts";
import { MESSAGE_REACTIONS, REACTION_USERS } from "../../chat/limits.ts";
import { headStatement, judgement, messageOutcome, NEXT_NUMBERS } from "./messages.ts";
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

/** Those who have reacted with emoji ?3, as the message tells them. */
const USERS = `(
    SELECT json_group_array(CAST(user_id AS TEXT)) FROM (
      SELECT user_id FROM reactions WHERE message_id = messages.id AND emoji = ?3
      ORDER BY revision, user_id LIMIT ${REACTION_USERS}
    )
  )`;

/** The reactions of a message, one of which has changed: the others are as they were, and nothing is counted anew. */
const summary = (isOn: boolean) => `(
    SELECT nullif(json_group_array(json_array(emoji, count, json(users))), '[]') FROM (
      SELECT key AS place, value ->> 0 AS emoji,
        (value ->> 1) + iif(value ->> 0 = ?3, ${isOn ? 1 : -1}, 0) AS count,
        iif(value ->> 0 = ?3, ${USERS}, value -> 2) AS users
      FROM json_each(coalesce(messages.reactions, '[]'))
      ${isOn ? `UNION ALL SELECT ${MESSAGE_REACTIONS}, ?3, 1, ${USERS} WHERE ${IS_FIRST}` : ""}
      ORDER BY place
    ) WHERE count > 0
  )`;

const IS_FIRST = `NOT EXISTS (
    SELECT 1 FROM json_each(coalesce(messages.reactions, '[]')) AS known WHERE known.value ->> 0 = ?3
  )`;

const ADD = reaction(true);
const TAKE_BACK = reaction(false);

const INSERTION = `INSERT INTO reactions (message_id, emoji, user_id, revision)
  SELECT id, ?4, ?3, ${NEXT_REVISION} FROM (${ADD}) WHERE verdict = 'ok'`;
const DELETION = `DELETE FROM reactions
  WHERE message_id = (SELECT id FROM (${TAKE_BACK}) WHERE verdict = 'ok') AND emoji = ?4 AND user_id = ?3`;

/** Follows the one or the other. */
const change = (isOn: boolean) => `UPDATE messages SET reactions = ${summary(isOn)}, ${NEXT_NUMBERS},
    updated_at = max(CAST(?4 AS INTEGER), updated_at + 1)
  WHERE changes() > 0 AND room_id = ?1 AND id = ?2 RETURNING *`;
const ADDED = change(true);
const TAKEN_BACK = change(false);

/** The room and the message may be strangers to each other; then nothing was inserted or deleted, and nothing changes. */
export function setReaction(req: SetReactionReq, now: bigint): Operation {
  const { roomId, messageId, userId, emoji, on } = req;
  const args = [roomId, messageId, userId, emoji, now];
  return {
    statements: [
      { sql: on ? ADD : TAKE_BACK, args },
      { sql: on ? INSERTION : DELETION, args },
      { sql: on ? ADDED : TAKEN_BACK, args: [roomId, messageId, emoji, now] },
      headStatement(roomId),
    ],
    outcome(judged, _, changed, head) {
      if (judged![0]!.verdict !== "too_many") return messageOutcome(req, judged!, changed!, head!);
      const message = `message ${messageId} has ${MESSAGE_REACTIONS} different reactions, as many as there may be; use one of them`;
      return { answer: new ConnectError(message, Code.FailedPrecondition) };
    },
  };
}
