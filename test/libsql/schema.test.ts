import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  GetRoomReqSchema,
  ListMembersReqSchema,
  ListMessagesReqSchema,
  type Member,
  type Message,
  MessageKind,
  Role,
  type Room,
} from "../../gen/chat_pb.ts";
import { FIRST_KEYED_USER } from "../../src/chat/user-store.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate, newEpoch } from "../../src/libsql/schema/migrate.ts";
import { migrations } from "../../src/libsql/schema/migrations.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { LibsqlUsers } from "../../src/libsql/users.ts";
import { apply } from "../support/changes.ts";
import { createReq } from "../support/requests.ts";
import { BEGINNING, freshPost, readLog } from "../support/stored-rooms.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let directory: TemporaryDirectory;
let files = 0;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory?.[Symbol.asyncDispose]());

function open(): Promise<Database> {
  return openDatabase(`file:${directory.path}/${++files}.db`);
}

describe("migrate", () => {
  test("tells of each migration that it runs, and runs each once", async () => {
    await using database = await open();
    const lines: string[] = [];
    const onProgress = (line: string) => void lines.push(line);
    await migrate(database, { onProgress });
    expect(lines).toHaveLength(migrations.length);
    expect(lines[0]).toBe(`migration 1 of ${migrations.length}: rooms, members, messages`);
    await migrate(database, { onProgress });
    expect(lines).toHaveLength(migrations.length);
  });

  test("refuses a database that is newer than the program", async () => {
    await using database = await open();
    await migrate(database);
    await database.write(["INSERT INTO schema_migrations (version) VALUES (1000)"]);
    await expect(migrate(database)).rejects.toThrow(
      "the schema of the database is newer than the program: it has version 1000, and this program knows versions up to",
    );
  });

  test("refuses a database of a schema from before the first release", async () => {
    await using database = await open();
    await database.write([
      "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY) STRICT",
      "INSERT INTO schema_migrations (version) VALUES (1)",
      "CREATE TABLE rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, post_id INTEGER NOT NULL UNIQUE) STRICT",
    ]);
    await expect(migrate(database)).rejects.toThrow("use a fresh database");
    expect(await database.read(["SELECT name FROM sqlite_schema WHERE name = 'log_state'"])).toEqual([[]]);
  });

  test("a migration that fails says so, and leaves nothing", async () => {
    await using database = await open();
    await database.write(["CREATE TABLE edits (theirs INTEGER)"]);
    await expect(migrate(database)).rejects.toThrow("edits");
    expect(await database.read(["SELECT name FROM sqlite_schema WHERE name = 'log_state'"])).toEqual([[]]);
  });
});

/** A database with the first migrations, as an older program has left it. */
async function openOld(versions: number): Promise<Database> {
  const database = await open();
  await database.write(["CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY) STRICT"]);
  for (const [i, { statements }] of migrations.slice(0, versions).entries()) {
    const note = { sql: "INSERT INTO schema_migrations (version) VALUES (?1)", args: [BigInt(i + 1)] };
    await database.write([note, ...statements()]);
  }
  return database;
}

test("migrations 2 and 3 keep rooms, members, who have no role, and messages, and know no users yet", async () => {
  await using database = await openOld(1);
  await database.write([
    "INSERT INTO rooms VALUES (1, 7, 1, 5, 3, 1, 2, 4, 5, 1000, 2000)",
    "INSERT INTO members VALUES (1, 1, 1, 1, 1, 0, 1000, 1000, NULL), (1, 2, 2, 2, 0, 0, 1100, 1100, NULL)",
    "INSERT INTO members VALUES (1, 3, 3, 3, 0, 0, 1200, 1300, 1300)",
    "INSERT INTO messages VALUES (1, 1, 1, 1, 'a', 0, 1000, 1000, NULL, 'hello'), (2, 1, 2, 2, NULL, 1, 1500, 1500, NULL, 'hi')",
    "INSERT INTO messages VALUES (3, 1, 3, 1, NULL, 2, 1600, 1600, NULL, 'how are you?')",
    "INSERT INTO messages VALUES (4, 1, 5, 1, NULL, 0, 1700, 1800, NULL, 'edited')",
    "UPDATE log_state SET epoch = 'old', room_id = 1, member_id = 3",
  ]);
  const lines: string[] = [];
  await migrate(database, { onProgress: (line) => void lines.push(line) });
  expect(lines).toHaveLength(migrations.length - 1);

  const [store, users] = [new LibsqlStore(database), new LibsqlUsers(database)];
  const req = create(ListMembersReqSchema, { roomId: 1n, userId: 1n });
  expect((await store.listMembers(req)).members).toMatchObject([
    { id: 1n, userId: 1n, memberSeq: 1n, role: Role.MEMBER, readMessageId: 1n },
    { id: 2n, userId: 2n, memberSeq: 2n, role: Role.MEMBER },
  ]);
  const { news, head } = await readLog(store, 1n);
  expect(head).toEqual({ seq: 5n, memberSeq: 3n });
  expect(news.messages).toMatchObject([
    { body: "hello", clientMessageId: "a", createdSeq: 1n, replyCount: 2, kind: MessageKind.USER },
    { body: "hi", replyToId: 1n, createdSeq: 2n, threadId: 1n },
    { body: "how are you?", replyToId: 2n, createdSeq: 3n, threadId: 1n },
    { body: "edited", createdSeq: 0n, editedAt: timestampFromMs(1800) },
  ]);
  const room = { case: "key", value: "post:7" } as const;
  expect(await store.getRoom(create(GetRoomReqSchema, { room, userId: 1n }))).toMatchObject({
    id: 1n,
    postId: 7n,
    ownerId: 1n,
    memberCount: 2,
    memberSeq: 0n,
  });
  expect(news.members).toMatchObject([{ userId: 1n }, { userId: 2n }, { userId: 3n, removedAt: expect.anything() }]);
  expect(await store.memberships(2n, [1n])).toMatchObject({ epoch: "old", revision: 5n, of: [{ id: 2n }] });

  expect(await users.revocations()).toEqual({ epoch: "old", number: 0n, of: [], isWhole: true });
  expect(await users.profiles([1n, 2n], ["ann"])).toEqual([]);
  expect(await users.idOf("ann", true)).toBe(FIRST_KEYED_USER);
  expect(await apply(store, "setRole", { roomId: 1n, userId: 2n, actorId: 1n, role: Role.MODERATOR })).toMatchObject({
    id: 2n,
    memberSeq: 4n,
    role: Role.MODERATOR,
  });
  expect(await apply(store, "addMember", { roomId: 1n, userId: 3n, actorId: 2n })).toMatchObject({ id: 4n });
  for (const [messageId, createdSeq] of [
    [1n, 1n],
    [4n, 0n],
  ]) {
    const edit = { roomId: 1n, messageId: messageId!, userId: 1n, body: "new" };
    expect(await apply(store, "editMessage", edit)).toMatchObject({ createdSeq });
  }
});

test("an epoch is a database's own, and is in every cursor that it gives; newEpoch() begins another one", async () => {
  const epochsOf = async (database: Database) => {
    const store = new LibsqlStore(database);
    const { id: roomId } = await store.createRoom(createReq(freshPost(), 1n));
    const { head } = await store.listMessages(create(ListMessagesReqSchema, { roomId, userId: 1n }));
    const list = await store.listRooms({ $typeName: "chat_grpc.ListRoomsReq", userId: 1n, pageToken: "", limit: 0 });
    return [
      (await store.memberships(1n, [])).epoch,
      (await store.changedRooms(0n)).epoch,
      head!.epoch,
      ...list.rooms.map((each) => each.head!.epoch),
    ];
  };
  await using one = await open();
  await using two = await open();
  const seen = new Set<string>();
  for (const database of [one, two]) {
    await migrate(database);
    const [epoch, ...others] = await epochsOf(database);
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(others)).toEqual(new Set([epoch]));
    await migrate(database);
    expect(new Set(await epochsOf(database))).toEqual(new Set([epoch]));
    const next = await newEpoch(database);
    expect(next).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(await epochsOf(database))).toEqual(new Set([next]));
    seen.add(epoch!).add(next);
  }
  expect(seen.size).toBe(4);
});

test("[S9] ids and revisions are never given twice, whatever was deleted", async () => {
  await using database = await open();
  await migrate(database);
  const store = new LibsqlStore(database);
  const { id: roomId } = await store.createRoom(createReq(freshPost(), 1n));
  const given = { rooms: [] as Room[], members: [] as Member[], messages: [] as Message[], revisions: [] as bigint[] };
  for (let i = 0; i < 3; i++) {
    given.rooms.push(await store.createRoom(createReq(freshPost(), 1n)));
    given.revisions.push((await store.memberships(1n, [])).revision);
    given.members.push(await apply(store, "addMember", { roomId, userId: 2n }));
    given.messages.push(await apply(store, "sendMessage", { roomId, userId: 1n, body: "x" }));
    given.revisions.push((await store.memberships(1n, [])).revision);
    await database.write([
      { sql: "DELETE FROM rooms WHERE id > ?1", args: [roomId] },
      { sql: "DELETE FROM members WHERE room_id > ?1 OR user_id = 2", args: [roomId] },
      "DELETE FROM messages",
    ]);
  }
  const distinct = (ids: readonly bigint[]) => {
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => Number(a - b)));
  };
  distinct(given.rooms.map(({ id }) => id));
  distinct(given.members.map(({ id }) => id));
  distinct(given.messages.map(({ id }) => id));
  distinct(given.revisions);
  expect(given.messages.map(({ seq }) => seq)).toEqual([1n, 2n, 3n]);
  expect(given.members.map(({ memberSeq }) => memberSeq)).toEqual([2n, 3n, 4n]);
});

test("[U1] an id of a key is never given to another one, whatever was deleted", async () => {
  await using database = await open();
  await migrate(database);
  const users = new LibsqlUsers(database);
  const first = await users.idOf("ann", true);
  await database.write(["DELETE FROM users"]);
  expect(await users.idOf("bob", true)).toBe(first! + 1n);
});

test("the oldest change that a room's log still has is told with its pages and its memberships", async () => {
  await using database = await open();
  await migrate(database);
  const store = new LibsqlStore(database);
  const { id: roomId } = await store.createRoom(createReq(freshPost(), 1n));
  expect((await readLog(store, roomId)).firstSeq).toBe(1n);
  await database.write(["UPDATE rooms SET first_seq = 5"]);
  expect((await readLog(store, roomId, BEGINNING)).firstSeq).toBe(5n);
  expect((await store.memberships(1n, [roomId])).of).toMatchObject([{ firstSeq: 5n }]);
});
