import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMemberReq,
  type AddMembersReq,
  AddMembersResSchema,
  type NotAdded,
  NotAddedSchema,
} from "../../../gen/chat_pb.ts";
import { banned, notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { toMember, toTimestamp } from "../schema/rows.ts";
import { type Bounds, hasRooms, idTooGreat, roomFull, tooManyRooms } from "./bounds.ts";
import { asSeenBy, denied, IS_MODERATOR, NEXT_REVISION, type Operation, type OperationOutcome } from "./operation.ts";
import { memberOutcome, RECORD, RECORD_CHANGED_WITH_MEMBER } from "./record.ts";

type Row = Rows[number];

/** Whether an actor, who finds room ?1 by asSeenBy(), may add members to it, as cases of a verdict. */
const RIGHT = `WHEN rooms.id IS NULL THEN 'no_room'
    WHEN NOT ${IS_MODERATOR} THEN 'not_allowed'`;

/** Actor ?2, who adds members to room ?1. */
const ADDITIONS = `SELECT CASE ${RIGHT} ELSE 'ok' END AS verdict ${asSeenBy("?2")}`;

/** User ?2, whom actor ?3 adds to room ?1 at time ?6. The room may have ?4 members, and the user be in ?5 rooms. */
const ADDITION = `SELECT members.*, rooms.id AS room, rooms.member_seq AS room_member_seq, rooms.last_message_id, CASE
    ${RIGHT}
    WHEN members.id IS NOT NULL AND members.removed_at IS NULL THEN 'member'
    WHEN members.banned_until > ?6 THEN 'banned'
    WHEN rooms.member_count >= ?4 THEN 'room_full'
    WHEN ${hasRooms("?2", "?5")} THEN 'too_many_rooms'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON members.room_id = rooms.id AND members.user_id = ?2`;

type AdditionReq = Pick<AddMemberReq, "roomId" | "userId" | "actorId">;

export function addMember(req: AddMemberReq, now: bigint, bounds: Bounds): Operation {
  const isTooGreat = req.userId > bounds.greatestId;
  const statements = additionStatements(req, now, bounds);
  return {
    statements: isTooGreat ? statements.slice(0, 1) : statements,
    outcome([judged], [added] = [], _, __, ___, [record] = []) {
      const refused = additionRefusal(judged!, req, bounds);
      if (refused) return { answer: refused };
      if (isTooGreat) return { answer: idTooGreat("user_id", req.userId, bounds.greatestId) };
      return memberOutcome(added!, record);
    },
  };
}

/** Adds each of the users who can be added. */
export function addMembers(req: AddMembersReq, now: bigint, bounds: Bounds): Operation {
  const { roomId, actorId } = req;
  const userIds = [...new Set(req.userIds)];
  const tooGreat = userIds.find((userId) => userId > bounds.greatestId);
  const additions = tooGreat === undefined ? userIds.map((userId) => ({ roomId, userId, actorId })) : [];
  return {
    statements: [
      { sql: ADDITIONS, args: [roomId, actorId] },
      ...additions.flatMap((addition) => additionStatements(addition, now, bounds)),
    ],
    outcome([judged], ...results) {
      const refused = additionRefusal(judged!, { roomId, actorId, userId: 0n }, bounds);
      if (refused) return { answer: refused };
      if (tooGreat !== undefined) return { answer: idTooGreat("user_ids", tooGreat, bounds.greatestId) };
      const answer = create(AddMembersResSchema);
      const parts: OperationOutcome[] = [];
      for (const { userId } of additions) {
        const [[judged], [added], , , , [record]] = results.splice(0, ADDITION_STATEMENTS) as [
          Rows,
          Rows,
          Rows,
          Rows,
          Rows,
          Rows,
        ];
        const reason = NOT_ADDED[judged!.verdict as string];
        if (reason) answer.notAdded.push(notAdded(userId, reason, judged!));
        else if (!added) answer.members.push(toMember(judged!));
        else {
          const part = memberOutcome(added, record);
          answer.members.push(part.member);
          parts.push(part);
        }
      }
      return { answer, parts };
    },
  };
}

const ADDITION_STATEMENTS = 6;

function additionStatements({ roomId, userId, actorId }: AdditionReq, now: bigint, bounds: Bounds) {
  const args = [roomId, userId, actorId, BigInt(bounds.roomMembers), BigInt(bounds.userRooms), now];
  return [
    { sql: ADDITION, args },
    {
      // Who was a member before starts afresh, but can't speak any earlier for it.
      sql: `INSERT INTO members (
            room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at, revision
          )
          SELECT room, ?2, log_head.member_id + 1, room_member_seq + 1, last_message_id, message_id, ?6, ?6,
            log_head.revision + 1
          FROM log_head, (${ADDITION}) AS judged
          WHERE verdict = 'ok'
          ON CONFLICT (room_id, user_id) DO UPDATE SET
            id = excluded.id, member_seq = excluded.member_seq, read_message_id = excluded.read_message_id,
            joined_message_id = excluded.joined_message_id, created_at = excluded.created_at,
            updated_at = excluded.updated_at, removed_at = NULL, role = excluded.role, revision = excluded.revision,
            left_revision = 0, banned_until = 0
          RETURNING *`,
      args,
    },
    {
      sql: `UPDATE rooms SET member_seq = member_seq + iif(owner_id = 0, 2, 1), member_count = member_count + 1,
            owner_id = iif(owner_id = 0, ?2, owner_id), updated_at = max(CAST(?3 AS INTEGER), updated_at),
            revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
      args: [roomId, userId, now],
    },
    "UPDATE log_state SET member_id = member_id + 1 WHERE changes() > 0",
    { sql: RECORD_CHANGED_WITH_MEMBER, args: [roomId, userId] },
    { sql: `${RECORD} AND changes() > 0`, args: [roomId] },
  ];
}

/** Why a user is not added, for a program, by the verdict. */
const NOT_ADDED: Readonly<Record<string, string>> = {
  banned: "BANNED",
  room_full: "ROOM_FULL",
  too_many_rooms: "TOO_MANY_ROOMS",
};

function notAdded(userId: bigint, reason: string, { verdict, banned_until }: Row): NotAdded {
  const until = verdict === "banned" && { until: toTimestamp(banned_until) };
  return create(NotAddedSchema, { userId, reason, ...until });
}

function additionRefusal(
  { verdict, banned_until }: Row,
  { roomId, userId, actorId }: AdditionReq,
  bounds: Bounds,
): ConnectError | undefined {
  switch (verdict) {
    case "no_room":
      return notInRoom(roomId, actorId);
    case "not_allowed":
      return denied("only the room's owner and moderators may add others; ask one of them");
    case "member":
      return new ConnectError(`user ${userId} is a member of room ${roomId} already`, Code.AlreadyExists);
    case "banned":
      return banned(userId, toTimestamp(banned_until));
    case "room_full":
      return roomFull(roomId, bounds);
    case "too_many_rooms":
      return tooManyRooms(userId, bounds);
    default:
      return undefined;
  }
}
