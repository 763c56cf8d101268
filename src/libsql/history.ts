import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type ListMessagesReq, type ListMessagesRes, ListMessagesResSchema } from "../../gen/chat_pb.ts";
import { noMessage, notInRoom } from "../chat/errors.ts";
import type { Rows } from "./database.ts";
import { toMessage } from "./rows.ts";

const DEFAULT_MESSAGES = 50;

/**
 * A page of history is two runs of messages around a point: so many with smaller ids, so many with greater ones. One
 * more of either tells whether the room goes on there.
 */
export function messagePageStatements(req: ListMessagesReq): InStatement[] {
  const { roomId, userId } = req;
  const { point, earlier, later } = bounds(req);
  const run = (compare: "<" | ">=", order: "DESC" | "ASC", count: number) => ({
    sql: `SELECT * FROM messages WHERE room_id = ?1 AND id ${compare} ?2 ORDER BY id ${order} LIMIT ?3`,
    args: [roomId, point, BigInt(count + 1)],
  });
  return [
    {
      sql: `SELECT rooms.member_seq, (SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = ?1) AS seq
        FROM members JOIN rooms ON rooms.id = room_id
        WHERE room_id = ?1 AND user_id = ?2 AND removed_at IS NULL`,
      args: [roomId, userId],
    },
    run("<", "DESC", earlier),
    run(">=", "ASC", later),
  ];
}

export function messagePage(req: ListMessagesReq, [member, before, after]: readonly Rows[]): ListMessagesRes {
  const head = member![0];
  if (!head) throw notInRoom(req.roomId, req.userId);
  const { earlier, later } = bounds(req);
  if (req.position.case === "aroundId" && after![0]?.id !== req.position.value) {
    throw noMessage(req.position.value, req.roomId);
  }
  return create(ListMessagesResSchema, {
    messages: [...before!.slice(0, earlier).reverse(), ...after!.slice(0, later)].map(toMessage),
    hasEarlier: before!.length > earlier,
    hasLater: after!.length > later,
    head: { seq: head.seq as bigint, memberSeq: head.member_seq as bigint },
  });
}

const MAX_INT64 = 2n ** 63n - 1n;

/** How many messages before a point, and how many from it on. */
function bounds({ position, limit }: ListMessagesReq): { point: bigint; earlier: number; later: number } {
  const size = limit > 0 ? limit : DEFAULT_MESSAGES;
  switch (position.case) {
    case "beforeId":
      return { point: position.value, earlier: size, later: 0 };
    case "afterId":
      return { point: position.value < MAX_INT64 ? position.value + 1n : MAX_INT64, earlier: 0, later: size };
    case "aroundId":
      return { point: position.value, earlier: Math.floor(size / 2), later: Math.ceil(size / 2) };
    case undefined:
      return { point: MAX_INT64, earlier: size, later: 0 };
  }
}
