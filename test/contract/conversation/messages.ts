import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";
import { TestStream } from "../../support/test-stream.ts";

export function messages(client: () => ChatClient): void {
  /** A room with a message of its owner and one of a second member. */
  async function conversation() {
    const bob = freshId();
    const room = await newRoom(client(), bob);
    const [first, second] = [await room.send("first"), await room.send("second", bob)];
    const listed = async () => (await client().listMessages({ roomId: room.roomId, userId: bob })).messages;
    const edit = (body: string, clientEditId = "", messageId = first.id, userId = room.owner) => {
      return client().editMessage({ roomId: room.roomId, messageId, userId, body, clientEditId });
    };
    const remove = (messageId: bigint, userId: bigint) => {
      return client().deleteMessage({ roomId: room.roomId, messageId, userId });
    };
    return { ...room, bob, first, second, listed, edit, remove };
  }

  describe("EditMessage", () => {
    test("[P2] changes the text and takes the next seq; id, time and place stay", async () => {
      const { owner, first, second, listed, edit } = await conversation();
      const edited = await edit("1st");
      expect(edited).toMatchObject({ id: first.id, body: "1st", userId: owner, seq: 3n, createdAt: first.createdAt });
      expect(timestampMs(edited.updatedAt!)).toBeGreaterThan(timestampMs(first.updatedAt!));
      expect(edited.deletedAt).toBeUndefined();
      expect(await listed()).toEqual([edited, second]);
      expect((await edit("the first")).seq).toBe(4n);
      expect((await edit("first")).seq).toBe(5n);
    });

    test("the text it has already is no change", async () => {
      const { first, edit, send } = await conversation();
      expect(await edit("first")).toEqual(first);
      const edited = await edit("1st");
      expect(await edit("1st")).toEqual(edited);
      expect((await send("next")).seq).toBe(4n);
    });

    test("[P4] a retry is not a second change, also when other edits came between", async () => {
      const { edit, first, second, bob, send } = await conversation();
      const id = crypto.randomUUID();
      const retries = await Promise.all(Array.from({ length: 5 }, () => edit("1st", id)));
      for (const retry of retries) expect(retry).toEqual(retries[0]);
      const later = await edit("the first", crypto.randomUUID());
      expect(await edit("1st", id)).toEqual(later);
      const same = crypto.randomUUID();
      expect(await edit("the first", same)).toEqual(later);
      const latest = await edit("first again");
      expect(await edit("the first", same)).toEqual(latest);
      expect(latest).toMatchObject({ id: first.id, seq: 5n });
      const other = await edit("another message's edits have ids of their own", id, second.id, bob);
      expect(other).toMatchObject({ id: second.id, seq: 6n });
      expect((await send("next")).seq).toBe(7n);
    });

    test("is the author's alone, of messages of the room", async () => {
      const { owner, bob, first, second, edit, listed } = await conversation();
      expect(await codeOf(edit("x", "", first.id, bob))).toBe("PermissionDenied");
      expect(await codeOf(edit("x", "", second.id, owner))).toBe("PermissionDenied");
      expect(await codeOf(edit("x", "", first.id, freshId()))).toBe("NotFound");
      expect(await codeOf(edit("x", "", freshId()))).toBe("NotFound");
      const elsewhere = await newRoom(client(), owner);
      const foreign = await elsewhere.send("foreign", owner);
      expect(await codeOf(edit("x", "", foreign.id))).toBe("NotFound");
      expect(await listed()).toEqual([first, second]);
    });

    test("edits that race are numbered without a hole, and readers end with the last of them", async () => {
      const { roomId, bob, send, edit, listed } = await conversation();
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
      await stream.live;
      const third = await send("third");
      await stream.take(1);
      const edits = await Promise.all(Array.from({ length: 20 }, (_, i) => edit(`edit ${i}`)));
      const bySeq = edits.sort((a, b) => Number(a.seq - b.seq));
      expect(bySeq.map(({ seq }) => seq)).toEqual(edits.map((_, i) => BigInt(i) + 4n));
      // A reader who isn't quick enough gets a message in its latest state alone.
      await stream.until((received) => received.at(-1)!.seq === bySeq.at(-1)!.seq);
      const seen = new Set(stream.received.map(({ seq }) => seq));
      expect(stream.received).toEqual([third, ...bySeq.filter(({ seq }) => seen.has(seq))]);
      expect((await listed())[0]).toEqual(bySeq.at(-1));
    });
  });

  describe("DeleteMessage", () => {
    test("leaves a tombstone that takes the next seq; again is no change", async () => {
      const { owner, first, second, remove, listed, send } = await conversation();
      const deleted = await remove(first.id, owner);
      expect(deleted).toMatchObject({ id: first.id, body: "", userId: owner, seq: 3n, createdAt: first.createdAt });
      expect(timestampMs(deleted.deletedAt!)).toBeGreaterThanOrEqual(timestampMs(first.createdAt!));
      expect(timestampMs(deleted.updatedAt!)).toBeGreaterThan(timestampMs(first.createdAt!));
      expect(await remove(first.id, owner)).toEqual(deleted);
      expect(await listed()).toEqual([deleted, second]);
      expect((await send("next")).seq).toBe(4n);
    });

    test("is for the author and the owner", async () => {
      const { owner, bob, first, second, remove, edit, roomId } = await conversation();
      const cat = freshId();
      await client().addMember({ roomId, userId: cat });
      expect(await codeOf(remove(first.id, bob))).toBe("PermissionDenied");
      expect(await codeOf(remove(second.id, cat))).toBe("PermissionDenied");
      expect(await codeOf(remove(second.id, freshId()))).toBe("NotFound");
      expect(await codeOf(remove(freshId(), owner))).toBe("NotFound");
      const elsewhere = await newRoom(client(), owner);
      expect(await codeOf(remove((await elsewhere.send("foreign")).id, owner))).toBe("NotFound");
      const deleted = await remove(second.id, owner);
      expect(deleted).toMatchObject({ id: second.id, userId: bob, body: "", seq: 3n });
      expect(await codeOf(remove(second.id, cat))).toBe("PermissionDenied");
      expect(await remove(second.id, bob)).toEqual(deleted);
      expect((await edit("1st")).seq).toBe(4n);
    });

    test("what is deleted can't be edited", async () => {
      const { owner, first, second, bob, edit, remove } = await conversation();
      await edit("1st", "an edit");
      await remove(first.id, owner);
      expect(await codeOf(edit("back"))).toBe("FailedPrecondition");
      await remove(second.id, owner);
      expect(await codeOf(edit("back", "", second.id, bob))).toBe("FailedPrecondition");
      expect(await codeOf(edit("back", "", second.id, owner))).toBe("PermissionDenied");
    });
  });

  describe("[P4] a retried send", () => {
    test("of a message that was edited since returns it as it is by now", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const request = { roomId, userId: owner, body: "once", clientMessageId: crypto.randomUUID() };
      const first = await client().sendMessage(request);
      const edited = await client().editMessage({ roomId, messageId: first.id, userId: owner, body: "edited" });
      expect(edited.clientMessageId).toBe(request.clientMessageId);
      expect(await client().sendMessage(request)).toEqual(edited);
      expect(await client().sendMessage({ ...request, body: "no longer compared" })).toEqual(edited);
      const deleted = await client().deleteMessage({ roomId, messageId: first.id, userId: owner });
      expect(await client().sendMessage(request)).toEqual(deleted);
      expect((await send("next")).seq).toBe(4n);
    });

    test("of a reply to a message that was deleted since returns the first", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const target = await send("target");
      const request = {
        roomId,
        userId: owner,
        body: "reply",
        replyToId: target.id,
        clientMessageId: crypto.randomUUID(),
      };
      const reply = await client().sendMessage(request);
      await client().deleteMessage({ roomId, messageId: target.id, userId: owner });
      expect(await client().sendMessage(request)).toEqual(reply);
    });
  });

  describe("a reply", () => {
    test("names the message that it replies to, on every way to a reader", async () => {
      const { roomId, bob, first, second, send, listed, edit } = await conversation();
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
      await stream.live;
      const reply = await send("reply", bob, first.id);
      expect(reply.replyToId).toBe(first.id);
      await stream.take(2);
      const nested = await send("reply to a reply", bob, reply.id);
      const edited = await edit("edited reply", "", reply.id, bob);
      expect(edited.replyToId).toBe(first.id);
      const root = (replyCount: number) => expect.objectContaining({ id: first.id, body: "first", replyCount });
      expect(await stream.take(5)).toEqual([reply, root(1), nested, root(2), edited]);
      expect(await listed()).toEqual([root(2), second, edited, nested]);
    });

    test("needs a message of the room that is not deleted", async () => {
      const { owner, bob, first, second, send, remove, listed } = await conversation();
      const elsewhere = await newRoom(client(), owner);
      const foreign = await elsewhere.send("foreign");
      await remove(second.id, bob);
      expect(await codeOf(send("x", owner, second.id))).toBe("NotFound");
      expect(await codeOf(send("x", owner, foreign.id))).toBe("NotFound");
      expect(await codeOf(send("x", owner, freshId()))).toBe("NotFound");
      expect((await send("x", owner, first.id)).seq).toBe(4n);
      const mixed = [
        send("a", owner, first.id),
        send("b", owner, second.id),
        send("c", owner),
        send("d", bob, first.id),
      ];
      const outcomes = await Promise.allSettled(mixed);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
      expect((await listed()).map(({ body }) => body).sort()).toEqual(["", "a", "c", "d", "first", "x"]);
    });
  });
}
