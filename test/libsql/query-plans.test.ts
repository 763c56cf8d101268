import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type InStatement } from "@libsql/client";
import { describe, expect, test } from "vitest";
import {
  type GetRoomReq,
  IsMemberReqSchema,
  ListMembersReqSchema,
  type ListMessagesReq,
  ListMessagesReqSchema,
  ListRoomsReqSchema,
  type Message,
  Role,
  SearchMessagesReqSchema,
} from "../../gen/chat_pb.ts";
import { beginningOf } from "../../src/chat/change-place.ts";
import { indexNext } from "../../src/chat/search-indexer.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { LibsqlPresence } from "../../src/libsql/presence.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlSearchIndex } from "../../src/libsql/search-index.ts";
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
  const rich = { data: { a: 1 }, mentionedUserIds: [bob], clientMessageId: "2" };
  const richSend = change("sendMessage", { roomId, userId: ann, body: "c", replyToId: messageId, ...rich });
  await store.commit([richSend, richSend]);
  await store.commit([1, 2].map((n) => change("sendMessage", { roomId, userId: ann, body: `${n}` })));
  await apply(store, "setMute", { roomId, userId: bob, actorId: ann });
  await apply(store, "setBan", { roomId, userId: 3n, actorId: ann });
  await apply(store, "editMessage", { roomId, userId: ann, messageId, body: "A", clientEditId: "1" });
  for (const on of [true, false]) {
    await apply(store, "setReaction", { roomId, userId: ann, messageId, emoji: "👍", on });
    await apply(store, "setPin", { roomId, actorId: ann, messageId, on });
  }
  await apply(store, "deleteMessage", { roomId, userId: ann, messageId });
  await apply(store, "markRead", { roomId, userId: bob, messageId });
  await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
  await apply(store, "transferOwnership", { roomId, userId: bob, actorId: ann });
  await apply(store, "updateRoom", { roomId, actorId: bob, name: "x" });
  await apply(store, "addMembers", { roomId, actorId: bob, userIds: [3n] });
  for (let i = 0; i < 2; i++) {
    const { room } = await store.ensureRoom({ key: "order:1", userId: 0n, name: "" }, [ann]);
    if (i > 0) await apply(store, "deleteRoom", { roomId: room.id, actorId: 0n });
    await apply(store, "eraseRoom", { roomId: room.id });
  }
  await store.unerasedRooms();
  await store.getRooms(ann, { ids: [roomId], keys: ["post:1"] }, { ids: [roomId], keys: ["post:1"] });

  await store.readLogs([{ roomId, after: BEGINNING }], { changes: 10, bytes: 1_000 });
  await store.memberships(ann, [roomId], [roomId]);
  await store.roomsByKey([`${roomId}`, "post:1"]);
  await store.changedRooms(0n);
  await store.changedRooms(0n, [roomId]);
  await store.listedRooms(ann);
  await store.changedLists([{ userId: ann, after: 0n }], { changes: 10, bytes: 1_000 });
  for (const [name, value] of [
    ["roomId", roomId],
    ["postId", 1n],
    ["key", "post:1"],
  ] as const) {
    await store.getRoom({
      $typeName: "chat_grpc.GetRoomReq",
      room: { case: name, value } as GetRoomReq["room"],
      userId: ann,
    });
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
  await store.listMessages(create(ListMessagesReqSchema, { roomId, userId: ann, threadId: messageId }));
  await store.listMessages(create(ListMessagesReqSchema, { roomId, userId: ann, pinned: true }));
  for (const banned of [false, true]) {
    await store.listMembers(create(ListMembersReqSchema, { roomId, userId: ann, banned }), banned ? "right" : "member");
  }
  for (const actorId of [0n, bob]) await store.isMember(create(IsMemberReqSchema, { roomId, userId: ann, actorId }));
  await store.changes(beginningOf(0n), { changes: 10, bytes: 1_000 });
  for (const [id, reading] of [
    [roomId, "member"],
    [roomId, "right"],
    [0n, "member"],
  ] as const) {
    await store.searchMessages(create(SearchMessagesReqSchema, { roomId: id, userId: ann, query: "a b" }), reading);
  }
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
  await users.idsOf(["bob", "cat"]);
  for (const seenBy of [undefined, 1n]) await users.profiles([1n, 2n], ["ann", "bob"], seenBy);
  await users.revocations(0n);
}

/** Likewise, everything about who is here. */
async function everyPresence(presence: LibsqlPresence): Promise<void> {
  const ann = { roomId: 1n, userId: 1n, cameAt: 1 };
  await presence.put({ id: 1n, isNew: true }, [ann], []);
  await presence.put({ id: 1n, isNew: false }, [], [ann]);
  for (const after of [undefined, 0n]) await presence.changed(after);
  await presence.list(1n, [1n]);
}

/** The plans of all statements, step by step. */
async function planSteps(database: Database, url: string): Promise<{ sql: string; step: string }[]> {
  await migrate(database);
  const recorder = new Recorder(database);
  await everyOperation(new LibsqlStore(recorder));
  await everyQuestion(new LibsqlUsers(recorder));
  await everyPresence(new LibsqlPresence(recorder));
  await database.write(["UPDATE presence_processes SET alive_until = 1"]);
  await new LibsqlPresence(recorder).sweep();
  expect(await indexNext(new LibsqlSearchIndex(recorder))).toMatchObject({ isWhole: true });
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
 * too, of an index that has no other rows than those asked for, or of nothing; or an index that is made for one statement.
 */
const SLOW =
  /^SCAN (?!\S+ VIRTUAL TABLE|\S+ USING COVERING INDEX deleted_rooms_to_erase$|CONSTANT ROW|log_state|search_state|(listed|page|changed|numbered|fitting|activities|later|send|run|thread|named|own|looked|bounds|entry|entries)$|\(subquery)|AUTOMATIC/;

/** How a statement finds the rows of a table that it has to be quick about. */
const FOUND_BY = [
  [/FROM rooms\s+WHERE revision > /, "SEARCH rooms USING INDEX sqlite_autoindex_rooms_1 (revision>?)"],
  [/FROM deleted_rooms\s+WHERE revision > /, "SEARCH deleted_rooms USING INTEGER PRIMARY KEY (rowid>?)"],
  [/FROM deleted_rooms INDEXED BY/, "USING COVERING INDEX deleted_rooms_to_erase"],
  [/^DELETE FROM messages/, "SEARCH messages USING COVERING INDEX messages_by_id (room_id=?)"],
  [/^DELETE FROM mentions/, "SEARCH mentions USING PRIMARY KEY (room_id=?)"],
  [/^DELETE FROM reactions/, "SEARCH reactions USING COVERING INDEX reactions_by_age (message_id=?)"],
  [/^UPDATE members SET removed_at = \?2/, "SEARCH members USING INDEX members_by_room (room_id=?)"],
  [/^SELECT place, records/, "SEARCH room_records USING INTEGER PRIMARY KEY (rowid=?)"],
  [/\+revision > /, "SEARCH rooms USING INTEGER PRIMARY KEY (rowid=?)"],
  [/WITH activities/, "SEARCH members USING INDEX members_by_user (user_id=?)"],
  [/^UPDATE rooms\s+SET seq = \(SELECT max/, "SEARCH rooms USING INTEGER PRIMARY KEY (rowid=?)"],
  [/^UPDATE members SET read_message_id/, "SEARCH members USING PRIMARY KEY (room_id=? AND user_id=?)"],
  [/INDEXED BY members_banned/, "SEARCH members USING INDEX members_banned (room_id=? AND user_id>?)"],
  [/AND pinned_at IS NOT NULL/, "SEARCH messages USING INDEX messages_pinned (room_id=? AND id"],
  [/AS pinned WHERE/, "SEARCH pinned USING INDEX messages_pinned (room_id=?)"],
  [
    /ORDER BY revision, user_id LIMIT/,
    "SEARCH reactions USING COVERING INDEX reactions_by_age (message_id=? AND emoji=?)",
  ],
  [/AND thread_id = /, "SEARCH messages USING INDEX messages_by_thread (room_id=? AND thread_id=?"],
  [/^UPDATE members\s+SET last_sent_at/, "SEARCH members USING PRIMARY KEY (room_id=? AND user_id=?)"],
  [/^UPDATE members\s+SET last_sent_at/, "SEARCH sent USING INDEX messages_by_id (room_id=? AND id>?)"],
  [/^UPDATE messages SET reply_count = reply_count \+ added/, "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)"],
  [/^DELETE FROM mentions/, "SEARCH mentions USING PRIMARY KEY (room_id=? AND user_id=? AND message_id=?)"],
  [
    /INDEXED BY members_by_room.*ORDER BY user_id LIMIT/s,
    "SEARCH members USING INDEX members_by_room (room_id=? AND user_id>?)",
  ],
  [/owner_id = iif\(owner_id <> /, "SEARCH members USING INDEX members_by_age (room_id=?)"],
  [/'too_many_rooms'/, "SEARCH members USING COVERING INDEX members_by_user (user_id=?)"],
  [/FROM users\s+WHERE key = /, "SEARCH users USING INDEX users_by_key (key=?)"],
  [/FROM users\s+WHERE \(id IN/, "SEARCH users USING INDEX users_by_key (key=?)"],
  [/of_first/, "SEARCH of_first USING COVERING INDEX members_by_user (user_id=?)"],
  [/^SELECT records/, "SEARCH room_records USING COVERING INDEX room_records_by_revision (revision=? AND room_id>?)"],
  [/^SELECT records/, "SEARCH room_records USING COVERING INDEX room_records_by_revision (revision>? AND revision<?)"],
  [
    /SELECT \* FROM members\s+WHERE \(revision/,
    "SEARCH members USING INDEX members_by_revision ((revision,room_id,member_seq)>(?,?,?) AND revision<?)",
  ],
  [
    /count\(\*\) OVER \(\) AS total/,
    "SEARCH messages USING INDEX messages_by_revision ((revision,room_id,seq)>(?,?,?) AND revision<?)",
  ],
  [/FROM deleted_rooms/, "SEARCH deleted_rooms USING INTEGER PRIMARY KEY (rowid>?)"],
  [
    /FROM search_state\)\s+ORDER BY/,
    "SEARCH messages USING INDEX messages_by_revision ((revision,room_id,seq)>(?,?,?))",
  ],
  [/message_words MATCH/, "SCAN message_words VIRTUAL TABLE INDEX 192:M1<"],
  [/message_words MATCH/, "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)"],
  [/WHERE revocation > /, "SEARCH users USING INDEX users_by_revocation (revocation>?)"],
  [/FROM members\s+WHERE revision > /, "SEARCH members USING COVERING INDEX members_by_revision (revision>?)"],
  [/FROM members INDEXED BY members_by_user/, "SEARCH members USING COVERING INDEX members_by_user (user_id=?)"],
  [/AS is_left/, "SEARCH members USING INDEX members_by_user (user_id=?)"],
  [/AS is_left/, "SEARCH members USING COVERING INDEX members_ended (user_id=? AND left_revision>?)"],
  [/^DELETE FROM presence\s+WHERE/, "SEARCH presence USING PRIMARY KEY (room_id=? AND user_id=? AND process=?)"],
  [/^UPDATE members SET last_seen_at/, "SEARCH members USING PRIMARY KEY (room_id=? AND user_id=?)"],
  [/presence_revision > 0/, "SEARCH rooms USING COVERING INDEX rooms_by_presence (presence_revision>?)"],
  [/^UPDATE rooms SET presence_revision/, "SEARCH rooms USING INTEGER PRIMARY KEY (rowid=?)"],
  [/count\(DISTINCT user_id\)/, "SEARCH presence USING PRIMARY KEY (room_id=?)"],
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
