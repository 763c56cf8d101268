import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type ListMembersReq, type ListMembersRes, ListMembersResSchema } from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import type { Reading } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { toMember } from "../schema/rows.ts";
import { isReaderStatement, READERS_ROOM, readerOf } from "./membership.ts";

const DEFAULT_MEMBERS = 50;

export function memberPageStatements(req: ListMembersReq, reading: Reading): InStatement[] {
  const { roomId, afterUserId, limit } = req;
  const reader = readerOf(req, reading);
  return [
    isReaderStatement(roomId, reader),
    {
      sql: `SELECT * FROM members INDEXED BY members_by_room
        WHERE room_id = ${READERS_ROOM} AND user_id > ?3 AND removed_at IS NULL
        ORDER BY user_id LIMIT CAST(?4 AS INTEGER)`,
      args: [roomId, reader, afterUserId, BigInt(pageSize(limit) + 1)],
    },
  ];
}

export function memberPage({ roomId, userId, limit }: ListMembersReq, [found, rows]: readonly Rows[]): ListMembersRes {
  if (!found![0]!.is_reader) throw notInRoom(roomId, userId);
  const size = pageSize(limit);
  return create(ListMembersResSchema, { members: rows!.slice(0, size).map(toMember), hasMore: rows!.length > size });
}

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_MEMBERS;
}
