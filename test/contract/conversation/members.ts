import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { bodies, codeOf, errorOf, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

export function members(client: () => ChatClient): void {
  const ownerOf = async (roomId: bigint, userId: bigint) => {
    return (await client().getRoom({ room: { case: "roomId", value: roomId }, userId })).ownerId;
  };

  describe("ListMembers", () => {
    test("has pages by user id, and no one who was removed", async () => {
      const others = [freshId(), freshId(), freshId(), freshId()];
      const { roomId, owner } = await newRoom(client(), ...others);
      await client().removeMember({ roomId, userId: others[3]!, actorId: owner });
      const expected = [owner, ...others.slice(0, 3)].sort((a, b) => Number(a - b));
      const page = async (afterUserId: bigint, limit: number) => {
        const { members, hasMore } = await client().listMembers({ roomId, userId: owner, afterUserId, limit });
        return [...members.map(({ userId }) => userId), hasMore];
      };
      expect(await page(0n, 0)).toEqual([...expected, false]);
      expect(await page(0n, 4)).toEqual([...expected, false]);
      expect(await page(0n, 3)).toEqual([...expected.slice(0, 3), true]);
      expect(await page(expected[2]!, 3)).toEqual([expected[3], false]);
      expect(await page(expected[3]!, 3)).toEqual([false]);
      expect(await page(2n ** 63n - 1n, 3)).toEqual([false]);
    });

    test("shows a membership as it is", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client());
      const added = await client().addMember({ roomId, userId: bob });
      expect(added).toMatchObject({ roomId, userId: bob, memberSeq: 2n, readMessageId: 0n });
      expect(added.removedAt).toBeUndefined();
      const read = await client().markRead({ roomId, userId: owner, messageId: (await send("hello")).id });
      const { members } = await client().listMembers({ roomId, userId: bob });
      expect(members.sort((a, b) => Number(a.memberSeq - b.memberSeq))).toEqual([read, added]);
    });

    test("[P5] is for members", async () => {
      const { roomId } = await newRoom(client());
      const userId = freshId();
      expect(await codeOf(client().listMembers({ roomId, userId }))).toBe("NotFound");
      expect(await codeOf(client().listMembers({ roomId: freshId(), userId }))).toBe("NotFound");
    });
  });

  test("IsMember answers for any user and any room", async () => {
    const bob = freshId();
    const { roomId, owner } = await newRoom(client(), bob);
    const isMember = async (userId: bigint, room = roomId) =>
      (await client().isMember({ roomId: room, userId })).isMember;
    expect([await isMember(owner), await isMember(bob), await isMember(freshId())]).toEqual([true, true, false]);
    expect(await isMember(bob, freshId())).toBe(false);
    await client().removeMember({ roomId, userId: bob, actorId: owner });
    expect(await isMember(bob)).toBe(false);
    await client().addMember({ roomId, userId: bob });
    expect(await isMember(bob)).toBe(true);
  });

  describe("RemoveMember", () => {
    test("is for the member itself and the owner; others and strangers are refused", async () => {
      const [bob, cat, dan, stranger] = [freshId(), freshId(), freshId(), freshId()];
      const { roomId, owner } = await newRoom(client(), bob, cat, dan);
      const remove = (userId: bigint, actorId: bigint) => client().removeMember({ roomId, userId, actorId });
      expect(await codeOf(remove(cat, bob))).toBe("PermissionDenied");
      expect(await codeOf(remove(owner, bob))).toBe("PermissionDenied");
      expect(await codeOf(remove(cat, stranger))).toBe("NotFound");
      expect(await codeOf(remove(stranger, owner))).toBe("NotFound");
      expect(await codeOf(remove(stranger, stranger))).toBe("NotFound");
      expect(await codeOf(client().removeMember({ roomId: freshId(), userId: bob, actorId: owner }))).toBe("NotFound");
      const removed = await remove(cat, owner);
      expect(removed).toMatchObject({ roomId, userId: cat, memberSeq: 5n });
      expect(removed.removedAt).toEqual(removed.updatedAt);
      expect(await remove(dan, dan)).toMatchObject({ userId: dan, memberSeq: 6n });
      expect(await codeOf(remove(cat, owner))).toBe("NotFound");
      expect(await codeOf(remove(cat, cat))).toBe("NotFound");
      expect((await client().listMembers({ roomId, userId: bob })).members).toHaveLength(2);
    });

    test("[P5] who was removed is a stranger to the room", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const own = await send("mine", bob);
      await client().removeMember({ roomId, userId: bob, actorId: owner });
      const user = { roomId, userId: bob };
      const known = (await errorOf(send("once more", bob))).message;
      for (const call of [
        () => client().getRoom({ room: { case: "roomId", value: roomId }, userId: bob }),
        () => client().listMessages(user),
        () => client().listMembers(user),
        () => client().markRead({ ...user, messageId: own.id }),
        () => client().editMessage({ ...user, messageId: own.id, body: "changed" }),
        () => client().deleteMessage({ ...user, messageId: own.id }),
        () => client().sendTyping(user),
        () => client().removeMember({ ...user, userId: owner, actorId: bob }),
        () => client().transferOwnership({ ...user, actorId: bob }),
      ]) {
        expect(await errorOf(call())).toEqual({ code: "NotFound", message: known });
      }
      for (const stream of [
        new TestStream(client(), { roomIds: [roomId], userId: bob }),
        new TestEvents(client(), { roomIds: [roomId], userId: bob }),
      ]) {
        expect(await stream.ended).toMatchObject({ code: Code.NotFound, rawMessage: known });
      }
      const { messages } = await client().listMessages({ roomId, userId: owner });
      expect(messages).toEqual([own]);
    });

    test("[P5] ends the room in the streams of who was removed, and says so", async () => {
      const bob = freshId();
      const [left, kept] = [await newRoom(client(), bob), await newRoom(client(), bob)];
      const both = { roomIds: [left.roomId, kept.roomId], userId: bob };
      await using feed = new TestEvents(client(), both);
      await using stream = new TestStream(client(), both);
      await using own = new TestStream(client(), { roomIds: [left.roomId], userId: left.owner });
      await Promise.all([feed.live, stream.live, own.live]);
      const before = await left.send("for bob");
      await Promise.all([feed.takeFacts(1), stream.take(1)]);
      const removed = await client().removeMember({ roomId: left.roomId, userId: bob, actorId: left.owner });
      await left.send("not for bob");
      const after = await kept.send("for bob, in the other room");

      expect(Code[(await stream.ended)!.code]).toBe("NotFound");
      expect(stream.received).toEqual([before]);
      const { id, roomId, userId } = removed;
      expect(await feed.takeFacts(3)).toMatchObject([
        { case: "message", value: before },
        { case: "memberRemoved", value: { id, roomId, userId, removedAt: expect.anything() } },
        { case: "message", value: after },
      ]);
      expect(bodies(await own.take(2))).toEqual(["for bob", "not for bob"]);
      expect(feed.facts).toHaveLength(3);
    });

    test("being added again starts afresh", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client());
      const first = await client().addMember({ roomId, userId: bob });
      await send("one");
      const { head } = await client().listMessages({ roomId, userId: bob });
      await client().removeMember({ roomId, userId: bob, actorId: bob });
      const missed = await send("two");
      const again = await client().addMember({ roomId, userId: bob });
      expect(again).toMatchObject({ userId: bob, readMessageId: missed.id, memberSeq: 4n });
      expect(again.id).toBeGreaterThan(first.id);
      expect(again.removedAt).toBeUndefined();
      expect((await client().listRooms({ userId: bob })).rooms).toMatchObject([{ unreadCount: 0 }]);
      await send("three");
      expect((await client().listRooms({ userId: bob })).rooms).toMatchObject([{ unreadCount: 1 }]);
      expect(bodies((await client().listMessages({ roomId, userId: bob })).messages)).toEqual(["one", "two", "three"]);

      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: head! } });
      const facts = await feed.takeFacts(3);
      expect(facts).toMatchObject([
        { case: "memberAdded", value: again },
        { value: missed },
        { value: { body: "three" } },
      ]);
      const removed = await client().removeMember({ roomId, userId: bob, actorId: owner });
      expect(await feed.takeOf("memberRemoved", 1)).toMatchObject([{ id: removed.id, roomId, userId: bob }]);
    });

    test("when the owner leaves, who has been there longest becomes the owner", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, owner } = await newRoom(client(), bob, cat);
      await client().removeMember({ roomId, userId: bob, actorId: bob });
      await client().addMember({ roomId, userId: bob });
      expect(await ownerOf(roomId, bob)).toBe(owner);
      await client().removeMember({ roomId, userId: owner, actorId: owner });
      expect(await ownerOf(roomId, bob)).toBe(cat);
      await client().addMember({ roomId, userId: owner });
      expect(await ownerOf(roomId, owner)).toBe(cat);
      expect(await codeOf(client().removeMember({ roomId, userId: bob, actorId: owner }))).toBe("PermissionDenied");
      await client().removeMember({ roomId, userId: owner, actorId: cat });
    });

    test("when the last member leaves, the room stays, for the next who is added", async () => {
      const bob = freshId();
      const { roomId, room, owner, send } = await newRoom(client());
      await send("still here");
      await client().removeMember({ roomId, userId: owner, actorId: owner });
      expect(await codeOf(client().createChatRoom({ postId: room.postId, userId: owner }))).toBe("AlreadyExists");
      await client().addMember({ roomId, userId: bob });
      await client().addMember({ roomId, userId: owner });
      expect(await ownerOf(roomId, owner)).toBe(bob);
      expect(bodies((await client().listMessages({ roomId, userId: bob })).messages)).toEqual(["still here"]);
      expect((await send("and goes on", bob)).seq).toBe(2n);
    });
  });

  describe("TransferOwnership", () => {
    test("hands the room on to another member, and with it the owner's rights", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, room, owner } = await newRoom(client(), bob, cat);
      const transferred = await client().transferOwnership({ roomId, userId: bob, actorId: owner });
      expect(transferred).toMatchObject({ id: roomId, postId: room.postId, createdAt: room.createdAt, ownerId: bob });
      expect(await client().getRoom({ room: { case: "roomId", value: roomId }, userId: owner })).toEqual(transferred);
      expect(await codeOf(client().removeMember({ roomId, userId: cat, actorId: owner }))).toBe("PermissionDenied");
      await client().removeMember({ roomId, userId: cat, actorId: bob });
    });

    test("is the owner's alone, and to members", async () => {
      const [bob, stranger] = [freshId(), freshId()];
      const { roomId, owner } = await newRoom(client(), bob);
      const transfer = (userId: bigint, actorId: bigint) => client().transferOwnership({ roomId, userId, actorId });
      expect(await codeOf(transfer(bob, bob))).toBe("PermissionDenied");
      expect(await codeOf(transfer(owner, bob))).toBe("PermissionDenied");
      expect(await codeOf(transfer(stranger, owner))).toBe("NotFound");
      expect(await codeOf(transfer(bob, stranger))).toBe("NotFound");
      const missing = client().transferOwnership({ roomId: freshId(), userId: bob, actorId: owner });
      expect(await codeOf(missing)).toBe("NotFound");
      expect(await ownerOf(roomId, bob)).toBe(owner);
    });
  });
}
