import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  GetRoomReqSchema,
  IsMemberReqSchema,
  ListMembersReqSchema,
  ListMessagesReqSchema,
  type Message,
  Role,
} from "../../gen/chat_pb.ts";
import type { RoomChange } from "../../src/chat/store.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { MeteredSqld } from "../support/metered-sqld.ts";
import { Recorder, sqlOf } from "../support/recorder.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const [ann, bob, cat, stranger] = [1n, 2n, 888_888n, 999_999n];
const nowhere = 2n ** 62n;

/** Everything that a user may ask about a room, member or not. */
function questions(store: LibsqlStore, roomId: bigint, postId: bigint, userId: bigint) {
  const byId = { case: "roomId", value: roomId } as const;
  const byPost = { case: "postId", value: postId } as const;
  const messageId = 1n;
  return {
    getRoom: () => store.getRoom(create(GetRoomReqSchema, { room: byId, userId })),
    getRoomOfPost: () => store.getRoom(create(GetRoomReqSchema, { room: byPost, userId })),
    listMessages: () => store.listMessages(create(ListMessagesReqSchema, { roomId, userId })),
    listMembers: () => store.listMembers(create(ListMembersReqSchema, { roomId, userId })),
    isMember: () => store.isMember(create(IsMemberReqSchema, { roomId, userId, actorId: userId })),
    isOtherMember: () => store.isMember(create(IsMemberReqSchema, { roomId, userId: ann, actorId: userId })),
    memberships: () => store.memberships(userId, [roomId]),
    send: () => store.commit([change("sendMessage", { roomId, userId, body: "x", clientMessageId: "1" })]),
    edit: () => store.commit([change("editMessage", { roomId, userId, messageId, body: "x", clientEditId: "1" })]),
    delete: () => store.commit([change("deleteMessage", { roomId, userId, messageId })]),
    markRead: () => store.commit([change("markRead", { roomId, userId, messageId })]),
    add: () => store.commit([change("addMember", { roomId, userId: bob, actorId: userId })]),
    remove: () => store.commit([change("removeMember", { roomId, userId: ann, actorId: userId })]),
    setRole: () => store.commit([change("setRole", { roomId, userId: bob, actorId: userId, role: Role.MODERATOR })]),
    transfer: () => store.commit([change("transferOwnership", { roomId, userId: ann, actorId: userId })]),
  };
}

describe.skipIf(noSqld)(noSqld || "what a call costs, by sqld's count", () => {
  let sqld: Sqld;
  let database: MeteredSqld;
  let store: LibsqlStore;
  const rooms = new Map<number, bigint>();
  beforeAll(async () => {
    sqld = await Sqld.start();
    database = new MeteredSqld(sqld.url);
    await migrate(database);
    store = new LibsqlStore(database);
    for (const members of [2, 1_000]) {
      const roomId = await newStoredRoom(store, ann);
      const others = Array.from({ length: members - 1 }, (_, i) => BigInt(i + 2));
      await store.commit(others.map((userId) => change("addMember", { roomId, userId })));
      await apply(store, "sendMessage", { roomId, userId: ann, body: "x" });
      rooms.set(members, roomId);
    }
  });
  afterAll(() => sqld?.stop());

  const written = async (changes: RoomChange[]) => {
    return (await database.cost(() => store.commit(changes))).rowsWritten;
  };

  test.each([2, 1_000])("a send writes 7 rows in a room of %i, 6 without a client_message_id", async (members) => {
    const roomId = rooms.get(members)!;
    expect(await written([change("sendMessage", { roomId, userId: ann, body: "x" })])).toBe(6);
    const sends = Array.from({ length: 100 }, (_, i) => {
      return change("sendMessage", { roomId, userId: bob, body: "x", clientMessageId: `${i}` });
    });
    expect(await written(sends.slice(0, 1))).toBe(7);
    expect(await written(sends.slice(1))).toBe(99 * 5 + 2);
    expect(await written(sends)).toBe(0);
    expect(await written([change("sendMessage", { roomId, userId: stranger, body: "x" })])).toBe(0);
  });

  test.each([2, 1_000])("other changes write a few rows in a room of %i", async (members) => {
    const roomId = rooms.get(members)!;
    const send = change("sendMessage", { roomId, userId: ann, body: "x" });
    const [{ id: messageId }] = (await store.commit([send])).outcomes as [Message];
    expect(await written([change("markRead", { roomId, userId: bob, messageId })])).toBe(3);
    expect(await written([change("markRead", { roomId, userId: bob, messageId })])).toBe(0);
    expect(await written([change("editMessage", { roomId, userId: ann, messageId, body: "y" })])).toBe(5);
    expect(await written([change("deleteMessage", { roomId, userId: ann, messageId })])).toBe(6);
    expect(await written([change("addMember", { roomId, userId: cat })])).toBe(9);
    const role = { roomId, userId: cat, actorId: ann, role: Role.MODERATOR };
    expect(await written([change("setRole", role)])).toBe(5);
    expect(await written([change("setRole", role)])).toBe(0);
    expect(await written([change("removeMember", { roomId, userId: cat, actorId: cat })])).toBeLessThanOrEqual(8);
  });

  test("a user's rooms are counted without a look at the table", async () => {
    const roomId = rooms.get(2)!;
    const addition = async (userId: bigint) => {
      const { rowsRead } = await database.cost(() => store.commit([change("addMember", { roomId, userId })]));
      await apply(store, "removeMember", { roomId, userId, actorId: userId });
      return rowsRead;
    };
    const busy = 777_777n;
    for (let i = 0; i < 100; i++) await newStoredRoom(store, busy);
    expect(await addition(busy)).toBeLessThanOrEqual((await addition(cat)) + 2 * 100);
  });

  test("[S6] a stranger's call costs the same, and little, whether or not there is such a room", async () => {
    for (const roomId of rooms.values()) {
      const { postId } = await store.getRoom(
        create(GetRoomReqSchema, { room: { case: "roomId", value: roomId } }),
        "right",
      );
      const foreign = questions(store, roomId, postId, stranger);
      // Before all others: a search that ends behind the last row reads one row less, by this count.
      const unknown = questions(store, 0n, 0n, stranger);
      for (const name of Object.keys(foreign) as (keyof typeof foreign)[]) {
        const cost = (call: () => Promise<unknown>) => database.cost(() => call().catch(() => {}));
        const [ofForeign, ofUnknown] = [await cost(foreign[name]), await cost(unknown[name])];
        expect(ofForeign, name).toEqual({ rowsRead: expect.any(Number), rowsWritten: 0 });
        expect(ofForeign.rowsRead, name).toBeLessThanOrEqual(25);
        // A commit ends with a look at the rooms' heads, and a post that has a room is an entry of an index.
        expect(ofForeign.rowsRead - ofUnknown.rowsRead, name).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("what a call asks of the database", () => {
  let directory: TemporaryDirectory;
  let recorder: Recorder;
  let store: LibsqlStore;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    recorder = new Recorder(await openDatabase(`file:${directory.path}/costs.db`));
    await migrate(recorder);
    store = new LibsqlStore(recorder);
  });
  afterAll(async () => {
    await recorder?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  test("a commit is one write, whatever becomes of its changes", async () => {
    const roomId = await newStoredRoom(store, ann, bob);
    const send = (body: string, clientMessageId: string, more = {}) => {
      return change("sendMessage", { roomId, userId: ann, body, clientMessageId, ...more });
    };
    await store.commit([send("known", "known")]);
    const changes = [
      send("new", "new"),
      send("known", "known"),
      send("other body", "known"),
      send("stranger's", "1", { userId: stranger }),
      send("reply", "twin", { replyToId: nowhere }),
      send("twin", "twin"),
      send("twin", "twin", { replyToId: nowhere }),
      send("x", "", { roomId: nowhere }),
      change("removeMember", { roomId, userId: bob, actorId: stranger }),
      change("editMessage", { roomId, userId: ann, messageId: nowhere, body: "x" }),
    ];
    let answers: string[] = [];
    const calls = await recorder.callsOf(async () => (answers = codes(await store.commit(changes))));
    expect(calls.map(({ kind }) => kind)).toEqual(["write"]);
    expect(answers).toEqual([
      ...["ok", "ok", "AlreadyExists", "NotFound", "NotFound", "ok", "ok", "NotFound"],
      ...["NotFound", "NotFound"],
    ]);
    expect((await recorder.callsOf(() => store.commit([]))).length).toBe(0);
  });

  test("[S6] a stranger's call asks the same, whether or not there is such a room", async () => {
    const { id, postId } = await store.createRoom({ $typeName: "chat_grpc.CreateRoomReq", postId: 77n, userId: ann });
    await apply(store, "sendMessage", { roomId: id, userId: ann, body: "x" });
    const foreign = questions(store, id, postId, stranger);
    const unknown = questions(store, nowhere, nowhere, stranger);
    for (const name of Object.keys(foreign) as (keyof typeof foreign)[]) {
      const asked = async (call: () => Promise<unknown>) => {
        const calls = await recorder.callsOf(() => call().catch(() => {}));
        return calls.map(({ kind, statements }) => [kind, ...statements.map(sqlOf)]);
      };
      const ofForeign = await asked(foreign[name]);
      expect(ofForeign).toHaveLength(1);
      expect(ofForeign).toEqual(await asked(unknown[name]));
    }
  });
});
