import type { JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { MessageKind, Role } from "../../../gen/chat_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";
import { forever } from "../../support/times.ts";

/** Who may speak, as each protocol tells it: what is refused is never shown as sent. */
export function silence(client: () => ChatClient): void {
  test("who is silenced is told why, and until when; nobody sees what was refused", async () => {
    const [bob, cat, dan] = [freshId(), freshId(), freshId()];
    const { roomId, owner, send } = await newRoom(client(), bob, cat, dan);
    const by = { roomId, actorId: owner };
    await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
    await using stream = new TestStream(client(), { roomIds: [roomId], userId: cat });
    await Promise.all([feed.takeOf("caughtUp", 1), stream.live]);

    const muted = await client().setMute({ ...by, userId: bob, mutedUntil: forever });
    const reader = await client().setRole({ ...by, userId: cat, role: Role.READER });
    const refusals = [await refusalOf(send("muted", bob)), await refusalOf(send("reader", cat))];
    const frozenUntil = timestampFromMs(4_000_000_000_000);
    await client().updateRoom({ ...by, frozenUntil });
    refusals.push(await refusalOf(send("frozen", dan)));
    await client().updateRoom({ ...by, frozenUntil: timestampFromMs(1), slowModeSeconds: 3_600 });
    const first = await send("first", dan);
    const slow = await refusalOf(send("too soon", dan));
    expect(refusals).toEqual([
      [Code.PermissionDenied, "MUTED", "9999-12-31T23:59:59.000Z", 0],
      [Code.PermissionDenied, "READER", undefined, 0],
      [Code.PermissionDenied, "FROZEN", new Date(4_000_000_000_000).toISOString(), 0],
    ]);
    expect(slow).toEqual([Code.ResourceExhausted, "SLOW_MODE", expect.stringMatching(/^\d{4}-\d\d-\d\dT/), 1]);

    const unmuted = await client().setMute({ ...by, userId: bob });
    const spoken = await send("spoken", bob);
    expect(await stream.take(2)).toEqual([first, spoken]);
    expect(await feed.takeOf("memberAdded", 3)).toEqual([muted, reader, unmuted]);
    expect(await feed.takeOf("message", 2)).toEqual([first, spoken]);
    const { messages } = await client().listMessages({ roomId, userId: owner });
    expect(messages).toEqual([first, spoken]);
  });
}

/** What messages carry, threads, and bans. */
export function speech(client: () => ChatClient): void {
  describe("SetBan", () => {
    test("ends a membership and its streams; the time is for those who decide", async () => {
      const [bob, cat, dan] = [freshId(), freshId(), freshId()];
      const { roomId, room, owner } = await newRoom(client(), bob, cat);
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: cat });
      await Promise.all([stream.live, feed.takeOf("caughtUp", 1)]);
      const by = { roomId, actorId: owner, bannedUntil: forever };
      const banned = await client().setBan({ ...by, userId: bob });
      expect(banned).toMatchObject({ userId: bob, bannedUntil: forever, removedAt: expect.anything() });
      expect(await stream.ended).toMatchObject({ code: Code.NotFound });
      const { bannedUntil: _, ...told } = banned;
      expect(await feed.takeOf("memberRemoved", 1)).toEqual([told]);
      await client().setBan({ ...by, userId: dan });
      const { members } = await client().listMembers({ roomId, userId: owner, banned: true });
      expect(members.map(({ userId, bannedUntil }) => [userId, bannedUntil])).toEqual(
        [bob, dan].sort((a, b) => Number(a - b)).map((userId) => [userId, forever]),
      );
      expect(await codeOf(client().listMembers({ roomId, userId: cat, banned: true }))).toBe("PermissionDenied");
      expect(await codeOf(client().addMember({ roomId, userId: dan }))).toBe("PermissionDenied");
      const notAdded = [{ userId: dan, reason: "BANNED", until: forever }];
      expect(await client().addMembers({ roomId, actorId: owner, userIds: [dan] })).toMatchObject({
        members: [],
        notAdded,
      });
      const named = { case: "key", value: room.key } as const;
      expect(await client().ensureRoom({ room: named, userId: owner, memberIds: [dan] })).toMatchObject({ notAdded });
      const lifted = await client().setBan({ roomId, actorId: owner, userId: dan });
      expect(lifted.bannedUntil).toBeUndefined();
      await client().addMember({ roomId, userId: dan });
    });
  });

  describe("SendMessage", () => {
    test("keeps data, kind and mentions, and tells them to all", async () => {
      const bob = freshId();
      const { roomId, owner, asOwner } = await newRoom(client(), bob);
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
      await stream.live;
      const data: JsonObject = { files: [{ url: "https://example.com/a.png", bytes: 1.5e9 }], "": null };
      const sent = await client().sendMessage({ ...asOwner, body: "look", data, mentionedUserIds: [bob, owner] });
      expect(sent).toMatchObject({ data, kind: MessageKind.USER, mentionedUserIds: [bob, owner], createdSeq: 1n });
      const system = { roomId, body: "shipped", kind: MessageKind.SYSTEM };
      const announced = await client().sendMessage(system);
      expect(announced).toMatchObject({ userId: 0n, kind: MessageKind.SYSTEM });
      const edited = await client().editMessage({ ...asOwner, messageId: sent.id, body: "look", data: {} });
      expect(edited).toMatchObject({ data: {}, editedAt: expect.anything() });
      expect(await stream.take(3)).toEqual([sent, announced, edited]);
      expect(await codeOf(client().sendMessage({ roomId, body: "whose?" }))).toBe("InvalidArgument");
      const stranger = client().sendMessage({ ...asOwner, body: "x", mentionedUserIds: [freshId()] });
      expect(await codeOf(stranger)).toBe("FailedPrecondition");
      const tooLong = { text: "x".repeat(9_000) };
      expect(await codeOf(client().sendMessage({ ...asOwner, body: "x", data: tooLong }))).toBe("InvalidArgument");
      const edit = { ...asOwner, messageId: sent.id, body: "x", data: tooLong };
      expect(await codeOf(client().editMessage(edit))).toBe("InvalidArgument");
    });
  });

  describe("a thread", () => {
    test("is told live: each reply, and what its first message counts", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const root = await send("root");
      await using stream = new TestStream(client(), { roomIds: [roomId], userId: owner });
      await stream.live;
      const reply = await send("reply", bob, root.id);
      const nested = await send("nested", owner, reply.id);
      const deleted = await client().deleteMessage({ roomId, messageId: reply.id, userId: bob });
      expect([reply.threadId, nested.threadId, deleted.threadId]).toEqual([root.id, root.id, root.id]);
      const changes = await stream.take(6);
      expect(changes.filter(({ id }) => id !== root.id)).toEqual([reply, nested, deleted]);
      const counts = changes
        .filter(({ id }) => id === root.id)
        .map(({ replyCount, createdSeq }) => [replyCount, createdSeq]);
      expect(counts).toEqual([1, 2, 1].map((count) => [count, root.seq]));
      const list = { roomId, userId: bob, threadId: root.id };
      expect((await client().listMessages(list)).messages).toEqual([deleted, nested]);
      expect(await codeOf(client().listMessages({ ...list, threadId: freshId() }))).toBe("NotFound");
    });
  });
}

/** The code of a refusal, and what its details say to a program. */
async function refusalOf(call: Promise<unknown>): Promise<[Code, string?, string?, number?]> {
  const error = await call.then(() => expect.unreachable("the call succeeded"), ConnectError.from);
  const [info] = error.findDetails(ErrorInfoSchema);
  return [error.code, info?.reason, info?.metadata.until, error.findDetails(RetryInfoSchema).length];
}
