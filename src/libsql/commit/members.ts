import { Code, ConnectError } from "@connectrpc/connect";
import { type AddMemberReq, type RemoveMemberReq, Role } from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import { toMember } from "../schema/rows.ts";
import { type Bounds, hasRooms, idTooGreat, roomFull, tooManyRooms } from "./bounds.ts";
import {
  asSeenBy,
  denied,
  IS_MODERATOR,
  IS_OWNER,
  isMember,
  NEXT_REVISION,
  type Operation,
  refusal,
} from "./operation.ts";

/** User ?2, whom actor ?3 adds to room ?1. The room may have ?4 members, and the user be in ?5 rooms. */
const ADDITION = `SELECT rooms.*, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN NOT ${IS_MODERATOR} THEN 'not_allowed'
    WHEN members.id IS NOT NULL THEN 'member'
    WHEN rooms.member_count >= ?4 THEN 'room_full'
    WHEN ${hasRooms("?2", "?5")} THEN 'too_many_rooms'
    ELSE 'ok'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

/** Member ?2 of room ?1, whom actor ?3 removes. */
const REMOVAL = `SELECT members.user_id, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN members.id IS NULL THEN 'not_member'
    WHEN members.id = actors.id OR ${IS_OWNER} THEN 'ok'
    WHEN ${IS_MODERATOR} AND members.role = ${Role.MEMBER} AND members.user_id <> rooms.owner_id THEN 'ok'
    ELSE 'not_allowed'
  END AS verdict
  ${asSeenBy("?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "rooms.id")}`;

export function addMember(req: AddMemberReq, now: bigint, bounds: Bounds): Operation {
  const { roomId, userId, actorId } = req;
  const args = [roomId, userId, actorId, BigInt(bounds.roomMembers), BigInt(bounds.userRooms)];
  const isTooGreat = userId > bounds.greatestId;
  const addition = [
    {
      // Who was a member before starts afresh.
      sql: `INSERT INTO members (
            room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at
          )
          SELECT judged.id, ?2, member_id + 1, member_seq + 1, last_message_id, message_id, ?6, ?6
          FROM log_head, (${ADDITION}) AS judged
          WHERE verdict = 'ok'
          ON CONFLICT (room_id, user_id) DO UPDATE SET
            id = excluded.id, member_seq = excluded.member_seq, read_message_id = excluded.read_message_id,
            joined_message_id = excluded.joined_message_id, created_at = excluded.created_at,
            updated_at = excluded.updated_at, removed_at = NULL, role = excluded.role
          RETURNING *`,
      args: [...args, now],
    },
    {
      sql: `UPDATE rooms SET member_seq = member_seq + 1, member_count = member_count + 1,
            owner_id = iif(owner_id = 0, ?2, owner_id), updated_at = max(CAST(?3 AS INTEGER), updated_at),
            revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
      args: [roomId, userId, now],
    },
    "UPDATE log_state SET member_id = member_id + 1 WHERE changes() > 0",
  ];
  const judgement = { sql: ADDITION, args };
  return {
    statements: isTooGreat ? [judgement] : [judgement, ...addition],
    outcome([judged], [added] = []) {
      const refused = additionRefusal(judged!.verdict, req, bounds);
      if (refused) return { answer: refused };
      if (isTooGreat) return { answer: idTooGreat("user_id", userId, bounds.greatestId) };
      const member = toMember(added!);
      return { answer: member, member, memberSeq: member.memberSeq };
    },
  };
}

function additionRefusal(verdict: unknown, req: AddMemberReq, bounds: Bounds): ConnectError | undefined {
  const { roomId, userId, actorId } = req;
  switch (verdict) {
    case "no_room":
      return notInRoom(roomId, actorId);
    case "not_allowed":
      return denied("only the room's owner and moderators may add others; ask one of them");
    case "member":
      return new ConnectError(`user ${userId} is a member of room ${roomId} already`, Code.AlreadyExists);
    case "room_full":
      return roomFull(roomId, bounds);
    case "too_many_rooms":
      return tooManyRooms(userId, bounds);
    default:
      return undefined;
  }
}

export function removeMember(req: RemoveMemberReq, now: bigint): Operation {
  const { roomId, userId, actorId } = req;
  return {
    statements: [
      { sql: REMOVAL, args: [roomId, userId, actorId] },
      {
        sql: `UPDATE members SET removed_at = ?4, updated_at = max(CAST(?4 AS INTEGER), updated_at),
            member_seq = (SELECT member_seq + 1 FROM rooms WHERE id = ?1)
          WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${REMOVAL}) WHERE verdict = 'ok') RETURNING *`,
        args: [roomId, userId, actorId, now],
      },
      {
        sql: `UPDATE rooms SET member_seq = member_seq + 1, member_count = member_count - 1,
            owner_id = iif(owner_id <> ?2, owner_id, ${OLDEST_MEMBER}), updated_at = max(CAST(?3 AS INTEGER), updated_at),
            revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
        args: [roomId, userId, now],
      },
    ],
    outcome([judged], [removed]) {
      const refused = refusal(
        judged!.verdict,
        req,
        "only the room's owner may remove others, and its moderators those without a role",
      );
      if (refused) return { answer: refused };
      const member = toMember(removed!);
      return { answer: member, member, memberSeq: member.memberSeq };
    },
  };
}

const OLDEST_MEMBER = `coalesce(
  (SELECT user_id FROM members WHERE room_id = ?1 AND removed_at IS NULL ORDER BY id LIMIT 1), 0
)`;
