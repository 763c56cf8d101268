import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type DeleteMessageReq, type EditMessageReq, MessageKind } from "../../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { dataText } from "../schema/data.ts";
import { toMessage } from "../schema/rows.ts";
import { asSeenBy, denied, IS_MODERATOR, NEXT_REVISION, type Operation, type OperationOutcome } from "./operation.ts";
import { ACTOR, silenceColumns, silenceRefusal, silences } from "./silence.ts";

/** Message ?2 of room ?1 as user ?3 finds it, who has to find the room first. */
export function judgement(verdicts: string): string {
  return `SELECT messages.*, ${silenceColumns(ACTOR)}, CASE
      WHEN rooms.id IS NULL THEN 'no_room'
      WHEN messages.id IS NULL THEN 'no_message'
      ${verdicts}
      ELSE 'ok'
    END AS verdict
    ${asSeenBy("?3")}
    LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = ?2`;
}

/** What a message of room ?1 takes that changes. */
export const NEXT_NUMBERS = `seq = (SELECT seq + 1 FROM rooms WHERE id = ?1), revision = ${NEXT_REVISION}`;

/** The condition for the one row that may change; there is none to look for if the verdict is against it. */
export const isAllowed = (sql: string) => `room_id = ?1 AND id = (SELECT id FROM (${sql}) WHERE verdict = 'ok')`;

/** Judges what the statement before it has not changed: nothing has happened since, so the verdict is the one it met. */
export const unlessChanged = (sql: string) => `SELECT * FROM (${sql}) WHERE changes() = 0`;

/** Whether the message is the actor's: those of the product are the services', whomever they name. */
const IS_AUTHOR = `iif(messages.kind = ${MessageKind.SYSTEM}, is_service, messages.user_id IS actors.user_id)`;

/** With ?4, the author's id of the edit, and ?5, the time. */
const EDIT = judgement(`
  WHEN NOT ${IS_AUTHOR} THEN 'not_author'
  WHEN messages.deleted_at IS NOT NULL THEN 'deleted'
  WHEN EXISTS (SELECT 1 FROM edits WHERE message_id = messages.id AND client_edit_id = ?4) THEN 'done'
  ${silences(ACTOR, "?5")}`);

const edit = (condition: string) => `UPDATE messages
  SET body = ?6, data = coalesce(?7, data), ${NEXT_NUMBERS}, edited_at = max(CAST(?5 AS INTEGER), updated_at + 1),
    updated_at = max(CAST(?5 AS INTEGER), updated_at + 1)
  WHERE ${condition} AND (body <> ?6 OR data IS NOT coalesce(?7, data)) RETURNING *`;
const NOTED_EDIT = edit("changes() > 0 AND room_id = ?1 AND id = ?2");
const UNNOTED_EDIT = edit(isAllowed(EDIT));

const DELETION = judgement(`
  WHEN NOT ${IS_AUTHOR} AND NOT ${IS_MODERATOR} THEN 'not_author_or_moderator'
  WHEN messages.deleted_at IS NOT NULL THEN 'done'`);

const NOTE = `INSERT INTO edits (message_id, client_edit_id) SELECT id, ?4 FROM (${EDIT}) WHERE verdict = 'ok'`;
const WHY_NOT_EDITED = unlessChanged(EDIT);

/** An edit with an id is noted if it may be made, and then made, even where that changes nothing. */
export function editMessage(req: EditMessageReq, now: bigint): Operation {
  const { roomId, messageId, userId, body, clientEditId } = req;
  const args = [roomId, messageId, userId, clientEditId, now];
  const values = [...args, body, req.data ? dataText(req.data) : null];
  const statements = [headStatement(roomId), { sql: WHY_NOT_EDITED, args }];
  if (clientEditId === "") {
    return {
      statements: [{ sql: UNNOTED_EDIT, args: values }, ...statements],
      outcome: (changed, head, judged) => messageOutcome(req, changed!, head!, judged!),
    };
  }
  return {
    statements: [{ sql: NOTE, args }, { sql: NOTED_EDIT, args: values }, ...statements],
    outcome: (_, changed, head, judged) => messageOutcome(req, changed!, head!, judged!),
  };
}

/** All that belongs to a message goes with its text; the message that its thread began with has a reply less. */
export function deleteMessage(req: DeleteMessageReq, now: bigint): Operation {
  const { roomId, messageId, userId } = req;
  const args = [roomId, messageId, userId];
  const thread = [roomId, messageId, now];
  return {
    statements: [
      { sql: DELETION, args },
      {
        sql: `DELETE FROM mentions WHERE room_id = ?1 AND message_id = ?2 AND user_id IN (
            SELECT CAST(mention.value AS INTEGER) FROM (${DELETION}) AS judged, json_each(mentions) AS mention
            WHERE verdict = 'ok'
          )`,
        args,
      },
      { sql: `DELETE FROM reactions WHERE message_id = (SELECT id FROM (${DELETION}) WHERE verdict = 'ok')`, args },
      {
        sql: `UPDATE messages SET body = '', data = NULL, mentions = NULL, reactions = NULL, pinned_at = NULL, ${NEXT_NUMBERS},
            deleted_at = ?4, updated_at = max(CAST(?4 AS INTEGER), updated_at + 1)
          WHERE ${isAllowed(DELETION)} RETURNING *`,
        args: [...args, now],
      },
      headStatement(roomId),
      {
        sql: `UPDATE messages SET reply_count = reply_count - 1, ${NEXT_NUMBERS},
            updated_at = max(CAST(?3 AS INTEGER), updated_at + 1)
          WHERE changes() > 0 AND room_id = ?1 AND id = (SELECT nullif(thread_id, 0) FROM messages WHERE room_id = ?1 AND id = ?2)
          RETURNING *`,
        args: thread,
      },
      headStatement(roomId),
    ],
    outcome(judged, _mentions, _reactions, changed, head, [root]) {
      const outcome = messageOutcome(req, changed!, head!, judged!);
      return root ? { ...outcome, root: toMessage(root) } : outcome;
    },
  };
}

/** Follows the statement that gave a message the next seq of its room, if it did. */
export function headStatement(roomId: bigint): InStatement {
  return { sql: MOVE_HEAD, args: [roomId] };
}

const MOVE_HEAD = `UPDATE rooms SET seq = seq + 1, revision = ${NEXT_REVISION} WHERE id = ?1 AND changes() > 0
  RETURNING member_seq`;

/** @param judged may be left out where the message was changed */
export function messageOutcome(
  { roomId, messageId, userId }: Pick<DeleteMessageReq, "roomId" | "messageId" | "userId">,
  [changed]: Rows,
  [head]: Rows,
  [judged]: Rows,
): OperationOutcome {
  if (changed) {
    const message = toMessage(changed);
    return { answer: message, message, memberSeq: head!.member_seq as bigint };
  }
  switch (judged!.verdict) {
    case "no_room":
      return { answer: notInRoom(roomId, userId) };
    case "no_message":
      return { answer: noMessage(messageId, roomId) };
    case "not_author":
      return { answer: denied("only its author may edit a message") };
    case "not_author_or_moderator":
      return { answer: denied("only its author, and the room's owner and moderators, may delete a message") };
    case "deleted":
      return { answer: new ConnectError(`message ${messageId} has been deleted`, Code.FailedPrecondition) };
    default:
      return { answer: silenceRefusal(judged!) ?? toMessage(judged!) };
  }
}
