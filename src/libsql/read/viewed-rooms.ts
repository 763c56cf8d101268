import type { InStatement } from "@libsql/client";
import type { ViewedRoom } from "../../chat/caller.ts";
import { numberOf } from "../../chat/user-store.ts";
import type { Rows } from "../database.ts";

const POST = "post:";

/** Rooms by id, and rooms by post. */
export function viewedRoomsStatements(keys: readonly string[]): InStatement[] {
  const ids = keys.flatMap((key) => numberOf(key) ?? []);
  const posts = keys.flatMap((key) => (key.startsWith(POST) ? (numberOf(key.slice(POST.length)) ?? []) : []));
  return [
    { sql: "SELECT id, post_id FROM rooms WHERE id IN (SELECT value FROM json_each(?1))", args: [`[${ids}]`] },
    { sql: "SELECT id, post_id FROM rooms WHERE post_id IN (SELECT value FROM json_each(?1))", args: [`[${posts}]`] },
  ];
}

export function toViewedRooms([byId, byPost]: readonly Rows[]): Map<string, ViewedRoom> {
  const toRoom = ({ id, post_id: postId }: Rows[number]) => ({ id, postId }) as ViewedRoom;
  return new Map([
    ...byId!.map((row) => [`${row.id as bigint}`, toRoom(row)] as const),
    ...byPost!.map((row) => [`${POST}${row.post_id as bigint}`, toRoom(row)] as const),
  ]);
}
