import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { beforeAll, expect, test } from "vitest";
import {
  GetRoomReqSchema,
  IsMemberReqSchema,
  ListMembersReqSchema,
  ListMessagesReqSchema,
  ListRoomsReqSchema,
} from "../../gen/chat_pb.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { change } from "../support/changes.ts";
import { ObjectDatabase } from "../support/object-database.ts";
import { createReq } from "../support/requests.ts";
import { BEGINNING } from "../support/stored-rooms.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const [ann, bob, cat, stranger] = [1n, 2n, 3n, 99n];
const roomId = 1n;

/** A conversation with everything a store can be asked, refusals and deletions of rows among it. */
async function answers(database: Database): Promise<string> {
  await migrate(database);
  await migrate(database);
  const store = new LibsqlStore(database);
  const all: unknown[] = [];
  const ask = async (answer: Promise<unknown>) => all.push(await answer.catch(said));
  const send = (body: string, clientMessageId = "", replyToId = 0n, userId = ann) =>
    change("sendMessage", { roomId, userId, body, clientMessageId, replyToId });
  const edit = (userId: bigint, body: string) =>
    change("editMessage", { roomId, userId, messageId: 1n, body, clientEditId: "1" });
  const mark = (messageId: bigint) => change("markRead", { roomId, userId: bob, messageId });
  const listed = (position: MessageInitShape<typeof ListMessagesReqSchema>["position"]) =>
    store.listMessages(create(ListMessagesReqSchema, { roomId, userId: ann, limit: 2, position: position! }));

  for (const postId of [5n, 5n, 6n]) await ask(store.createRoom(createReq(postId, ann)));
  await ask(store.commit([bob, cat, bob].map((userId) => change("addMember", { roomId, userId }))));
  await ask(store.commit([send("a"), send("b", "x"), send("c", "x"), send("b", "x"), send("z", "", 0n, stranger)]));
  await ask(store.commit([send("b", "x"), send("123", "123", 1n), send("e", "y", 99n), send("e", "y")]));
  await ask(store.commit([edit(ann, "A"), edit(ann, "A"), edit(bob, "B"), mark(2n), mark(1n), mark(222n)]));
  await ask(
    store.commit([
      change("deleteMessage", { roomId, userId: ann, messageId: 2n }),
      change("deleteMessage", { roomId, userId: bob, messageId: 1n }),
      change("transferOwnership", { roomId, userId: bob, actorId: ann }),
      change("transferOwnership", { roomId, userId: bob, actorId: ann }),
      change("removeMember", { roomId, userId: bob, actorId: bob }),
      change("removeMember", { roomId, userId: ann, actorId: cat }),
      change("addMember", { roomId, userId: bob }),
    ]),
  );
  const places = [{ seq: 0n, memberSeq: 0n }, { seq: 1n, memberSeq: 9n }, BEGINNING].map((after) => ({
    roomId,
    after,
  }));
  for (const changes of [2, 10]) {
    for (const bytes of [2, 1_000]) await ask(store.readLogs(places, { changes, bytes }));
  }
  for (const pageToken of ["", "3.3.3", "9.6.2"]) {
    await ask(store.listRooms(create(ListRoomsReqSchema, { userId: ann, limit: 1, pageToken })));
  }
  await ask(listed({ case: undefined }));
  for (const [name, value] of [
    ["beforeId", 4n],
    ["afterId", 0n],
    ["aroundId", 2n],
    ["aroundId", 222n],
  ] as const) {
    await ask(listed({ case: name, value }));
  }
  for (const userId of [ann, stranger]) {
    await ask(store.listMembers(create(ListMembersReqSchema, { roomId, userId, afterUserId: 1n, limit: 1 })));
    await ask(store.isMember(create(IsMemberReqSchema, { roomId, userId })));
    await ask(store.memberships(userId, [1n, 2n, 3n]));
    for (const [name, value] of [
      ["roomId", roomId],
      ["postId", 5n],
      ["postId", 55n],
    ] as const) {
      await ask(store.getRoom(create(GetRoomReqSchema, { room: { case: name, value }, userId })));
    }
  }
  for (const after of [0n, 4n, 100n]) await ask(store.changedRooms(after));
  await ask(store.changedRooms(0n, [2n]));

  await database.write(["DELETE FROM messages WHERE room_id = 1 AND id > 2", "DELETE FROM rooms WHERE id = 2"]);
  await ask(store.commit([send("again")]));
  await ask(store.createRoom(createReq(7n, ann)));
  await ask(store.ping());
  for (const table of ["rooms", "members", "messages", "edits", "log_state", "log_head"]) {
    all.push(await database.read([`SELECT * FROM ${table}`]));
  }
  return JSON.stringify(all, withoutTimes, 1);
}

function said(e: unknown): string {
  const { code, rawMessage } = ConnectError.from(e);
  return `${code} ${rawMessage}`;
}

function withoutTimes(name: string, value: unknown): unknown {
  if (name === "epoch") return "epoch";
  if (/At$|_at$/.test(name)) return value && "time";
  return typeof value === "bigint" ? `${value}` : value;
}

let expected: string;
beforeAll(async () => {
  await using directory = await temporaryDirectory();
  await using database = await openDatabase(`file:${directory.path}/roomlog.db`);
  expected = await answers(database);
});

test.each(["number", "text"] as const)(
  "a Durable Object's SQLite answers as a file does, numbers bound as %s",
  async (bind) => {
    await using database = new ObjectDatabase(bind);
    expect(await answers(database)).toBe(expected);
  },
);
