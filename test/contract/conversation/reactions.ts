import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

export function reactions(client: () => ChatClient): void {
  describe("reactions and pins", () => {
    test("[P3] reach the readers as edits do, live and after a cursor", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const { id: messageId } = await send("hello");
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
      await Promise.all([feed.takeOf("caughtUp", 1), stream.live]);

      const liked = await client().setReaction({ roomId, messageId, userId: bob, emoji: "👍", on: true });
      const pinned = await client().setPin({ roomId, messageId, actorId: owner, on: true });
      const taken = await client().setReaction({ roomId, messageId, userId: bob, emoji: "👍", on: false });
      expect(liked).toMatchObject({ seq: 2n, createdSeq: 1n, reactions: [{ emoji: "👍", count: 1, userIds: [bob] }] });
      expect(pinned.reactions).toEqual(liked.reactions);
      expect(taken).toMatchObject({ seq: 4n, reactions: [], pinnedAt: pinned.pinnedAt });
      for (const message of [liked, pinned, taken]) expect(message.editedAt).toBeUndefined();
      expect(await feed.takeOf("message", 3)).toEqual([liked, pinned, taken]);
      expect(await stream.take(3)).toEqual([liked, pinned, taken]);

      await using later = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: {} } });
      expect(await later.takeOf("message", 1)).toEqual([taken]);
      expect((await client().listMessages({ roomId, userId: bob, pinned: true })).messages).toEqual([taken]);
    });

    test("are up to those whom the contract names", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const { id: messageId } = await send("hello");
      const react = (userId: bigint, id = messageId) => {
        return client().setReaction({ roomId, messageId: id, userId, emoji: "👍", on: true });
      };
      const pin = (actorId: bigint) => client().setPin({ roomId, messageId, actorId, on: true });
      expect(await codeOf(react(freshId()))).toBe("NotFound");
      expect(await codeOf(react(bob, freshId()))).toBe("NotFound");
      expect(await codeOf(pin(bob))).toBe("PermissionDenied");
      expect(await codeOf(pin(freshId()))).toBe("NotFound");
      await client().deleteMessage({ roomId, messageId, userId: owner });
      expect(await codeOf(react(bob))).toBe("FailedPrecondition");
      expect(await codeOf(pin(owner))).toBe("FailedPrecondition");
      expect(await codeOf(client().setReaction({ roomId, messageId, userId: bob, emoji: "" }))).toBe("InvalidArgument");
    });
  });
}
