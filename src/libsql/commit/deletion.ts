import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type DeleteRoomReq, DeleteRoomResSchema } from "../../../gen/chat_pb.ts";
import { ErasedSchema, type EraseRoom } from "../../../gen/room/room_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import { asSeenBy, denied, IS_OWNER, NEXT_REVISION, type Operation } from "./operation.ts";

/** Rows of a table that one step erases at most; and messages, whose words have to be taken out of the index. */
const STEP = 1_000;
const STEP_MESSAGES = 200;

/** Room ?1, which actor ?2 deletes, or has deleted. */
const DELETION = `SELECT rooms.id, CASE
    WHEN rooms.id IS NOT NULL THEN iif(${IS_OWNER}, 'ok', 'not_allowed')
    WHEN EXISTS (SELECT 1 FROM deleted_rooms WHERE room_id = ?1 AND (is_service OR owner_id = ?2)) THEN 'done'
    ELSE 'no_room'
  END AS verdict
  ${asSeenBy("?2")}`;

/** Its name and its rights are gone at once, so nothing reaches the rest of it, which {@link eraseRoom} erases. */
export function deleteRoom({ roomId, actorId }: DeleteRoomReq, now: bigint): Operation {
  const args = [roomId, actorId];
  return {
    statements: [
      { sql: DELETION, args },
      {
        sql: `UPDATE rooms SET revision = ${NEXT_REVISION}
          WHERE id = (SELECT id FROM (${DELETION}) WHERE verdict = 'ok')`,
        args,
      },
      {
        sql: `INSERT INTO deleted_rooms (revision, room_id, owner_id, is_erased)
          SELECT revision, id, owner_id, 0 FROM rooms WHERE id = ?1 AND changes() > 0`,
        args: [roomId],
      },
      { sql: "DELETE FROM rooms WHERE id = ?1 AND changes() > 0", args: [roomId] },
      { sql: "DELETE FROM room_records WHERE room_id = ?1 AND changes() > 0", args: [roomId] },
      ...endMemberships(roomId, now),
    ],
    outcome([judged]) {
      switch (judged!.verdict) {
        case "no_room":
          return { answer: notInRoom(roomId, actorId) };
        case "not_allowed":
          return { answer: denied("only the room's owner may delete it") };
        case "done":
          return { answer: create(DeleteRoomResSchema) };
        default:
          return { answer: create(DeleteRoomResSchema), deletedRoomId: roomId };
      }
    },
  };
}

/** A step of erasing what a deleted room has left: so short that other rooms' changes needn't wait for it. */
export function eraseRoom({ roomId }: EraseRoom, now: bigint): Operation {
  const args = [roomId];
  const statements = [
    ...endMemberships(roomId, now),
    { sql: `DELETE FROM mentions WHERE ${some("mentions", "room_id, user_id, message_id")}`, args },
    { sql: `DELETE FROM presence WHERE ${some("presence", "room_id, user_id, process")}`, args },
    { sql: `DELETE FROM reactions WHERE ${someOfMessages("reactions", "message_id, emoji, user_id")}`, args },
    { sql: `DELETE FROM edits WHERE ${someOfMessages("edits", "message_id, client_edit_id")}`, args },
    {
      sql: `DELETE FROM messages WHERE id IN (${MESSAGES}) AND ${IS_DELETED}
        AND NOT EXISTS (SELECT 1 FROM reactions WHERE message_id = messages.id)
        AND NOT EXISTS (SELECT 1 FROM edits WHERE message_id = messages.id)`,
      args,
    },
    { sql: `UPDATE deleted_rooms SET is_erased = 1 WHERE room_id = ?1 AND is_erased = 0 AND NOT ${HAS_MORE}`, args },
    { sql: `SELECT EXISTS (SELECT 1 FROM deleted_rooms WHERE room_id = ?1 AND is_erased = 0) AS has_more`, args },
  ];
  return {
    statements,
    outcome: (...results) => {
      return { answer: create(ErasedSchema, { hasMore: Boolean(Number(results.at(-1)![0]!.has_more)) }) };
    },
  };
}

/** Whether room ?1 is deleted, and not yet erased. */
const IS_DELETED = "EXISTS (SELECT 1 FROM deleted_rooms WHERE room_id = ?1 AND is_erased = 0)";

/** Some of its messages. */
const MESSAGES = `SELECT id FROM messages WHERE room_id = ?1 ORDER BY id LIMIT ${STEP_MESSAGES}`;

const HAS_MORE = `(
    EXISTS (SELECT 1 FROM messages WHERE room_id = ?1) OR EXISTS (SELECT 1 FROM mentions WHERE room_id = ?1)
    OR EXISTS (SELECT 1 FROM presence WHERE room_id = ?1)
    OR EXISTS (SELECT 1 FROM members INDEXED BY members_by_room WHERE room_id = ?1 AND removed_at IS NULL)
  )`;

/** The condition for some rows of a table. */
const some = (table: string, key: string) => `(${key}) IN (SELECT ${key} FROM ${table} WHERE room_id = ?1 LIMIT ${STEP})
  AND ${IS_DELETED}`;

/** The condition for some rows of a table that belong to messages. */
const someOfMessages = (table: string, key: string) => `(${key}) IN (
    SELECT ${key} FROM (${MESSAGES}) AS page JOIN ${table} ON message_id = page.id LIMIT ${STEP}
  ) AND ${IS_DELETED}`;

/** Ends some memberships of a room, if it is deleted. */
function endMemberships(roomId: bigint, now: bigint): InStatement[] {
  return [
    {
      sql: `UPDATE members SET removed_at = ?2, updated_at = max(CAST(?2 AS INTEGER), updated_at),
          revision = ${NEXT_REVISION}, left_revision = ${NEXT_REVISION}
        WHERE room_id = ?1 AND user_id IN (
          SELECT user_id FROM members INDEXED BY members_by_room WHERE room_id = ?1 AND removed_at IS NULL LIMIT ${STEP}
        ) AND ${IS_DELETED}`,
      args: [roomId, now],
    },
    `UPDATE log_state SET revision = ${NEXT_REVISION} WHERE changes() > 0`,
  ];
}
