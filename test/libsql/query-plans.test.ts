import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type InStatement } from "@libsql/client";
import { describe, expect, test } from "vitest";
import {
  IsMemberReqSchema,
  type ListMessagesReq,
  ListMessagesReqSchema,
  ListRoomsReqSchema,
  type Message,
  Role,
} from "../../gen/chat_pb.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { LibsqlUsers } from "../../src/libsql/users.ts";
import { apply, change } from "../support/changes.ts";
import { Recorder, sqlOf } from "../support/recorder.ts";
import { createReq } from "../support/requests.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { BEGINNING } from "../support/stored-rooms.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Everything a store can be asked, in each way that has SQL of its own. */
async function everyOperation(store: LibsqlStore): Promise<void> {
  const [ann, bob] = [1n, 2n];
  const { id: roomId } = await store.createRoom(createReq(1n, ann));
  await apply(store, "addMember", { roomId, userId: bob });
  const send = change("sendMessage", { roomId, userId: ann, body: "a", clientMessageId: "1" });
  const [{ id: messageId }] = (await store.commit([send])).outcomes as [Message];
  await store.commit([send, send, change("sendMessage", { roomId, userId: ann, body: "b", replyToId: messageId })]);
  await apply(store, "editMessage", { roomId, userId: ann, messageId, body: "A", clientEditId: "1" });
  await apply(store, "deleteMessage", { roomId, userId: ann, messageId });
  await apply(store, "markRead", { roomId, userId: bob, messageId });
  await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
  await apply(store, "transferOwnership", { roomId, userId: bob, actorId: ann });

  await store.readLogs([{ roomId, after: BEGINNING }], { changes: 10, bytes: 1_000 });
  await store.memberships(ann, [roomId], [roomId]);
  await store.roomsByKey([`${roomId}`, "post:1"]);
  await store.changedRooms(0n);
  await store.changedRooms(0n, [roomId]);
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
  for (const actorId of [0n, bob]) await store.isMember(create(IsMemberReqSchema, { roomId, userId: ann, actorId }));
  await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
  await store.ping();
}

/** Likewise, everything that is asked about users. */
async function everyQuestion(users: LibsqlUsers): Promise<void> {
  for (const key of ["1", "ann"]) {
    const { userId } = await users.signIn({ key, name: "Ann", picture: "", issuedAt: 1 });
    await users.revokeTokens(userId, 1);
  }
  await users.idOf("bob", true);
  for (const seenBy of [undefined, 1n]) await users.profiles([1n, 2n], ["ann", "bob"], seenBy);
  await users.revocations(0n);
}

/** The plans of all statements, step by step. */
async function planSteps(database: Database, url: string): Promise<{ sql: string; step: string }[]> {
  await migrate(database);
  const recorder = new Recorder(database);
  await everyOperation(new LibsqlStore(recorder));
  await everyQuestion(new LibsqlUsers(recorder));
  const statements = new Map<string, InStatement>(
    recorder.calls.flatMap((call) => call.statements.map((statement) => [sqlOf(statement), statement] as const)),
  );
  expect(statements.size).toBeGreaterThan(35);
  const explainer = createClient({ url });
  const steps = [];
  for (const [sql, statement] of statements) {
    const args = typeof statement === "string" ? [] : statement.args!;
    const { rows: plan } = await explainer.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
    steps.push(...plan.map(({ detail }) => ({ sql, step: `${detail}` })));
  }
  explainer.close();
  return steps;
}

/**
 * A scan, but not of the caller's own list, of the one row of the state, of the rows of a subquery, whose plan is listed
 * too, or of nothing; or an index that is made for one statement.
 */
const SLOW =
  /^SCAN (?!\S+ VIRTUAL TABLE|CONSTANT ROW|log_state|(listed|fitting|activities|send|run)$|\(subquery)|AUTOMATIC/;

/** How a statement finds the rows of a table that it has to be quick about. */
const FOUND_BY = [
  [/FROM rooms\s+WHERE revision > /, "SEARCH rooms USING INDEX sqlite_autoindex_rooms_2 (revision>?)"],
  [/\+revision > /, "SEARCH rooms USING INTEGER PRIMARY KEY (rowid=?)"],
  [/WITH activities/, "SEARCH members USING INDEX members_by_user (user_id=?)"],
  [/^UPDATE rooms\s+SET seq = newest/, "SEARCH rooms USING INTEGER PRIMARY KEY (rowid=?)"],
  [/^UPDATE members SET read_message_id/, "SEARCH members USING PRIMARY KEY (room_id=? AND user_id=?)"],
  [/ORDER BY user_id LIMIT/, "SEARCH members USING INDEX members_by_room (room_id=? AND user_id>?)"],
  [/owner_id = iif\(owner_id <> /, "SEARCH members USING INDEX members_by_age (room_id=?)"],
  [/'too_many_rooms'/, "SEARCH members USING COVERING INDEX members_by_user (user_id=?)"],
  [/FROM users\s+WHERE key = /, "SEARCH users USING INDEX users_by_key (key=?)"],
  [/FROM users\s+WHERE \(id IN/, "SEARCH users USING INDEX users_by_key (key=?)"],
  [/of_first/, "SEARCH of_first USING COVERING INDEX members_by_user (user_id=?)"],
  [/WHERE revocation > /, "SEARCH users USING INDEX users_by_revocation (revocation>?)"],
  [/^SELECT place, members.user_id/, "SEARCH members USING INDEX members_by_room (room_id=?)"],
] as const;

async function expectQuick(database: Database, url: string): Promise<void> {
  const steps = await planSteps(database, url);
  const slow = steps.filter(({ step }) => SLOW.test(step));
  expect(slow).toEqual([]);
  for (const [statement, step] of FOUND_BY) {
    const plan = steps.filter(({ sql }) => statement.test(sql)).map((each) => each.step);
    expect(plan.join("\n"), `${statement}`).toContain(step);
  }
}

describe("no statement of the store goes through a whole table", () => {
  test("in an embedded file", async () => {
    await using directory = await temporaryDirectory();
    const url = `file:${directory.path}/plans.db`;
    await using database = await openDatabase(url);
    await expectQuick(database, url);
  });

  test.skipIf(noSqld)(noSqld || "in sqld", async () => {
    await using sqld = await Sqld.start();
    await expectQuick(await openDatabase(sqld.url), sqld.url);
  });
});
