import { Code, ConnectError } from "@connectrpc/connect";
import type { AddMemberReq, RemoveMemberReq } from "../../../gen/chat_pb.ts";
import { toMember } from "../schema/rows.ts";
import { idTooGreat } from "./ids.ts";
import { isMember, NEXT_REVISION, type Operation, refusal } from "./operation.ts";

/** User ?2, who is to be added to room ?1. */
const ADDITION = `SELECT rooms.*, CASE
    WHEN rooms.id IS NULL THEN 'no_room'
    WHEN members.id IS NOT NULL THEN 'member'
    ELSE 'ok'
  END AS verdict
  FROM (SELECT 1)
  LEFT JOIN rooms ON rooms.id = ?1
  LEFT JOIN members ON ${isMember("members", "?2")}`;

/** Member ?2 of room ?1, who is to be removed by member ?3. */
const REMOVAL = `SELECT members.user_id, CASE
    WHEN actors.id IS NULL THEN 'no_actor'
    WHEN members.id IS NULL THEN 'not_member'
    WHEN actors.id <> members.id AND rooms.owner_id <> actors.user_id THEN 'not_owner'
    ELSE 'ok'
  END AS verdict
  FROM (SELECT 1)
  LEFT JOIN members AS actors ON ${isMember("actors", "?3")}
  LEFT JOIN members ON ${isMember("members", "?2", "actors.room_id")}
  LEFT JOIN rooms ON rooms.id = members.room_id`;

export function addMember({ roomId, userId }: AddMemberReq, now: bigint, greatestId: bigint): Operation {
  const judgement = { sql: ADDITION, args: [roomId, userId] };
  const isTooGreat = userId > greatestId;
  const addition = [
    {
      // Who was a member before starts afresh.
      sql: `INSERT INTO members (
            room_id, user_id, id, member_seq, read_message_id, joined_message_id, created_at, updated_at
          )
          SELECT judged.id, ?2, member_id + 1, member_seq + 1, last_message_id, message_id, ?3, ?3
          FROM log_head, (${ADDITION}) AS judged
          WHERE verdict = 'ok'
          ON CONFLICT (room_id, user_id) DO UPDATE SET
            id = excluded.id, member_seq = excluded.member_seq, read_message_id = excluded.read_message_id,
            joined_message_id = excluded.joined_message_id, created_at = excluded.created_at,
            updated_at = excluded.updated_at, removed_at = NULL
          RETURNING *`,
      args: [roomId, userId, now],
    },
    {
      sql: `UPDATE rooms SET member_seq = member_seq + 1, member_count = member_count + 1,
            owner_id = iif(owner_id = 0, ?2, owner_id), updated_at = max(CAST(?3 AS INTEGER), updated_at), revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
      args: [roomId, userId, now],
    },
    "UPDATE log_state SET member_id = member_id + 1 WHERE changes() > 0",
  ];
  return {
    statements: isTooGreat ? [judgement] : [judgement, ...addition],
    outcome([judged], [added] = []) {
      if (judged!.verdict === "no_room") return { answer: new ConnectError(`no room ${roomId}`, Code.NotFound) };
      if (judged!.verdict === "member") {
        const message = `user ${userId} is a member of room ${roomId} already`;
        return { answer: new ConnectError(message, Code.AlreadyExists) };
      }
      if (isTooGreat) return { answer: idTooGreat("user_id", userId, greatestId) };
      const member = toMember(added!);
      return { answer: member, member };
    },
  };
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
            owner_id = iif(owner_id <> ?2, owner_id, ${OLDEST_MEMBER}), updated_at = max(CAST(?3 AS INTEGER), updated_at), revision = ${NEXT_REVISION}
          WHERE id = ?1 AND changes() > 0`,
        args: [roomId, userId, now],
      },
    ],
    outcome([judged], [removed]) {
      const refused = refusal(judged!.verdict, req, "only the room's owner may remove others");
      if (refused) return { answer: refused };
      const member = toMember(removed!);
      return { answer: member, member };
    },
  };
}

const OLDEST_MEMBER = `coalesce(
  (SELECT user_id FROM members WHERE room_id = ?1 AND removed_at IS NULL ORDER BY id LIMIT 1), 0
)`;
