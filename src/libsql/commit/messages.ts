import { Code, ConnectError } from "@connectrpc/connect";
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

/** Whether the message is the actor's: those of the product are the services', whomever they name. */
const IS_AUTHOR = `iif(messages.kind = ${MessageKind.SYSTEM}, is_service, messages.user_id IS actors.user_id)`;

/** With ?4, the author's id of the edit, and ?5, the time. */
const EDIT = judgement(`
  WHEN NOT ${IS_AUTHOR} THEN 'not_author'
  WHEN messages.deleted_at IS NOT NULL THEN 'deleted'
  WHEN EXISTS (SELECT 1 FROM edits WHERE message_id = messages.id AND client_edit_id = ?4) THEN 'done'
  ${silences(ACTOR, "?5")}`);

const DELETION = judgement(`
  WHEN NOT ${IS_AUTHOR} AND NOT ${IS_MODERATOR} THEN 'not_author_or_moderator'
  WHEN messages.deleted_at IS NOT NULL THEN 'done'`);

export function editMessage(req: EditMessageReq, now: bigint): Operation {
  const { roomId, messageId, userId, body, clientEditId } = req;
  const args = [roomId, messageId, userId, clientEditId, now];
  const note = {
    sql: `INSERT INTO edits (message_id, client_edit_id)
      SELECT id, ?4 FROM (${EDIT}) WHERE verdict = 'ok'`,
    args,
  };
  return {
    statements: [
      { sql: EDIT, args },
      {
        sql: `UPDATE messages
          SET body = ?6, data = coalesce(?7, data), ${NEXT_NUMBERS}, edited_at = max(CAST(?5 AS INTEGER), updated_at + 1),
            updated_at = max(CAST(?5 AS INTEGER), updated_at + 1)
          WHERE ${isAllowed(EDIT)} AND (body <> ?6 OR data IS NOT coalesce(?7, data)) RETURNING *`,
        args: [...args, body, req.data ? dataText(req.data) : null],
      },
      headStatement(roomId),
      ...(clientEditId === "" ? [] : [note]),
    ],
    outcome: (judged, changed, head) => messageOutcome(req, judged!, changed!, head!),
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
      const outcome = messageOutcome(req, judged!, changed!, head!);
      return root ? { ...outcome, root: toMessage(root) } : outcome;
    },
  };
}

/** What a message of room ?1 takes that changes. */
export const NEXT_NUMBERS = `seq = (SELECT seq + 1 FROM rooms WHERE id = ?1), revision = ${NEXT_REVISION},
  created_seq = coalesce(created_seq, iif(updated_at > created_at, 0, seq))`;

/** The condition for the one row that may change; there is none to look for if the verdict is against it. */
export const isAllowed = (sql: string) => `room_id = ?1 AND id = (SELECT id FROM (${sql}) WHERE verdict = 'ok')`;

/** Follows the statement that gave a message the next seq of its room, if it did. */
export function headStatement(roomId: bigint) {
  return {
    sql: `UPDATE rooms SET seq = seq + 1, revision = ${NEXT_REVISION} WHERE id = ?1 AND changes() > 0
      RETURNING member_seq`,
    args: [roomId],
  };
}

export function messageOutcome(
  { roomId, messageId, userId }: Pick<DeleteMessageReq, "roomId" | "messageId" | "userId">,
  [found]: Rows,
  [changed]: Rows,
  [head]: Rows,
): OperationOutcome {
  switch (found!.verdict) {
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
  }
  const refused = silenceRefusal(found!);
  if (refused) return { answer: refused };
  if (!changed) return { answer: toMessage(found!) };
  const message = toMessage(changed);
  return { answer: message, message, memberSeq: head!.member_seq as bigint };
}
