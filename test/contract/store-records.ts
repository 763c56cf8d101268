import type { JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { type Message, Role, type Room } from "../../gen/chat_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { memberChanges } from "../../src/chat/position.ts";
import type { ChatStore, NewRoom } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { createReq } from "../support/requests.ts";
import { BEGINNING, freshPost, headOf, newSpokenRoom, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = GREAT_ID + 6_001n;
const bob = GREAT_ID + 6_002n;
const cat = GREAT_ID + 6_003n;
const dan = GREAT_ID + 6_004n;
const stranger = GREAT_ID + 6_000n;
const nowhere = 2n ** 63n - 1n;
const NONE = { ids: [], keys: [] };

let lastKey = 0;

/** The rules of ChatStore for the records of rooms: how they are opened, change, and go. */
export function recordsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const asked = (fields: Partial<NewRoom> = {}): NewRoom => {
    return { key: `record:${GREAT_ID}:${++lastKey}`, userId: ann, name: "", ...fields };
  };
  const recordOf = (roomId: bigint) => {
    return store.getRoom(
      { $typeName: "chat_grpc.GetRoomReq", room: { case: "roomId", value: roomId }, userId: 0n },
      "right",
    );
  };
  /** The changes of the members and the record, by what they are and their numbers. */
  const told = (news: News) => {
    return memberChanges(news).map((each) => [
      each.$typeName === "chat_grpc.Room" ? "record" : each.userId,
      each.memberSeq,
    ]);
  };

  describe("a room's record", () => {
    test("[S1] takes the next number of the members' log, which is 0 in a new room", async () => {
      const roomId = await newStoredRoom(store, ann, bob);
      expect((await recordOf(roomId)).memberSeq).toBe(0n);
      const data: JsonObject = { "a'\"": [1, null, { b: "ä😀\u0000" }] };
      const frozenUntil = timestampFromMs(4_000_000_000_000);
      const update = { roomId, actorId: ann, name: "Order 7", data, frozenUntil, slowModeSeconds: 30 };
      const { outcomes, news } = await store.commit([change("updateRoom", update)]);
      const room = outcomes[0] as Room;
      expect(room).toMatchObject({
        id: roomId,
        name: "Order 7",
        data,
        frozenUntil,
        slowModeSeconds: 30,
        memberSeq: 3n,
      });
      expect(news).toMatchObject([{ roomId, memberSeq: 3n, room, members: [], messages: [] }]);
      expect(await recordOf(roomId)).toEqual(room);
      const renamed = await apply(store, "updateRoom", { roomId, actorId: ann, name: "Order 8" });
      expect(renamed).toMatchObject({ name: "Order 8", data, frozenUntil, slowModeSeconds: 30, memberSeq: 4n });
      const passed = { roomId, actorId: 0n, frozenUntil: timestampFromMs(1), slowModeSeconds: 0 };
      const thawed = await apply(store, "updateRoom", passed);
      expect(thawed).toMatchObject({ name: "Order 8", slowModeSeconds: 0, memberSeq: 5n });
      expect(thawed.frozenUntil).toBeUndefined();
      expect(await headOf(store, roomId)).toEqual({ seq: 0n, memberSeq: 5n });
    });

    test("[S4] that is so already is not changed", async () => {
      const roomId = await newStoredRoom(store, ann, bob);
      const update = { roomId, actorId: ann, name: "x", data: { a: 1 }, slowModeSeconds: 1 };
      const room = await apply(store, "updateRoom", update);
      for (const again of [update, { roomId, actorId: ann }, { roomId, actorId: ann, name: "x" }]) {
        expect(await store.commit([change("updateRoom", again)])).toEqual({ outcomes: [room], news: [], reads: [] });
      }
      const same = change("transferOwnership", { roomId, userId: ann, actorId: ann });
      expect((await store.commit([same])).news).toEqual([]);
    });

    test("[S4] whose data is the same, in whatever order its fields come, is not changed", async () => {
      const orders = [
        { b: { d: 1, c: 2 }, a: 3 },
        { a: 3, b: { c: 2, d: 1 } },
      ];
      for (const data of orders) {
        const { room } = await store.ensureRoom(asked({ data }), []);
        for (const same of orders) {
          const commit = await store.commit([change("updateRoom", { roomId: room.id, actorId: ann, data: same })]);
          expect(commit).toEqual({ outcomes: [room], news: [], reads: [] });
        }
        await apply(store, "updateRoom", { roomId: room.id, actorId: ann, data: {} });
        const changed = await apply(store, "updateRoom", { roomId: room.id, actorId: ann, data });
        for (const same of orders) {
          const again = await apply(store, "updateRoom", { roomId: room.id, actorId: ann, data: same });
          expect(again.memberSeq).toBe(changed.memberSeq);
        }
      }
    });

    test("[S10] is changed by the owner, moderators and services", async () => {
      const roomId = await newStoredRoom(store, ann, bob, cat);
      await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
      const by = (actorId: bigint, room = roomId) =>
        change("updateRoom", { roomId: room, actorId, name: `of ${actorId}` });
      const all = [by(ann), by(bob), by(0n), by(cat), by(stranger), by(ann, nowhere), by(0n, nowhere)];
      const commit = await store.commit(all);
      expect(codes(commit)).toEqual(["ok", "ok", "ok", "PermissionDenied", "NotFound", "NotFound", "NotFound"]);
      expect((await recordOf(roomId)).name).toBe("of 0");
    });

    test("[S1] changes with its owner, after the membership that changes it", async () => {
      const roomId = await newStoredRoom(store, ann, bob);
      const handed = await store.commit([change("transferOwnership", { roomId, userId: bob, actorId: ann })]);
      expect(handed.news.map(told)).toEqual([[["record", 3n]]]);
      const left = await store.commit([change("removeMember", { roomId, userId: bob, actorId: bob })]);
      expect(left.outcomes).toMatchObject([{ userId: bob, memberSeq: 4n }]);
      expect(left.news).toMatchObject([{ memberSeq: 5n, room: { ownerId: ann, memberSeq: 5n, memberCount: 1 } }]);
      expect(left.news.map(told)).toEqual([
        [
          [bob, 4n],
          ["record", 5n],
        ],
      ]);
      const last = await store.commit([change("removeMember", { roomId, userId: ann, actorId: ann })]);
      expect(last.news).toMatchObject([{ memberSeq: 7n, room: { ownerId: 0n, memberCount: 0 } }]);
      const next = await store.commit([
        change("addMember", { roomId, userId: cat }),
        change("addMember", { roomId, userId: dan }),
      ]);
      expect(next.news.map(told)).toEqual([
        [
          [cat, 8n],
          ["record", 9n],
          [dan, 10n],
        ],
      ]);
      expect(next.news).toMatchObject([{ memberSeq: 10n, room: { ownerId: cat } }]);
      const plain = await store.commit([change("removeMember", { roomId, userId: dan, actorId: cat })]);
      expect(plain.news.map(told)).toEqual([[[dan, 11n]]]);
      expect(await headOf(store, roomId)).toEqual({ seq: 0n, memberSeq: 11n });
    });

    test("[S3] is in the log once, in its latest state, at its place among the members", async () => {
      const roomId = await newStoredRoom(store, ann, bob);
      await apply(store, "updateRoom", { roomId, actorId: ann, name: "first" });
      await apply(store, "addMember", { roomId, userId: cat });
      const latest = await apply(store, "updateRoom", { roomId, actorId: ann, name: "latest" });
      await apply(store, "addMember", { roomId, userId: dan });
      const whole = await readLog(store, roomId);
      expect(told(whole.news)).toEqual([
        [ann, 1n],
        [bob, 2n],
        [cat, 4n],
        ["record", 5n],
        [dan, 6n],
      ]);
      expect(whole.news.room).toEqual({ ...latest, memberCount: 4, updatedAt: whole.news.room!.updatedAt });
      expect(told((await readLog(store, roomId, { seq: 0n, memberSeq: 4n })).news)).toEqual([
        ["record", 5n],
        [dan, 6n],
      ]);
      expect(told((await readLog(store, roomId, { seq: 0n, memberSeq: 5n })).news)).toEqual([[dan, 6n]]);
      await apply(store, "sendMessage", { roomId, userId: ann, body: "hello" });
      let [at, pages] = [BEGINNING, 0];
      const seen = [];
      for (; at.memberSeq < 6n; pages++) {
        const { news } = await readLog(store, roomId, at, { changes: 1 });
        if (news.messages.length > 0) expect(told(news).at(-1)).toEqual([dan, 6n]);
        seen.push(...told(news));
        at = { ...at, memberSeq: memberChanges(news).at(-1)!.memberSeq };
      }
      expect(seen).toEqual(told(whole.news));
      expect(pages).toBeGreaterThan(3);
    });

    test("[S3] at the head is told with the read positions", async () => {
      const { roomId, messages } = await newSpokenRoom(store, ann, [bob], ["hello"]);
      await apply(store, "markRead", { roomId, userId: bob, messageId: messages[0]!.id });
      const before = await headOf(store, roomId);
      await apply(store, "updateRoom", { roomId, actorId: ann, name: "new" });
      const page = await readLog(store, roomId, before);
      expect(told(page.news)).toEqual([["record", 3n]]);
      expect(page.reads).toEqual({ [`${bob}`]: expect.objectContaining({ messageId: messages[0]!.id }) });
    });

    test("[S8] moves the room's revision", async () => {
      const roomId = await newStoredRoom(store, ann);
      const { revision } = await store.changedRooms(0n, []);
      await apply(store, "updateRoom", { roomId, actorId: ann, name: "x" });
      const changed = await store.changedRooms(revision);
      expect(changed.rooms).toContainEqual(expect.objectContaining({ roomId, head: { seq: 0n, memberSeq: 2n } }));
      expect(changed.deleted).toEqual([]);
    });
  });

  describe("ensureRoom", () => {
    test("[S12] opens a room once, and gives it from then on as it is", async () => {
      const room = asked({ name: "first", data: { a: 1 } });
      const opened = await store.ensureRoom(room, [ann, bob]);
      expect(opened).toMatchObject({
        isNew: true,
        room: { key: room.key, postId: 0n, ownerId: ann, name: "first", data: { a: 1 }, memberCount: 1, memberSeq: 0n },
        members: [{ userId: ann, memberSeq: 1n }],
      });
      const roomId = opened.room.id;
      await apply(store, "addMembers", { roomId, actorId: ann, userIds: [bob] });
      const again = await store.ensureRoom({ ...room, name: "second", data: { a: 2 } }, [bob, stranger]);
      expect(again).toMatchObject({ isNew: false, room: { id: roomId, name: "first", data: { a: 1 } } });
      expect(again.members.map(({ userId }) => userId)).toEqual([bob]);
      expect((await store.ensureRoom({ ...room, userId: 0n }, [])).room.id).toBe(roomId);
      await expect(store.ensureRoom({ ...room, userId: stranger }, [])).rejects.toMatchObject({ code: Code.NotFound });
      const byPost = await store.createRoom(createReq(freshPost(), ann));
      expect((await store.ensureRoom(asked({ key: byPost.key }), [])).room).toEqual(byPost);
    });

    test("[S12] without a creator opens a room that its first member owns", async () => {
      const { room, members } = await store.ensureRoom(asked({ userId: 0n }), []);
      expect([room.ownerId, room.memberCount, members]).toEqual([0n, 0, []]);
      const { outcomes, news } = await store.commit([
        change("addMembers", { roomId: room.id, actorId: 0n, userIds: [cat, bob, cat] }),
      ]);
      expect(outcomes).toMatchObject([
        {
          members: [
            { userId: cat, memberSeq: 1n },
            { userId: bob, memberSeq: 3n },
          ],
        },
      ]);
      expect(news.map(told)).toEqual([
        [
          [cat, 1n],
          ["record", 2n],
          [bob, 3n],
        ],
      ]);
      expect(await recordOf(room.id)).toMatchObject({ ownerId: cat, memberCount: 2, memberSeq: 2n });
    });

    test("[S12] by many at once opens one", async () => {
      const room = asked({ userId: 0n });
      await using other = await parts().open();
      const all = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? store : other).ensureRoom(room, [])));
      expect(new Set(all.map((each) => each.room.id)).size).toBe(1);
      expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    });

    test("[S5] of a post that has a room tells its id to who may read it", async () => {
      const postId = freshPost();
      const { id } = await store.createRoom(createReq(postId, ann));
      const details = async (...[req, reading]: Parameters<ChatStore["createRoom"]>) => {
        const error = ConnectError.from(await store.createRoom(req, reading).catch((e: unknown) => e));
        expect(error.code).toBe(Code.AlreadyExists);
        return error.findDetails(ErrorInfoSchema);
      };
      const info = [{ reason: "ROOM_EXISTS", domain: "roomlog", metadata: { room_id: `${id}` } }];
      expect(await details(createReq(postId, ann))).toMatchObject(info);
      expect(await details(createReq(postId, bob))).toEqual([]);
      expect(await details(createReq(postId, bob), "right")).toMatchObject(info);
    });
  });

  describe("addMembers", () => {
    test("[S12] leaves members as they are, and tells who can't be added", async () => {
      const limits = { ...LIMITS, roomMembers: 3, userRooms: 2 };
      await using small = await parts().open(limits);
      const first = GREAT_ID + 6_100n + 10n * BigInt(++lastKey);
      const [busy, bob, cat, more] = [first, first + 1n, first + 2n, first + 3n];
      for (let i = 0; i < 2; i++) await small.createRoom(createReq(freshPost(), busy));
      const roomId = await newStoredRoom(store, ann);
      const users = { roomId, actorId: ann, userIds: [ann, busy, bob, cat, more] };
      const { outcomes, news } = await small.commit([change("addMembers", users)]);
      expect(outcomes).toMatchObject([
        {
          members: [
            { userId: ann, memberSeq: 1n },
            { userId: bob, memberSeq: 2n },
            { userId: cat, memberSeq: 3n },
          ],
          notAdded: [
            { userId: busy, reason: "TOO_MANY_ROOMS" },
            { userId: more, reason: "ROOM_FULL" },
          ],
        },
      ]);
      expect(news.map(told)).toEqual([
        [
          [bob, 2n],
          [cat, 3n],
        ],
      ]);
      expect((await store.commit([change("addMembers", { ...users, userIds: [ann, bob] })])).news).toEqual([]);
    });

    test("[S12] doesn't add who is banned, until that has passed or is lifted", async () => {
      const roomId = await newStoredRoom(store, ann);
      const ban = (ms: number) => {
        return apply(store, "setBan", { roomId, userId: bob, actorId: ann, bannedUntil: timestampFromMs(ms) });
      };
      await ban(4_000_000_000_000);
      const addition = { roomId, actorId: ann, userIds: [bob, cat] };
      expect(await apply(store, "addMembers", addition)).toMatchObject({
        members: [{ userId: cat }],
        notAdded: [{ userId: bob, reason: "BANNED", until: timestampFromMs(4_000_000_000_000) }],
      });
      const refused = await apply(store, "addMember", { roomId, userId: bob }).catch(ConnectError.from);
      expect(refused).toMatchObject({ code: Code.PermissionDenied });
      const metadata = { until: "2096-10-02T07:06:40.000Z" };
      expect((refused as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "BANNED", metadata }]);
      await ban(1);
      const { members, notAdded } = await apply(store, "addMembers", addition);
      expect([members.map(({ userId }) => userId), notAdded]).toEqual([[bob, cat], []]);
    });

    test("[S10] is for the owner, moderators and services, even if there is nobody to add", async () => {
      const roomId = await newStoredRoom(store, ann, bob, cat);
      await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
      const by = (actorId: bigint, userIds: bigint[], room = roomId) => {
        return change("addMembers", { roomId: room, actorId, userIds });
      };
      const asked = [by(ann, []), by(bob, []), by(0n, []), by(cat, []), by(stranger, []), by(0n, [], nowhere)];
      expect(codes(await store.commit(asked))).toEqual(["ok", "ok", "ok", "PermissionDenied", "NotFound", "NotFound"]);
      expect(codes(await store.commit([by(cat, [dan]), by(ann, [dan])]))).toEqual(["PermissionDenied", "ok"]);
    });
  });

  describe("getRooms", () => {
    test("gives the user's own by id and by key, each once, and all that are read by right", async () => {
      const first = await newSpokenRoom(store, ann, [bob], ["hello", "you"]);
      const own = await store.ensureRoom(asked({ userId: bob, name: "own" }), []);
      const foreign = await newStoredRoom(store, ann);
      const ids = [first.roomId, own.room.id, foreign, nowhere];
      const { rooms, hasMore } = await store.getRooms(bob, { ids, keys: [own.room.key, "no such key"] }, NONE);
      expect(rooms.map(({ room }) => room!.id)).toEqual([first.roomId, own.room.id]);
      expect(hasMore).toBe(false);
      expect(rooms[0]).toMatchObject({
        lastMessage: { body: "you" },
        unreadCount: 2,
        head: { seq: 2n, memberSeq: 2n },
        member: { userId: bob },
      });
      expect(rooms[1]).toMatchObject({ room: own.room, unreadCount: 0 });
      const all = { ids: [foreign, first.roomId, nowhere], keys: [own.room.key] };
      const { rooms: byRight } = await store.getRooms(0n, NONE, all);
      expect(byRight.map(({ room }) => room!.id)).toEqual([first.roomId, own.room.id, foreign]);
      expect(byRight[0]).toMatchObject({ lastMessage: { body: "you" }, unreadCount: 0, readMessageId: 0n });
      expect(byRight[0]!.member).toBeUndefined();
      expect(await store.getRooms(stranger, { ids, keys: [own.room.key] }, NONE)).toMatchObject({
        rooms: [],
        hasMore: false,
      });
    });
  });

  describe("the deletion of a room", () => {
    /** Erases what is left of it; how many steps that took. */
    const erase = async (roomId: bigint): Promise<number> => {
      for (let steps = 1; ; steps++) if (!(await apply(store, "eraseRoom", { roomId })).hasMore) return steps;
    };

    test("[S11] is told, and nobody finds the room any more", async () => {
      const { room } = await store.ensureRoom(asked(), []);
      const [roomId, byId] = [room.id, { ids: [room.id], keys: [] }];
      await apply(store, "addMember", { roomId, userId: bob });
      const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: bob, body: "secret" });
      const { revision } = await store.changedRooms(0n, []);
      const { outcomes, news } = await store.commit([
        change("sendMessage", { roomId, userId: bob, body: "last" }),
        change("deleteRoom", { roomId, actorId: ann }),
        change("editMessage", { roomId, userId: bob, messageId, body: "late" }),
      ]);
      expect(outcomes).toMatchObject([
        { body: "last" },
        { $typeName: "chat_grpc.DeleteRoomRes" },
        { code: Code.NotFound },
      ]);
      expect(news).toMatchObject([{ roomId, isDeleted: true, messages: [] }]);
      const changed = await store.changedRooms(revision);
      expect(changed.deleted).toContain(roomId);
      expect(changed.rooms.map((each) => each.roomId)).not.toContain(roomId);
      expect(await store.changedRooms(revision, [roomId])).toMatchObject({ rooms: [], deleted: [roomId] });
      expect((await store.changedRooms(changed.revision, [roomId])).deleted).toEqual([]);

      expect(await store.readLogs([{ roomId, after: BEGINNING }], { changes: 9, bytes: 9 })).toEqual([undefined]);
      expect((await store.memberships(bob, [roomId], [roomId])).of).toEqual([]);
      expect(await store.getRooms(bob, byId, byId)).toMatchObject({ rooms: [] });
      await expect(recordOf(roomId)).rejects.toMatchObject({ code: Code.NotFound });
      const rest = { $typeName: "chat_grpc.ListMembersReq", roomId, userId: bob, afterUserId: 0n, limit: 0 } as const;
      await expect(store.listMembers({ ...rest, banned: false })).rejects.toMatchObject({ code: Code.NotFound });
      expect(
        (
          await store.listRooms({ $typeName: "chat_grpc.ListRoomsReq", userId: bob, limit: 100, pageToken: "" })
        ).rooms.map((each) => each.room!.id),
      ).not.toContain(roomId);
      const late = await store.commit([
        change("sendMessage", { roomId, userId: bob, body: "x" }),
        change("markRead", { roomId, userId: bob, messageId }),
        change("addMember", { roomId, userId: cat }),
        change("updateRoom", { roomId, actorId: 0n, name: "x" }),
      ]);
      expect(codes(late)).toEqual(Array(4).fill("NotFound"));
      expect(late.news).toEqual([]);
    });

    test("[S11] frees its key, and never its numbers", async () => {
      const wanted = asked();
      const { room } = await store.ensureRoom(wanted, []);
      const old = await apply(store, "sendMessage", { roomId: room.id, userId: ann, body: "x" });
      const before = (await store.changedRooms(0n, [])).revision;
      await apply(store, "deleteRoom", { roomId: room.id, actorId: ann });
      const between = (await store.changedRooms(0n, [])).revision;
      expect(between).toBeGreaterThan(before);
      await erase(room.id);
      const next = await store.ensureRoom(wanted, []);
      expect(next.isNew).toBe(true);
      expect(next.room.id).toBeGreaterThan(room.id);
      const sent = await apply(store, "sendMessage", { roomId: next.room.id, userId: ann, body: "x" });
      expect(sent.id).toBeGreaterThan(old.id);
      expect((await store.changedRooms(0n, [])).revision).toBeGreaterThan(between);
      expect(await store.changedRooms(before, [room.id, next.room.id])).toMatchObject({
        rooms: [{ roomId: next.room.id }],
        deleted: [room.id],
      });
    });

    test("[S10] is for the owner and services; [S11] again it is no change", async () => {
      const roomId = await newStoredRoom(store, ann, bob, cat);
      await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
      const by = (actorId: bigint, room = roomId) => change("deleteRoom", { roomId: room, actorId });
      const refused = await store.commit([by(bob), by(cat), by(stranger), by(ann, nowhere), by(0n, nowhere)]);
      expect(codes(refused)).toEqual(["PermissionDenied", "PermissionDenied", "NotFound", "NotFound", "NotFound"]);
      expect(refused.news).toEqual([]);
      expect(codes(await store.commit([by(ann)]))).toEqual(["ok"]);
      await erase(roomId);
      const again = await store.commit([by(ann), by(0n), by(bob), by(stranger)]);
      expect(codes(again)).toEqual(["ok", "ok", "NotFound", "NotFound"]);
      expect(again.news).toEqual([]);
    });

    test("[S11] erases all that belonged to the room, step by step, and nothing of others", async () => {
      const { roomId, messages } = await newSpokenRoom(store, ann, [bob, cat], ["a", "b", "c"]);
      const other = await newSpokenRoom(store, ann, [bob], ["stays"]);
      const [first] = messages as [Message];
      const edit = { roomId, userId: ann, messageId: first.id, body: "A", clientEditId: "1" };
      await apply(store, "editMessage", edit);
      const sends = Array.from({ length: 500 }, (_, i) => change("sendMessage", { roomId, userId: bob, body: `${i}` }));
      for (let i = 0; i < 5; i++) await store.commit(sends);
      const untouched = await readLog(store, other.roomId);
      expect(await apply(store, "eraseRoom", { roomId: other.roomId })).toMatchObject({ hasMore: false });
      await apply(store, "deleteRoom", { roomId, actorId: 0n });
      expect(await store.unerasedRooms()).toContain(roomId);
      expect(await erase(roomId)).toBeGreaterThan(2);
      expect(await store.unerasedRooms()).not.toContain(roomId);
      expect(await readLog(store, other.roomId)).toEqual(untouched);
      expect(await erase(roomId)).toBe(1);
    });
  });
}
