import type { InStatement } from "@libsql/client";
import type { ViewedRoom } from "../../chat/caller.ts";
import { numberOf } from "../../chat/user-store.ts";
import type { Rows } from "../database.ts";

/** Rooms by id, and rooms by key. */
export function viewedRoomsStatements(keys: readonly string[]): InStatement[] {
  const ids = keys.flatMap((key) => numberOf(key) ?? []);
  const rooms = (column: string) => `SELECT room_id, key FROM room_records
    WHERE ${column} IN (SELECT value FROM json_each(?1))`;
  return [
    { sql: rooms("room_id"), args: [`[${ids}]`] },
    { sql: rooms("key"), args: [JSON.stringify(keys)] },
  ];
}

/** Where a key is a number, it is the room with that id. */
export function toViewedRooms([byId, byKey]: readonly Rows[]): Map<string, ViewedRoom> {
  const toRoom = ({ room_id: id, key }: Rows[number]) => ({ id, key }) as ViewedRoom;
  return new Map([
    ...byKey!.map((row) => [row.key as string, toRoom(row)] as const),
    ...byId!.map((row) => [`${row.room_id as bigint}`, toRoom(row)] as const),
  ]);
}
