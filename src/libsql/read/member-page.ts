import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type ListMembersReq, type ListMembersRes, ListMembersResSchema } from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { toMember } from "../schema/rows.ts";
import { isMemberStatement, OWN_ROOM } from "./membership.ts";

const DEFAULT_MEMBERS = 50;

export function memberPageStatements({ roomId, userId, afterUserId, limit }: ListMembersReq): InStatement[] {
  return [
    isMemberStatement(roomId, userId),
    {
      sql: `SELECT * FROM members INDEXED BY members_by_room
        WHERE room_id = ${OWN_ROOM} AND user_id > ?3 AND removed_at IS NULL
        ORDER BY user_id LIMIT CAST(?4 AS INTEGER)`,
      args: [roomId, userId, afterUserId, BigInt(pageSize(limit) + 1)],
    },
  ];
}

export function memberPage({ roomId, userId, limit }: ListMembersReq, [own, rows]: readonly Rows[]): ListMembersRes {
  if (!own![0]!.is_member) throw notInRoom(roomId, userId);
  const size = pageSize(limit);
  return create(ListMembersResSchema, { members: rows!.slice(0, size).map(toMember), hasMore: rows!.length > size });
}

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_MEMBERS;
}
