import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import type {
  AddMemberReq,
  DeleteMessageReq,
  EditMessageReq,
  MarkReadReq,
  Member,
  Message,
  RemoveMemberReq,
  Room,
  TransferOwnershipReq,
} from "../../gen/chat_pb.ts";
import type { MemberChange } from "../../gen/room/room_pb.ts";
import { noMessage, notInRoom } from "../chat/errors.ts";
import type { RoomChange } from "../chat/store.ts";
import type { Rows } from "./database.ts";
import { toMember, toMemberChange, toMessage, toRoom } from "./rows.ts";

/**
 * One change as part of a commit: statements that change nothing unless the change is allowed, and what to make of their
 * results. The first statement reads, in the same transaction, what tells why.
 */
export interface Operation {
  readonly statements: InStatement[];
  readonly outcome: (...results: Rows[]) => OperationOutcome;
}

export interface OperationOutcome {
  readonly answer: Message | Member | Room | ConnectError;
  /** Set where the change is one of the room's log, or of its members. */
  readonly message?: Message;
  readonly member?: MemberChange;
}

export function operation(change: Exclude<RoomChange, { case: "sendMessage" }>, now: number): Operation {
  switch (change.case) {
    case "editMessage":
      return editMessage(change.value, now);
    case "deleteMessage":
      return deleteMessage(change.value, now);
    case "addMember":
      return addMember(change.value, now);
    case "removeMember":
      return removeMember(change.value, now);
    case "transferOwnership":
      return transferOwnership(change.value, now);
    case "markRead":
      return markRead(change.value, now);
  }
}

const NEXT_SEQ = "(SELECT max(seq) + 1 FROM messages WHERE room_id = ?1)";
const IS_MEMBER = (user: string) =>
  `EXISTS (SELECT 1 FROM members WHERE room_id = ?1 AND user_id = ${user} AND removed_at IS NULL)`;
const IS_OWNER = (user: string) => `EXISTS (SELECT 1 FROM rooms WHERE id = ?1 AND owner_id = ${user})`;

/** The message ?2 of room ?1 as the member ?3 finds it; no row for who is not a member. */
const MESSAGE_FOR_MEMBER = `SELECT messages.*, rooms.owner_id
  FROM members JOIN rooms ON rooms.id = members.room_id LEFT JOIN messages ON messages.id = ?2 AND messages.room_id = ?1
  WHERE members.room_id = ?1 AND members.user_id = ?3 AND removed_at IS NULL`;

function editMessage({ roomId, messageId, userId, body, clientEditId }: EditMessageReq, now: number): Operation {
  const isApplied = "EXISTS (SELECT 1 FROM edits WHERE message_id = ?2 AND client_edit_id = ?6)";
  return {
    statements: [
      { sql: MESSAGE_FOR_MEMBER, args: [roomId, messageId, userId] },
      {
        sql: `UPDATE messages SET body = ?4, seq = ${NEXT_SEQ}, updated_at = max(?5, created_at + 1)
          WHERE id = ?2 AND room_id = ?1 AND user_id = ?3 AND deleted_at IS NULL AND body <> ?4
            AND ${IS_MEMBER("?3")} AND NOT ${isApplied}
          RETURNING *`,
        args: [roomId, messageId, userId, body, BigInt(now), clientEditId],
      },
      {
        sql: `INSERT INTO edits (message_id, client_edit_id)
          SELECT id, ?4 FROM messages
          WHERE id = ?2 AND room_id = ?1 AND user_id = ?3 AND deleted_at IS NULL AND ?4 <> '' AND ${IS_MEMBER("?3")}
          ON CONFLICT DO NOTHING`,
        args: [roomId, messageId, userId, clientEditId],
      },
    ],
    outcome([found]: Rows, [changed]: Rows) {
      if (!found) return { answer: notInRoom(roomId, userId) };
      if (found.id === null) return { answer: noMessage(messageId, roomId) };
      if (found.user_id !== userId) return { answer: denied("only its author may edit a message") };
      if (found.deleted_at !== null) {
        return { answer: new ConnectError(`message ${messageId} has been deleted`, Code.FailedPrecondition) };
      }
      return changedMessage(found, changed);
    },
  };
}

function deleteMessage({ roomId, messageId, userId }: DeleteMessageReq, now: number): Operation {
  return {
    statements: [
      { sql: MESSAGE_FOR_MEMBER, args: [roomId, messageId, userId] },
      {
        sql: `UPDATE messages SET body = '', deleted_at = ?4, seq = ${NEXT_SEQ}, updated_at = max(?4, created_at + 1)
          WHERE id = ?2 AND room_id = ?1 AND deleted_at IS NULL AND ${IS_MEMBER("?3")}
            AND (user_id = ?3 OR ${IS_OWNER("?3")})
          RETURNING *`,
        args: [roomId, messageId, userId, BigInt(now)],
      },
    ],
    outcome([found]: Rows, [changed]: Rows) {
      if (!found) return { answer: notInRoom(roomId, userId) };
      if (found.id === null) return { answer: noMessage(messageId, roomId) };
      if (found.user_id !== userId && found.owner_id !== userId) {
        return { answer: denied("only its author and the room's owner may delete a message") };
      }
      return changedMessage(found, changed);
    },
  };
}

function addMember({ roomId, userId }: AddMemberReq, now: number): Operation {
  const isNew = `NOT ${IS_MEMBER("?2")}`;
  return {
    statements: [
      { sql: `SELECT ${IS_MEMBER("?2")} AS is_member FROM rooms WHERE id = ?1`, args: [roomId, userId] },
      {
        sql: `UPDATE rooms
          SET member_seq = member_seq + 1, owner_id = iif(owner_id = 0, ?2, owner_id), updated_at = ?3
          WHERE id = ?1 AND ${isNew}`,
        args: [roomId, userId, BigInt(now)],
      },
      {
        sql: `REPLACE INTO members (
            room_id, user_id, member_seq, added_seq, read_message_id, joined_id, activity_id, created_at, updated_at
          )
          SELECT id, ?2, member_seq, member_seq, newest, joined, max(newest, joined), ?3, ?3
          FROM (
            SELECT id, member_seq,
              (SELECT coalesce(max(id), 0) FROM messages WHERE room_id = ?1) AS newest,
              (SELECT coalesce(max(id), 0) FROM messages) AS joined
            FROM rooms WHERE id = ?1 AND ${isNew}
          )
          RETURNING *`,
        args: [roomId, userId, BigInt(now)],
      },
    ],
    outcome([room]: Rows, _: Rows, [added]: Rows) {
      if (!room) return { answer: new ConnectError(`no room ${roomId}`, Code.NotFound) };
      if (added) return { answer: toMember(added), member: toMemberChange(added, 0n) };
      const message = `user ${userId} is a member of room ${roomId} already`;
      return { answer: new ConnectError(message, Code.AlreadyExists) };
    },
  };
}

function removeMember({ roomId, userId, actorId }: RemoveMemberReq, now: number): Operation {
  const isAllowed = `${IS_MEMBER("?2")} AND (?2 = ?3 OR ${IS_OWNER("?3")})`;
  return {
    statements: [
      {
        sql: `SELECT ${IS_MEMBER("?3")} AS is_actor, ${IS_MEMBER("?2")} AS is_member`,
        args: [roomId, userId, actorId],
      },
      {
        sql: `UPDATE members SET removed_at = ?4, updated_at = ?4,
            member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1)
          WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL AND ${isAllowed}
          RETURNING *`,
        args: [roomId, userId, actorId, BigInt(now)],
      },
      {
        sql: `UPDATE rooms SET updated_at = ?3, member_seq = member_seq + 1, owner_id = iif(owner_id <> ?2, owner_id,
            coalesce((SELECT user_id FROM members WHERE room_id = ?1 AND removed_at IS NULL ORDER BY id LIMIT 1), 0))
          WHERE id = ?1
            AND member_seq < (SELECT member_seq FROM members WHERE room_id = ?1 AND user_id = ?2)`,
        args: [roomId, userId, BigInt(now)],
      },
    ],
    outcome([found]: Rows, [removed]: Rows) {
      if (!found?.is_actor) return { answer: notInRoom(roomId, actorId) };
      if (!found.is_member) return { answer: notInRoom(roomId, userId) };
      if (!removed) return { answer: denied("only the room's owner may remove others") };
      return { answer: toMember(removed), member: toMemberChange(removed, MAX_INT64) };
    },
  };
}

function transferOwnership({ roomId, userId, actorId }: TransferOwnershipReq, now: number): Operation {
  return {
    statements: [
      {
        sql: `SELECT ${IS_MEMBER("?3")} AS is_actor, ${IS_MEMBER("?2")} AS is_member`,
        args: [roomId, userId, actorId],
      },
      {
        sql: `UPDATE rooms SET owner_id = ?2, updated_at = ?4
          WHERE id = ?1 AND owner_id = ?3 AND ${IS_MEMBER("?2")} RETURNING *`,
        args: [roomId, userId, actorId, BigInt(now)],
      },
    ],
    outcome([found]: Rows, [room]: Rows) {
      if (!found?.is_actor) return { answer: notInRoom(roomId, actorId) };
      if (!found.is_member) return { answer: notInRoom(roomId, userId) };
      if (!room) return { answer: denied("only the room's owner may hand it on") };
      return { answer: toRoom(room) };
    },
  };
}

function markRead({ roomId, userId, messageId }: MarkReadReq, now: number): Operation {
  return {
    statements: [
      {
        sql: `SELECT members.*, EXISTS (SELECT 1 FROM messages WHERE id = ?3 AND room_id = ?1) AS is_message
          FROM members WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL`,
        args: [roomId, userId, messageId],
      },
      {
        sql: `UPDATE members SET read_message_id = ?3, updated_at = ?4,
            member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1)
          WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL AND read_message_id < ?3
            AND EXISTS (SELECT 1 FROM messages WHERE id = ?3 AND room_id = ?1)
          RETURNING *`,
        args: [roomId, userId, messageId, BigInt(now)],
      },
      {
        sql: `UPDATE rooms SET member_seq = member_seq + 1
          WHERE id = ?1 AND member_seq < (SELECT member_seq FROM members WHERE room_id = ?1 AND user_id = ?2)`,
        args: [roomId, userId],
      },
    ],
    outcome([found]: Rows, [moved]: Rows) {
      if (!found) return { answer: notInRoom(roomId, userId) };
      if (!found.is_message) return { answer: noMessage(messageId, roomId) };
      if (!moved) return { answer: toMember(found) };
      return { answer: toMember(moved), member: toMemberChange(moved, MAX_INT64) };
    },
  };
}

/** Past every number of a log: to whom nothing is new. */
const MAX_INT64 = 2n ** 63n - 1n;

function changedMessage(found: Rows[number], changed: Rows[number] | undefined): OperationOutcome {
  if (!changed) return { answer: toMessage(found) };
  const message = toMessage(changed);
  return { answer: message, message };
}

function denied(message: string): ConnectError {
  return new ConnectError(message, Code.PermissionDenied);
}
