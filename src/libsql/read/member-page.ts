import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import { type ListMembersReq, type ListMembersRes, ListMembersResSchema, Role } from "../../../gen/chat_pb.ts";
import { bansAreSecret, notInRoom } from "../../chat/errors.ts";
import type { Reading } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { toBanned, toMember } from "../schema/rows.ts";
import { isReaderStatement, READERS_ROOM, readerOf } from "./membership.ts";

const DEFAULT_MEMBERS = 50;

export function memberPageStatements(req: ListMembersReq, reading: Reading): InStatement[] {
  const { roomId, afterUserId, limit } = req;
  const reader = readerOf(req, reading);
  const args = [roomId, reader, afterUserId, BigInt(pageSize(limit) + 1)];
  if (req.banned) {
    return [
      {
        sql: `SELECT ${READERS_ROOM} IS NOT NULL AS is_reader, ${MODERATORS_ROOM} IS NOT NULL AS is_moderator`,
        args: [roomId, reader],
      },
      {
        sql: `SELECT * FROM members INDEXED BY members_banned
          WHERE room_id = ${MODERATORS_ROOM} AND user_id > ?3 AND banned_until > 0 AND banned_until > ?5
          ORDER BY user_id LIMIT CAST(?4 AS INTEGER)`,
        args: [...args, BigInt(Date.now())],
      },
    ];
  }
  return [
    isReaderStatement(roomId, reader),
    {
      sql: `SELECT * FROM members INDEXED BY members_by_room
        WHERE room_id = ${READERS_ROOM} AND user_id > ?3 AND removed_at IS NULL
        ORDER BY user_id LIMIT CAST(?4 AS INTEGER)`,
      args,
    },
  ];
}

export function memberPage(req: ListMembersReq, [found, rows]: readonly Rows[]): ListMembersRes {
  const { roomId, userId, banned } = req;
  if (!found![0]!.is_reader) throw notInRoom(roomId, userId);
  if (banned && !found![0]!.is_moderator) throw bansAreSecret();
  const size = pageSize(req.limit);
  const toShown = banned ? (row: Rows[number]) => toBanned(row, 0n) : toMember;
  return create(ListMembersResSchema, { members: rows!.slice(0, size).map(toShown), hasMore: rows!.length > size });
}

/** Room ?1, if reader ?2 may what a moderator of it may. */
const MODERATORS_ROOM = `iif(?2 IS NULL, (SELECT id FROM rooms WHERE id = ?1), (
    SELECT rooms.id FROM members JOIN rooms ON rooms.id = members.room_id
    WHERE members.room_id = ?1 AND members.user_id = ?2 AND members.removed_at IS NULL
      AND (rooms.owner_id = members.user_id OR members.role = ${Role.MODERATOR})
  ))`;

function pageSize(limit: number): number {
  return limit > 0 ? limit : DEFAULT_MEMBERS;
}
