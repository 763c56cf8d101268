import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";
import { TestEvents } from "../../support/test-stream.ts";

export function readState(client: () => ChatClient): void {
  describe("MarkRead", () => {
    test("moves forward only, and is no change of the members", async () => {
      const bob = freshId();
      const { roomId, send } = await newRoom(client(), bob);
      const [first, second, third] = [await send("1"), await send("2"), await send("3")];
      const mark = (messageId: bigint) => client().markRead({ roomId, userId: bob, messageId });
      const moved = await mark(second.id);
      expect(moved).toMatchObject({ roomId, userId: bob, readMessageId: second.id, memberSeq: 2n });
      expect(await mark(first.id)).toEqual(moved);
      expect(await mark(second.id)).toEqual(moved);
      expect(await mark(third.id)).toMatchObject({ id: moved.id, readMessageId: third.id, memberSeq: 2n });
      expect((await client().listMessages({ roomId, userId: bob })).head).toMatchObject({ seq: 3n, memberSeq: 2n });
    });

    test("moves back where that is asked for, also to the beginning; what is unread is counted anew", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const [first, second] = [await send("1"), await send("2")];
      await using ofOwner = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await using ofBob = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await Promise.all([ofOwner.live, ofBob.live]);
      const unread = async () => (await client().listRooms({ userId: bob })).rooms[0]!.unreadCount;
      const mark = async (messageId: bigint, count: number) => {
        const moved = await client().markRead({ roomId, userId: bob, messageId, mayMoveBack: true });
        expect(moved).toMatchObject({ readMessageId: messageId, memberSeq: 2n });
        await Promise.all([ofOwner, ofBob].map((stream) => stream.untilRead(roomId, bob, messageId)));
        expect(await unread()).toBe(count);
      };
      await mark(second.id, 0);
      await mark(first.id, 1);
      await mark(0n, 2);
      await mark(second.id, 0);
      expect(await codeOf(client().markRead({ roomId, userId: bob, messageId: 0n }))).toBe("InvalidArgument");
    });

    test("needs a member, and a message of the room, which may be deleted", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const deleted = await send("to be deleted");
      await client().deleteMessage({ roomId, messageId: deleted.id, userId: owner });
      const foreign = await (await newRoom(client(), bob)).send("foreign");
      const mark = (messageId: bigint, userId = bob) => client().markRead({ roomId, userId, messageId });
      expect(await codeOf(mark(foreign.id))).toBe("NotFound");
      expect(await codeOf(mark(freshId()))).toBe("NotFound");
      expect(await codeOf(mark(deleted.id, freshId()))).toBe("NotFound");
      expect(await mark(deleted.id)).toMatchObject({ readMessageId: deleted.id });
    });
  });

  test("unread are the messages of others after the read position that are not deleted; edits don't count", async () => {
    const bob = freshId();
    const { roomId, owner, send } = await newRoom(client());
    const old = await send("before bob");
    await client().addMember({ roomId, userId: bob });
    const unread = async (userId = bob) => {
      const { rooms } = await client().listRooms({ userId });
      return [rooms[0]!.unreadCount, rooms[0]!.readMessageId];
    };
    expect(await unread()).toEqual([0, old.id]);
    expect(await unread(owner)).toEqual([0, 0n]);
    const [first, second] = [await send("1"), await send("2")];
    expect(await unread()).toEqual([2, old.id]);
    const own = await send("bob's own", bob);
    expect(await unread()).toEqual([2, old.id]);
    expect(await unread(owner)).toEqual([1, 0n]);
    await client().editMessage({ roomId, messageId: first.id, userId: owner, body: "edited" });
    await client().editMessage({ roomId, messageId: old.id, userId: owner, body: "edited" });
    expect(await unread()).toEqual([2, old.id]);
    await client().deleteMessage({ roomId, messageId: second.id, userId: owner });
    await client().deleteMessage({ roomId, messageId: second.id, userId: owner });
    expect(await unread()).toEqual([1, old.id]);
    await client().markRead({ roomId, userId: bob, messageId: first.id });
    expect(await unread()).toEqual([0, first.id]);
    await send("3");
    await client().markRead({ roomId, userId: bob, messageId: own.id });
    expect(await unread()).toEqual([1, own.id]);
    expect(await unread(owner)).toEqual([1, 0n]);
  });

  test("[P7] of the messages that follow the read position, 1,000 of others are counted", async () => {
    const bob = freshId();
    const { roomId, send, sendMany } = await newRoom(client(), bob);
    const own = await send("bob's own", bob);
    await sendMany(1_000);
    const counted = async () => (await client().listRooms({ userId: bob })).rooms;
    expect(await counted()).toMatchObject([{ unreadCount: 1_000, hasMoreUnread: false }]);
    await send("one more");
    expect(await counted()).toMatchObject([{ head: { seq: 1_002n }, unreadCount: 1_000, hasMoreUnread: true }]);
    const position = { case: "afterId", value: own.id } as const;
    const { messages } = await client().listMessages({ roomId, userId: bob, position, limit: 5 });
    await client().markRead({ roomId, userId: bob, messageId: messages.at(-1)!.id });
    expect(await counted()).toMatchObject([{ unreadCount: 996, hasMoreUnread: false }]);
  });
}
