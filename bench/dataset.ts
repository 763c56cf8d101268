import { create } from "@bufbuild/protobuf";
import { AddMemberReqSchema, SendMessageReqSchema } from "../gen/chat_pb.ts";
import { LIMITS } from "../src/chat/limits.ts";
import type { RoomChange } from "../src/chat/store.ts";
import { migrate } from "../src/libsql/migrations.ts";
import { openDatabase } from "../src/libsql/open.ts";
import { LibsqlStore } from "../src/libsql/store.ts";
import { BODY, USER } from "./bytes.ts";

/** Rooms 1 to `rooms`; the first of them may have more members than one, and messages. */
export interface Dataset {
  readonly rooms: number;
  readonly members?: number;
  readonly messages?: number;
}

/** Answers with the database's URL. */
export async function createDataset(file: string, { rooms, members = 1, messages = 0 }: Dataset): Promise<string> {
  const url = `file:${file}`;
  const database = await openDatabase(url, undefined);
  await using store = new LibsqlStore(database);
  await migrate(database);
  const args = [BigInt(rooms), USER, BigInt(Date.now())];
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
  await database.write([
    {
      sql: `INSERT INTO rooms (id, post_id, owner_id, member_seq, created_at, updated_at)
        ${numbers} SELECT i, i, ?2, 1, ?3, ?3 FROM n`,
      args,
    },
    {
      sql: `INSERT INTO members (
          room_id, user_id, member_seq, added_seq, read_message_id, joined_id, activity_id, created_at, updated_at
        )
        ${numbers} SELECT i, ?2, 1, 1, 0, 0, 0, ?3, ?3 FROM n`,
      args,
    },
  ]);
  const changes: RoomChange[] = [];
  for (let userId = USER + 1n; userId <= members; userId++) {
    changes.push({ case: "addMember", value: create(AddMemberReqSchema, { roomId: 1n, userId }) });
  }
  const value = create(SendMessageReqSchema, { roomId: 1n, userId: USER, body: BODY });
  for (let i = 0; i < messages; i++) changes.push({ case: "sendMessage", value });
  const { commitChanges } = LIMITS;
  for (let i = 0; i < changes.length; i += commitChanges) await store.commit(changes.slice(i, i + commitChanges));
  return url;
}
