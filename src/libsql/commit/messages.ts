import { Code, ConnectError } from "@connectrpc/connect";
import type { DeleteMessageReq, EditMessageReq } from "../../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { toMessage } from "../schema/rows.ts";
import { asSeenBy, denied, IS_MODERATOR, NEXT_REVISION, type Operation, type OperationOutcome } from "./operation.ts";

/** Message ?2 of room ?1 as user ?3 finds it, who has to find the room first. */
function judgement(verdicts: string): string {
  return `SELECT messages.*, CASE
      WHEN rooms.id IS NULL THEN 'no_room'
      WHEN messages.id IS NULL THEN 'no_message'
      ${verdicts}
      ELSE 'ok'
    END AS verdict
    ${asSeenBy("?3")}
    LEFT JOIN messages ON messages.room_id = rooms.id AND messages.id = ?2`;
}

/** With ?4, the author's id of the edit. */
const EDIT = judgement(`
  WHEN messages.user_id IS NOT actors.user_id THEN 'not_author'
  WHEN messages.deleted_at IS NOT NULL THEN 'deleted'
  WHEN EXISTS (SELECT 1 FROM edits WHERE message_id = messages.id AND client_edit_id = ?4) THEN 'done'`);

const DELETION = judgement(`
  WHEN messages.user_id IS NOT actors.user_id AND NOT ${IS_MODERATOR} THEN 'not_author_or_moderator'
  WHEN messages.deleted_at IS NOT NULL THEN 'done'`);

export function editMessage(req: EditMessageReq, now: bigint): Operation {
  const { roomId, messageId, userId, body, clientEditId } = req;
  const args = [roomId, messageId, userId, clientEditId];
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
          SET body = ?5, seq = ${NEXT_SEQ}, updated_at = max(CAST(?6 AS INTEGER), updated_at + 1)
          WHERE ${isAllowed(EDIT)} AND body <> ?5 RETURNING *`,
        args: [...args, body, now],
      },
      headStatement(roomId),
      ...(clientEditId === "" ? [] : [note]),
    ],
    outcome: (judged, changed, head) => messageOutcome(req, judged!, changed!, head!),
  };
}

export function deleteMessage(req: DeleteMessageReq, now: bigint): Operation {
  const { roomId, messageId, userId } = req;
  const args = [roomId, messageId, userId];
  return {
    statements: [
      { sql: DELETION, args },
      {
        sql: `UPDATE messages SET body = '', seq = ${NEXT_SEQ}, deleted_at = ?4,
            updated_at = max(CAST(?4 AS INTEGER), updated_at + 1)
          WHERE ${isAllowed(DELETION)} RETURNING *`,
        args: [...args, now],
      },
      headStatement(roomId),
    ],
    outcome: (judged, changed, head) => messageOutcome(req, judged!, changed!, head!),
  };
}

const NEXT_SEQ = "(SELECT seq + 1 FROM rooms WHERE id = ?1)";

/** The condition for the one row that may change; there is none to look for if the verdict is against it. */
const isAllowed = (sql: string) => `room_id = ?1 AND id = (SELECT id FROM (${sql}) WHERE verdict = 'ok')`;

/** Follows the statement that gave a message the next seq of its room, if it did. */
function headStatement(roomId: bigint) {
  return {
    sql: `UPDATE rooms SET seq = seq + 1, revision = ${NEXT_REVISION} WHERE id = ?1 AND changes() > 0
      RETURNING member_seq`,
    args: [roomId],
  };
}

function messageOutcome(
  { roomId, messageId, userId }: EditMessageReq | DeleteMessageReq,
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
  if (!changed) return { answer: toMessage(found!) };
  const message = toMessage(changed);
  return { answer: message, message, memberSeq: head!.member_seq as bigint };
}
