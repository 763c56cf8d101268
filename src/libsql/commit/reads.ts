import { create } from "@bufbuild/protobuf";
import type { MarkReadReq } from "../../../gen/chat_pb.ts";
import { ReadMarkSchema } from "../../../gen/room/room_pb.ts";
import { noMessage, notInRoom } from "../../chat/errors.ts";
import { toMember } from "../schema/rows.ts";
import { isMember, type Operation } from "./operation.ts";

/** Member ?2 of room ?1, who has read up to message ?3. */
const MARK = `SELECT members.*, rooms.member_seq AS room_member_seq, rooms.member_count, CASE
    WHEN members.id IS NULL THEN 'not_member'
    WHEN messages.id IS NULL THEN 'no_message'
    WHEN members.read_message_id >= messages.id THEN 'done'
    ELSE 'ok'
  END AS verdict
  FROM (SELECT 1)
  LEFT JOIN members ON ${isMember("members", "?2")}
  LEFT JOIN rooms ON rooms.id = members.room_id
  LEFT JOIN messages ON messages.room_id = members.room_id AND messages.id = ?3`;

/** A read position is in no log: it takes no number, and leaves the room's row alone. */
export function markRead({ roomId, userId, messageId }: MarkReadReq, now: bigint): Operation {
  const args = [roomId, userId, messageId];
  return {
    statements: [
      { sql: MARK, args },
      {
        sql: `UPDATE members SET read_message_id = ?3, updated_at = max(CAST(?4 AS INTEGER), updated_at)
          WHERE room_id = ?1 AND user_id = (SELECT user_id FROM (${MARK}) WHERE verdict = 'ok') RETURNING *`,
        args: [...args, now],
      },
    ],
    outcome([judged], [moved]) {
      if (judged!.verdict === "not_member") return { answer: notInRoom(roomId, userId) };
      if (judged!.verdict === "no_message") return { answer: noMessage(messageId, roomId) };
      if (!moved) return { answer: toMember(judged!) };
      const [memberSeq, members] = [judged!.room_member_seq as bigint, Number(judged!.member_count)];
      return {
        answer: toMember(moved),
        read: create(ReadMarkSchema, { roomId, userId, messageId, memberSeq, members }),
      };
    },
  };
}
