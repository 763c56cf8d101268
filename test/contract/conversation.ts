import { Code } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { type ChatClient, chatClient, type Protocol } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { codeOf, errorOf, newRoom } from "../support/rooms.ts";
import { TestEvents, TestStream } from "../support/test-stream.ts";
import { epoch } from "./conversation/epoch.ts";
import { events } from "./conversation/events.ts";
import { everything } from "./conversation/everything.ts";
import { history } from "./conversation/history.ts";
import { liveList } from "./conversation/live-list.ts";
import { malformed } from "./conversation/malformed.ts";
import { members } from "./conversation/members.ts";
import { messages } from "./conversation/messages.ts";
import { presence } from "./conversation/presence.ts";
import { reactions } from "./conversation/reactions.ts";
import { readMarks } from "./conversation/read-marks.ts";
import { readState } from "./conversation/read-state.ts";
import { records } from "./conversation/records.ts";
import { roomList } from "./conversation/room-list.ts";
import { search } from "./conversation/search.ts";
import { silence, speech } from "./conversation/speech.ts";

/**
 * History, members, edits, read state and the feed of events; see runtimeContract(). All of it over the first protocol,
 * and over each of them what differs between protocols: every RPC, every kind of event, the ends of streams.
 */
export function conversationContract(url: () => string, protocols: readonly Protocol[]): void {
  describe("conversation", () => {
    for (const protocol of protocols) {
      describe(`over ${protocol}`, () => {
        let client: ChatClient;
        beforeAll(() => void (client = chatClient(protocol, url())));
        core(() => client);
        silence(() => client);
        if (protocol !== protocols[0]) return;
        for (const part of [
          history,
          records,
          roomList,
          members,
          messages,
          reactions,
          speech,
          readState,
          readMarks,
          liveList,
          events,
          presence,
          epoch,
          everything,
          search,
          malformed,
        ])
          part(() => client);
      });
    }
  });
}

function core(client: () => ChatClient): void {
  test("a conversation, by every RPC", async () => {
    const [ann, bob, postId] = [freshId(), freshId(), freshId()];
    const { id: roomId } = await client().createChatRoom({ postId, userId: ann });
    await client().addMember({ roomId, userId: bob });
    await using feed = new TestEvents(client(), { roomIds: [roomId], userId: bob });
    await using stream = new TestStream(client(), { roomIds: [roomId], userId: bob });
    await Promise.all([feed.live, stream.live]);

    const question = await client().sendMessage({ roomId, userId: ann, body: "helo?" });
    await Promise.all([feed.takeFacts(1), stream.take(1)]);
    const edited = await client().editMessage({ roomId, messageId: question.id, userId: ann, body: "hello?" });
    const reply = await client().sendMessage({ roomId, userId: bob, body: "hello!", replyToId: question.id });
    const slip = await client().sendMessage({ roomId, userId: ann, body: "my password is" });
    const deleted = await client().deleteMessage({ roomId, messageId: slip.id, userId: ann });
    await client().markRead({ roomId, userId: ann, messageId: reply.id });
    await feed.untilRead(roomId, ann, reply.id);
    await client().sendTyping({ roomId, userId: ann });

    const room = await client().getRoom({ room: { case: "postId", value: postId }, userId: bob });
    expect(room).toMatchObject({ id: roomId, ownerId: ann });
    const page = await client().listMessages({ roomId, userId: bob, position: { case: "afterId", value: 0n } });
    const root = page.messages[0]!;
    expect(root).toEqual({ ...edited, replyCount: 1, seq: 4n, updatedAt: root.updatedAt });
    expect(page.messages).toEqual([root, reply, deleted]);
    const { rooms } = await client().listRooms({ userId: bob });
    const head = { seq: 6n, memberSeq: 2n, epoch: expect.stringMatching(/./) };
    expect(rooms).toMatchObject([{ room, lastMessage: deleted, head, readMessageId: 0n, unreadCount: 1 }]);
    expect((await client().listMembers({ roomId, userId: bob })).members).toHaveLength(2);
    expect(await client().isMember({ roomId, userId: bob })).toMatchObject({ isMember: true });
    expect(await client().transferOwnership({ roomId, userId: bob, actorId: ann })).toMatchObject({ ownerId: bob });
    const updated = await client().updateRoom({ roomId, actorId: bob, name: "between us" });
    const left = await client().removeMember({ roomId, userId: ann, actorId: ann });
    expect(await codeOf(client().listMessages({ roomId, userId: ann }))).toBe("NotFound");

    const changes = [question, edited, reply, root, slip, deleted];
    expect(await stream.take(6)).toEqual(changes);
    expect(await feed.takeFacts(10)).toEqual([
      ...changes.map((value) => ({ case: "message", value })),
      { case: "typing", value: expect.objectContaining({ roomId, userId: ann }) },
      { case: "roomUpdated", value: expect.objectContaining({ id: roomId, ownerId: bob, memberSeq: 3n }) },
      { case: "roomUpdated", value: updated },
      { case: "memberRemoved", value: left },
    ]);

    await client().deleteRoom({ roomId, actorId: bob });
    expect(await feed.takeOf("roomDeleted", 1)).toMatchObject([{ roomId }]);
    expect(await stream.ended).toMatchObject({ code: Code.NotFound });
  });

  test("who was away resumes with what changed; who is removed is told so", async () => {
    const [bob, cat] = [freshId(), freshId()];
    const { roomId, owner, send } = await newRoom(client(), bob);
    const first = await send("first");
    const { head } = await client().listMessages({ roomId, userId: bob });
    const second = await send("second");
    const edited = await client().editMessage({ roomId, messageId: first.id, userId: owner, body: "the first" });
    const added = await client().addMember({ roomId, userId: cat });

    await using feed = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: head! } });
    await using stream = new TestStream(client(), {
      roomIds: [roomId],
      userId: bob,
      afterSeq: { [`${roomId}`]: head!.seq },
    });
    await feed.takeOf("caughtUp", 2);
    expect(feed.received.map(({ event }) => event).filter((event) => event.case !== "readMoved")).toMatchObject([
      { case: "caughtUp", value: { cursors: { [`${roomId}`]: { seq: 1n, memberSeq: 2n } } } },
      { case: "memberAdded", value: added },
      { case: "message", value: second },
      { case: "message", value: edited },
      { case: "caughtUp", value: { cursors: { [`${roomId}`]: { seq: 3n, memberSeq: 3n } } } },
    ]);
    // A membership begins with what is there already.
    await feed.untilRead(roomId, cat, second.id);
    expect(await stream.take(2)).toEqual([second, edited]);

    await client().removeMember({ roomId, userId: bob, actorId: owner });
    expect((await stream.ended)?.rawMessage).toBe(`no room ${roomId} with user ${bob} as a member`);
    expect(await feed.takeOf("memberRemoved", 1)).toMatchObject([{ roomId, userId: bob }]);
  });

  test("[P7] data that is too deep is refused, however deep it is", async () => {
    const ensure = (levels: number) => {
      const nested = JSON.parse("[".repeat(levels) + "]".repeat(levels));
      const room = { case: "key", value: `room ${freshId()}` } as const;
      return client().ensureRoom({ room, userId: freshId(), data: { nested } });
    };
    expect((await ensure(31)).isNew).toBe(true);
    for (const levels of [32, 60, 300]) {
      const { code, message } = await errorOf(ensure(levels));
      expect(`${levels}: ${code}`, message).toBe(`${levels}: InvalidArgument`);
    }
  });

  test("a room that can't be followed from a cursor starts at now", async () => {
    const { roomId, owner, send } = await newRoom(client());
    const after = { [`${roomId}`]: { seq: 7n, memberSeq: 1n } };
    await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner, after });
    const cursor = { seq: 0n, memberSeq: 1n };
    expect(await feed.takeFacts(1)).toMatchObject([{ case: "reset", value: { roomId, cursor } }]);
    const message = await send("now");
    expect(await feed.takeFacts(2)).toMatchObject([{}, { case: "message", value: message }]);
  });
}
