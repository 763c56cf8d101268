import type { JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { GetRoomsRes } from "../../../gen/chat_pb.ts";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { LIMITS } from "../../../src/chat/limits.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, errorOf, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

export function records(client: () => ChatClient): void {
  const newKey = () => `order:${freshId()}`;
  const byKey = (value: string) => ({ case: "key", value }) as const;

  describe("EnsureRoom", () => {
    test("opens a room with its members, and gives it from then on", async () => {
      const [ann, bob, cat, key] = [freshId(), freshId(), freshId(), newKey()];
      const data = { order: { id: "9d3c", items: [1, 2] } };
      const wanted = { room: byKey(key), userId: ann, memberIds: [bob, cat, bob], name: "Order", data };
      const first = await client().ensureRoom(wanted);
      expect(first).toMatchObject({
        isNew: true,
        room: { key, postId: 0n, ownerId: ann, name: "Order", data, memberCount: 3, memberSeq: 0n },
        members: [{ userId: ann }, { userId: bob }, { userId: cat }],
        notAdded: [],
      });
      const again = await client().ensureRoom({ ...wanted, name: "other", data: {} });
      expect(again).toMatchObject({ isNew: false, room: first.room, notAdded: [] });
      expect(again.members.map(({ userId }) => userId).sort()).toEqual([ann, bob, cat].sort());
      expect(await client().getRoom({ room: byKey(key), userId: cat })).toEqual(first.room);
    });

    test("of a post is the room that CreateChatRoom opens", async () => {
      const [ann, postId] = [freshId(), freshId()];
      const { room, isNew } = await client().ensureRoom({ room: { case: "postId", value: postId }, userId: ann });
      expect([room!.postId, room!.key, isNew]).toEqual([postId, `post:${postId}`, true]);
      const error = ConnectError.from(
        await client()
          .createChatRoom({ postId, userId: ann })
          .catch((e: unknown) => e),
      );
      expect(error.code).toBe(Code.AlreadyExists);
      const metadata = { room_id: `${room!.id}` };
      expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "ROOM_EXISTS", metadata }]);
    });

    test("lets members into a room that is there, and its readers hear of it", async () => {
      const [bob, cat, dan, key] = [freshId(), freshId(), freshId(), newKey()];
      const ann = freshId();
      const { room } = await client().ensureRoom({ room: byKey(key), userId: ann, memberIds: [bob] });
      await using feed = new TestEvents(client(), { roomIds: [room!.id], userId: bob });
      await feed.live;
      const { members } = await client().ensureRoom({ room: byKey(key), userId: ann, memberIds: [bob, cat] });
      expect(members.map(({ userId }) => userId).sort()).toEqual([ann, bob, cat].sort());
      expect(members.at(-1)).toMatchObject({ userId: cat, memberSeq: 3n });
      expect(await feed.takeFacts(1)).toMatchObject([{ case: "memberAdded", value: { userId: cat } }]);
      const byBob = (memberIds: bigint[]) => client().ensureRoom({ room: byKey(key), userId: bob, memberIds });
      expect(await byBob([ann, cat])).toMatchObject({ isNew: false, room: { id: room!.id, memberCount: 3 } });
      expect(await codeOf(byBob([dan]))).toBe("PermissionDenied");
    });

    test("[P5] tells a stranger nothing of a room that is there, and adds nobody", async () => {
      const [stranger, key] = [freshId(), newKey()];
      const { room } = await client().ensureRoom({ room: byKey(key), userId: freshId() });
      const asked = client().ensureRoom({ room: byKey(key), userId: stranger, memberIds: [stranger] });
      expect(await codeOf(asked)).toBe("NotFound");
      expect(await client().isMember({ roomId: room!.id, userId: stranger })).toMatchObject({ isMember: false });
    });

    test("of many at once opens one room", async () => {
      const [ann, key] = [freshId(), newKey()];
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, i) => {
          return client().ensureRoom({ room: byKey(key), userId: ann, memberIds: [BigInt(i + 1)] });
        }),
      );
      expect(new Set(all.map(({ room }) => room!.id)).size).toBe(1);
      expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
      const { members } = await client().listMembers({ roomId: all[0]!.room!.id, userId: ann });
      expect(members).toHaveLength(11);
    });

    test("[P7] is refused with too many users, and with data that is too long, too deep, or no JSON", async () => {
      const users = Array.from({ length: 51 }, freshId);
      const ensure = (fields: object) => {
        return errorOf(client().ensureRoom({ room: byKey(newKey()), userId: freshId(), ...fields }));
      };
      const tooMany = await ensure({ memberIds: users.slice(1), memberKeys: users.map((id) => `user ${id}`) });
      expect(tooMany).toEqual({ code: "InvalidArgument", message: expect.stringContaining("100 users") });
      const nested = (levels: number): JsonObject => ({ a: JSON.parse("[".repeat(levels) + "]".repeat(levels)) });
      const all: [JsonObject, RegExp][] = [
        [{ a: "x".repeat(8_192) }, /longer than 8192 bytes/],
        [nested(32), /32 objects and lists/],
        [nested(300), /./],
      ];
      for (const [data, message] of all) {
        expect(await ensure({ data })).toEqual({ code: "InvalidArgument", message: expect.stringMatching(message) });
      }
      const { room } = await client().ensureRoom({ room: byKey(newKey()), userId: users[0]!, data: nested(31) });
      expect(room!.data).toEqual(nested(31));
    });
  });

  describe("UpdateRoom", () => {
    test("is told to readers, live and to those who were away, once, in its latest state", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      await using live = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await live.live;
      await send("before");
      const { head } = await client().listMessages({ roomId, userId: bob });
      const first = await client().updateRoom({ roomId, actorId: owner, name: "first" });
      const second = await client().updateRoom({ roomId, actorId: owner, name: "second", data: { a: 1 } });
      const handed = await client().transferOwnership({ roomId, userId: bob, actorId: owner });
      const told = await live.takeFacts(4);
      expect(told.slice(1)).toEqual([first, second, handed].map((value) => ({ case: "roomUpdated", value })));
      expect(handed).toMatchObject({ ownerId: bob, name: "second", memberSeq: 5n });

      await using back = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: head! } });
      await back.untilAt(roomId, { seq: 1n, memberSeq: 5n });
      expect(back.facts).toMatchObject([{ case: "roomUpdated", value: { ...handed, memberCount: 2 } }]);
      expect(await codeOf(client().updateRoom({ roomId, actorId: owner }))).toBe("PermissionDenied");
    });

    test("of a room that its owner leaves tells its next owner", async () => {
      const bob = freshId();
      const { roomId, owner } = await newRoom(client(), bob);
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await feed.live;
      const left = await client().removeMember({ roomId, userId: owner, actorId: owner });
      expect(await feed.takeFacts(2)).toMatchObject([
        { case: "memberRemoved", value: left },
        { case: "roomUpdated", value: { id: roomId, ownerId: bob, memberSeq: left.memberSeq + 1n } },
      ]);
    });
  });

  describe("AddMembers", () => {
    test("adds users by id and by key, and leaves members as they are", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, owner } = await newRoom(client(), bob);
      const keys = [`user ${freshId()}`, `${cat}`];
      const added = await client().addMembers({ roomId, actorId: owner, userIds: [bob, cat], userKeys: keys });
      expect(added.members.map(({ memberSeq }) => memberSeq)).toEqual([2n, 3n, 4n]);
      expect(added.notAdded).toEqual([]);
      const again = await client().addMembers({ roomId, actorId: owner, userIds: [bob], userKeys: keys });
      expect(again.members.map(({ id }) => id).sort()).toEqual(added.members.map(({ id }) => id).sort());
      expect(await client().isMember({ roomId, userKey: keys[0]! })).toMatchObject({ isMember: true });
      expect(await codeOf(client().addMembers({ roomId, actorId: bob, userIds: [freshId()] }))).toBe(
        "PermissionDenied",
      );
      expect(await codeOf(client().addMembers({ roomId, actorId: freshId(), userIds: [] }))).toBe("NotFound");
    });
  });

  test("GetRooms gives a page of rooms, each once, without those that aren't the caller's", async () => {
    const [ann, keys] = [freshId(), [newKey(), newKey(), newKey()]];
    const rooms = [];
    for (const [i, key] of keys.entries()) {
      rooms.push((await client().ensureRoom({ room: byKey(key), userId: i < 2 ? ann : freshId() })).room!);
    }
    const last = await client().sendMessage({ roomId: rooms[0]!.id, userId: ann, body: "hello" });
    const got = await client().getRooms({ userId: ann, roomIds: [rooms[1]!.id, rooms[2]!.id, freshId()], keys });
    expect(got.rooms.map(({ room }) => room!.key)).toEqual(keys.slice(0, 2));
    expect(got.rooms[0]).toMatchObject({
      lastMessage: last,
      head: { seq: 1n },
      member: { userId: ann },
      unreadCount: 0,
    });
    const roomIds = Array.from({ length: 100 }, freshId);
    expect(await client().getRooms({ userId: ann, roomIds })).toMatchObject({ rooms: [] });
    expect(await codeOf(client().getRooms({ userId: ann, roomIds, keys: ["x"] }))).toBe("InvalidArgument");
  });

  test("[P7] GetRooms says that long texts end its answer, and gives the rest when it is asked for", async () => {
    const [ann, keys] = [freshId(), Array.from({ length: LIMITS.namedRoomsBytes / 8_000 + 1 }, newKey)];
    const data = { long: "x".repeat(8_000) };
    for (const key of keys) await client().ensureRoom({ room: byKey(key), userId: ann, data });
    const keysOf = ({ rooms }: GetRoomsRes) => rooms.map(({ room }) => room!.key);
    const first = await client().getRooms({ userId: ann, keys });
    expect(keysOf(first).length).toBeLessThan(keys.length);
    expect(first.hasMore).toBe(true);
    const second = await client().getRooms({ userId: ann, keys: keys.filter((key) => !keysOf(first).includes(key)) });
    expect([...keysOf(first), ...keysOf(second)]).toEqual(keys);
    expect(second.hasMore).toBe(false);
  });

  describe("DeleteRoom", () => {
    test("ends the room for all who follow it, and other rooms go on", async () => {
      const bob = freshId();
      const [gone, stays] = [await newRoom(client(), bob), await newRoom(client(), bob)];
      const roomIds = [gone.roomId, stays.roomId];
      await using feed = new TestEvents(client(), { roomIds, userId: bob });
      await using stream = new TestStream(client(), { roomIds, userId: bob });
      await Promise.all([feed.live, stream.live]);
      await gone.send("hello");
      await Promise.all([feed.takeFacts(1), stream.take(1)]);
      await client().deleteRoom({ roomId: gone.roomId, actorId: gone.owner });
      expect((await feed.takeFacts(2))[1]).toMatchObject({ case: "roomDeleted", value: { roomId: gone.roomId } });
      const ended = await stream.ended;
      expect(ended?.code).toBe(Code.NotFound);
      expect(ended?.findDetails(ErrorInfoSchema)).toMatchObject([{ metadata: { room_ids: `${gone.roomId}` } }]);
      await stays.send("still here");
      expect((await feed.takeFacts(3))[2]).toMatchObject({ case: "message", value: { body: "still here" } });
      expect(await codeOf(gone.send("late"))).toBe("NotFound");
      expect(await codeOf(client().listMessages({ roomId: gone.roomId, userId: bob }))).toBe("NotFound");
      await client().deleteRoom({ roomId: gone.roomId, actorId: gone.owner });
    });

    test("names all rooms that a stream can't follow", async () => {
      const bob = freshId();
      const [gone, foreign, own] = [
        await newRoom(client(), bob),
        await newRoom(client()),
        await newRoom(client(), bob),
      ];
      await client().deleteRoom({ roomId: gone.roomId, actorId: gone.owner });
      const roomIds = [gone.roomId, own.roomId, foreign.roomId];
      for (const Stream of [TestEvents, TestStream]) {
        await using stream = new Stream(client(), { roomIds, userId: bob });
        const error = await stream.ended;
        expect(error?.code).toBe(Code.NotFound);
        const metadata = { room_ids: `${gone.roomId},${foreign.roomId}` };
        expect(error?.findDetails(ErrorInfoSchema)).toMatchObject([{ metadata }]);
      }
    });

    test("is up to the owner; the key opens another room then", async () => {
      const [ann, bob, key] = [freshId(), freshId(), newKey()];
      const { room } = await client().ensureRoom({ room: byKey(key), userId: ann, memberIds: [bob] });
      const remove = (actorId: bigint) => client().deleteRoom({ roomId: room!.id, actorId });
      expect(await codeOf(remove(bob))).toBe("PermissionDenied");
      expect(await codeOf(remove(freshId()))).toBe("NotFound");
      await remove(ann);
      const next = await client().ensureRoom({ room: byKey(key), userId: bob });
      expect([next.isNew, next.room!.id === room!.id]).toEqual([true, false]);
      expect((await client().listRooms({ userId: ann })).rooms).toEqual([]);
    });
  });
}
