import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type InStatement } from "@libsql/client";
import { describe, expect, test } from "vitest";
import { type ListMessagesReq, ListMessagesReqSchema, ListRoomsReqSchema, type Message } from "../../gen/chat_pb.ts";
import type { Database } from "../../src/libsql/database.ts";
import { EmbeddedDatabase } from "../../src/libsql/embedded.ts";
import { migrate } from "../../src/libsql/migrations.ts";
import { RemoteDatabase } from "../../src/libsql/remote.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { apply, change } from "../support/changes.ts";
import { createReq } from "../support/requests.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What a database is asked. */
class Recorder implements Database {
  readonly statements = new Map<string, InStatement>();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  read(statements: InStatement[]) {
    return this.#record("read", statements);
  }

  write(statements: InStatement[]) {
    return this.#record("write", statements);
  }

  [Symbol.asyncDispose]() {
    return this.#database[Symbol.asyncDispose]();
  }

  #record(call: "read" | "write", statements: InStatement[]) {
    for (const statement of statements) {
      this.statements.set(typeof statement === "string" ? statement : statement.sql, statement);
    }
    return this.#database[call](statements);
  }
}

/** Everything a store can be asked, in each way that has SQL of its own. */
async function everyOperation(store: LibsqlStore): Promise<void> {
  const [ann, bob] = [1n, 2n];
  const { id: roomId } = await store.createRoom(createReq(1n, ann));
  await apply(store, "addMember", { roomId, userId: bob });
  const send = change("sendMessage", { roomId, userId: ann, body: "a", clientMessageId: "1" });
  const [{ id: messageId }] = (await store.commit([send])).outcomes as [Message];
  await store.commit([send, change("sendMessage", { roomId, userId: ann, body: "b", replyToId: messageId })]);
  await apply(store, "editMessage", { roomId, userId: ann, messageId, body: "A", clientEditId: "1" });
  await apply(store, "deleteMessage", { roomId, userId: ann, messageId });
  await apply(store, "markRead", { roomId, userId: bob, messageId });
  await apply(store, "transferOwnership", { roomId, userId: bob, actorId: ann });

  await store.readLogs(await store.readersAtHead(ann, [roomId]), { changes: 10, bytes: 1_000 });
  for (const [name, value] of [
    ["roomId", roomId],
    ["postId", 1n],
  ] as const) {
    await store.getRoom({ $typeName: "chat_grpc.GetRoomReq", room: { case: name, value }, userId: ann });
  }
  for (const pageToken of ["", "5.5.5"]) await store.listRooms(create(ListRoomsReqSchema, { userId: ann, pageToken }));
  const positions: MessageInitShape<typeof ListMessagesReqSchema>["position"][] = [
    { case: undefined },
    { case: "beforeId", value: messageId },
    { case: "afterId", value: 0n },
    { case: "aroundId", value: messageId },
  ];
  for (const position of positions) {
    const req: ListMessagesReq = create(ListMessagesReqSchema, { roomId, userId: ann, position: position! });
    await store.listMessages(req);
  }
  await store.listMembers({ $typeName: "chat_grpc.ListMembersReq", roomId, userId: ann, afterUserId: 0n, limit: 0 });
  await store.isMember({ $typeName: "chat_grpc.IsMemberReq", roomId, userId: ann });
  await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
  await store.ping();
}

/** The steps of the statements' plans that go through a whole table. */
async function slowSteps(database: Database, url: string): Promise<string[]> {
  await migrate(database);
  const recorder = new Recorder(database);
  await everyOperation(new LibsqlStore(recorder));
  expect(recorder.statements.size).toBeGreaterThan(20);
  const slow: string[] = [];
  const explainer = createClient({ url });
  for (const statement of recorder.statements.values()) {
    const { sql, args } = typeof statement === "string" ? { sql: statement, args: [] } : statement;
    const { rows: plan } = await explainer.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args: args ?? [] });
    const details = plan.map(({ detail }) => `${detail}`);
    slow.push(...details.filter((detail) => SCAN.test(detail)).map((detail) => `${detail}: ${sql}`));
  }
  explainer.close();
  return slow;
}

/** A scan, but not of the caller's own list, of the rows of a subquery, whose plan is listed too, or of nothing. */
const SCAN = /^SCAN (?!\S+ VIRTUAL TABLE|CONSTANT ROW|listed$|fitting$|\(subquery)/;

describe("no statement of the store goes through a whole table", () => {
  test("in an embedded file", async () => {
    await using directory = await temporaryDirectory();
    const url = `file:${directory.path}/plans.db`;
    await using database = await EmbeddedDatabase.open(url);
    expect(await slowSteps(database, url)).toEqual([]);
  });

  test.skipIf(noSqld)(noSqld || "in sqld", async () => {
    await using sqld = await Sqld.start();
    expect(await slowSteps(new RemoteDatabase(sqld.url), sqld.url)).toEqual([]);
  });
});
