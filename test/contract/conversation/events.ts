import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Message } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { bodies, codeOf, expectDense, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

export function events(client: () => ChatClient): void {
  describe("StreamEvents", () => {
    test("begins with caught_up and where it starts; without a cursor, that is now", async () => {
      const bob = freshId();
      const { roomId, send } = await newRoom(client(), bob);
      const [first, second] = [await send("first"), await send("second")];
      await using live = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await using all = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: {} } });
      const at = (seq: bigint, memberSeq: bigint) => {
        return { event: { case: "caughtUp", value: { cursors: { [`${roomId}`]: { seq, memberSeq } } } } };
      };
      expect(await live.take(1)).toMatchObject([at(2n, 2n)]);
      const [begin, ...facts] = await all.take(6);
      const end = facts.pop();
      expect([begin, end]).toMatchObject([at(0n, 0n), at(2n, 2n)]);
      expect(facts.map(({ event }) => event.case)).toEqual(["memberAdded", "memberAdded", "message", "message"]);
      expect(all.all("message")).toEqual([first, second]);
      const third = await send("third");
      expect(await all.takeOf("message", 3)).toEqual([first, second, third]);
      expect((await live.take(2))[1]!.event).toEqual({ case: "message", value: third });
    });

    test("[P3] tells everything that happens, in its order", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, owner, send } = await newRoom(client(), bob);
      await using one = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await using two = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await Promise.all([one.live, two.live]);
      const sent = await send("sent");
      await Promise.all([one.takeFacts(1), two.takeFacts(1)]);
      const expected = [
        { case: "message", value: sent },
        { case: "memberAdded", value: await client().addMember({ roomId, userId: cat }) },
        { case: "message", value: await send("reply", cat, sent.id) },
        { case: "message", value: expect.objectContaining({ id: sent.id, replyCount: 1 }) },
        {
          case: "message",
          value: await client().editMessage({ roomId, messageId: sent.id, userId: owner, body: "edited" }),
        },
        { case: "message", value: await client().deleteMessage({ roomId, messageId: sent.id, userId: owner }) },
        { case: "memberRemoved", value: await client().removeMember({ roomId, userId: cat, actorId: owner }) },
        { case: "memberAdded", value: await client().addMember({ roomId, userId: cat }) },
        { case: "message", value: await send("last") },
      ];
      expect(await one.takeFacts(expected.length)).toEqual(expected);
      expect(await two.takeFacts(expected.length)).toEqual(expected);
      expectDense(one.all("message"));
    });

    test("what changes nothing is no event", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      const message = await send("message");
      await client().markRead({ roomId, userId: bob, messageId: message.id });
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await feed.live;
      await client().editMessage({ roomId, messageId: message.id, userId: owner, body: "message" });
      await client().markRead({ roomId, userId: bob, messageId: message.id });
      await client()
        .addMember({ roomId, userId: bob })
        .catch(() => {});
      await client()
        .removeMember({ roomId, userId: owner, actorId: bob })
        .catch(() => {});
      await client()
        .editMessage({ roomId, messageId: message.id, userId: bob, body: "not bob's" })
        .catch(() => {});
      await client().transferOwnership({ roomId, userId: owner, actorId: owner });
      await client().updateRoom({ roomId, actorId: owner, name: "" });
      const fence = await send("fence");
      expect(await feed.takeFacts(1)).toEqual([{ case: "message", value: fence }]);
    });

    test("[P3] who was away learns of every message and member that changed, once, in its latest state", async () => {
      const [bob, cat, dan, eve] = [freshId(), freshId(), freshId(), freshId()];
      const { roomId, owner, send } = await newRoom(client(), bob, eve);
      const [edited, deleted, kept] = [await send("edited"), await send("deleted"), await send("kept")];
      const { head } = await client().listMessages({ roomId, userId: bob });

      const edit = (body: string, messageId = edited.id) => {
        return client().editMessage({ roomId, messageId, userId: owner, body });
      };
      await edit("edited once");
      const sent = await send("sent");
      await client().addMember({ roomId, userId: cat });
      await client().deleteMessage({ roomId, messageId: deleted.id, userId: owner });
      await client().addMember({ roomId, userId: dan });
      await client().markRead({ roomId, userId: cat, messageId: sent.id });
      await client().removeMember({ roomId, userId: dan, actorId: owner });
      await client().removeMember({ roomId, userId: eve, actorId: owner });
      await client().addMember({ roomId, userId: eve });
      await edit("sent, then edited", sent.id);
      await edit("edited twice");

      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: bob, after: { [`${roomId}`]: head! } });
      await using stream = new TestStream(client(), {
        roomIds: [roomId],
        userId: bob,
        afterSeq: { [`${roomId}`]: head!.seq },
      });
      const now = await client().listMessages({ roomId, userId: bob });
      await feed.untilAt(roomId, now.head!);
      const changed = now.messages.filter(({ id }) => id !== kept.id).sort((a, b) => Number(a.seq - b.seq));
      expect(bodies(changed)).toEqual(["", "sent, then edited", "edited twice"]);
      expect(feed.all("message")).toEqual(changed);
      expect(await stream.take(3)).toEqual(changed);
      expect(feed.all("memberAdded").map(({ userId }) => userId)).toEqual([cat, eve]);
      expect(feed.all("memberAdded")[0]).toMatchObject({ readMessageId: sent.id });
      expect(feed.positions(roomId), "eve has what was there when she joined").toEqual(
        new Map([
          [cat, sent.id],
          [eve, sent.id],
        ]),
      );
      expect(feed.all("memberRemoved")).toMatchObject([{ userId: dan }]);
      expect(feed.facts).toHaveLength(6);
      const live = await send("live");
      expect((await feed.takeFacts(7))[6]).toEqual({ case: "message", value: live });
      expect((await stream.take(4))[3]).toEqual(live);
    });

    test("[P3] who comes back is told when it has caught up, whoever else follows the room", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const { head } = await client().listMessages({ roomId, userId: owner });
      await using other = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await other.live;
      const sent = [await send("1"), await send("2")];
      await other.takeOf("message", 2);
      await using feed = new TestEvents(client(), {
        roomIds: [roomId],
        userId: owner,
        after: { [`${roomId}`]: head! },
      });
      const [, now] = await feed.takeOf("caughtUp", 2);
      expect(now!.cursors[`${roomId}`]).toEqual({ ...head, seq: 2n });
      expect(feed.all("message")).toEqual(sent);
    });

    test("[P3] a long log, and what changes while it is read, ends in the state of the tables", async () => {
      const { roomId, owner, sendMany } = await newRoom(client());
      await sendMany(300);
      const { messages } = await client().listMessages({ roomId, userId: owner, limit: 100 });
      const edits = messages.slice(0, 50).map(({ id }) => id);
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner, after: { [`${roomId}`]: {} } });
      await Promise.all(
        [
          ...edits.map((messageId) => client().editMessage({ roomId, messageId, userId: owner, body: "edited" })),
          ...edits.slice(25).map((messageId) => client().deleteMessage({ roomId, messageId, userId: owner })),
          sendMany(50),
        ].map((call) => call.catch(() => {})),
      );
      const { head } = await client().listMessages({ roomId, userId: owner });
      await feed.until(() => feed.all("message").at(-1)?.seq === head!.seq);
      const seqs = feed.all("message").map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => Number(a - b)));

      const state = new Map(feed.all("message").map((message) => [message.id, message]));
      const tables: Message[] = [];
      for (let [after, hasLater] = [0n, true]; hasLater; after = tables.at(-1)!.id) {
        const page = await client().listMessages({
          roomId,
          userId: owner,
          limit: 200,
          position: { case: "afterId", value: after },
        });
        tables.push(...page.messages);
        hasLater = page.hasLater;
      }
      expect(tables).toHaveLength(350);
      expect([...state.values()].sort((a, b) => Number(a.id - b.id))).toEqual(tables);
    });

    test("[P3] follows several rooms, each from its own cursor", async () => {
      const bob = freshId();
      const rooms = [await newRoom(client(), bob), await newRoom(client(), bob), await newRoom(client(), bob)];
      for (const { send } of rooms) await send("old");
      const [one, two, three] = rooms.map(({ roomId }) => `${roomId}`);
      const after = { [one!]: {}, [two!]: { seq: 1n, memberSeq: 1n } };
      await using feed = new TestEvents(client(), { roomIds: rooms.map(({ roomId }) => roomId), userId: bob, after });
      expect((await feed.takeOf("caughtUp", 1))[0]!.cursors).toMatchObject({
        [one!]: { seq: 0n, memberSeq: 0n },
        [two!]: { seq: 1n, memberSeq: 1n },
        [three!]: { seq: 1n, memberSeq: 2n },
      });
      await Promise.all(rooms.map(({ send }) => send("new")));
      const facts = Map.groupBy(await feed.takeFacts(7), ({ value }) => ("roomId" in value ? value.roomId : value.id));
      const told = rooms.map(({ roomId }) =>
        facts.get(roomId)!.map((fact) => (fact.case === "message" ? fact.value.body : fact.case)),
      );
      expect(told).toEqual([["memberAdded", "memberAdded", "old", "new"], ["memberAdded", "new"], ["new"]]);
    });

    test("a cursor beyond the head is a reset: the room starts at now, others at their cursors", async () => {
      const bob = freshId();
      for (const beyond of [{ seq: 2n, memberSeq: 1n }, { seq: 0n, memberSeq: 3n }, { seq: 2n ** 63n - 1n }]) {
        const [lost, kept] = [await newRoom(client(), bob), await newRoom(client(), bob)];
        await lost.send("not told");
        await kept.send("told");
        const after = { [`${lost.roomId}`]: beyond, [`${kept.roomId}`]: { memberSeq: 2n } };
        await using feed = new TestEvents(client(), { roomIds: [lost.roomId, kept.roomId], userId: bob, after });
        const cursor = { seq: 1n, memberSeq: 2n };
        expect((await feed.take(2)).map(({ event }) => event)).toMatchObject([
          { case: "caughtUp", value: { cursors: { [`${lost.roomId}`]: cursor } } },
          { case: "reset", value: { roomId: lost.roomId, cursor } },
        ]);
        expect(bodies(await feed.takeOf("message", 1))).toEqual(["told"]);
        await lost.send("live");
        expect(bodies(await feed.takeOf("message", 2))).toEqual(["told", "live"]);
        expect(feed.facts).toHaveLength(3);
      }
    });

    test.concurrent("heartbeats come at the interval asked for, with the heads", async () => {
      const bob = freshId();
      const { roomId, send } = await newRoom(client(), bob);
      await using asked = new TestEvents(client(), { roomIds: [roomId], userId: bob, heartbeatSeconds: 1 });
      await using seldom = new TestEvents(client(), { roomIds: [roomId], userId: bob });
      await Promise.all([asked.live, seldom.live]);
      await send("hello");
      const began = Date.now();
      const [first] = await asked.takeOf("heartbeat", 1);
      expect(first!.cursors).toMatchObject({ [`${roomId}`]: { seq: 1n, memberSeq: 2n } });
      await asked.takeOf("heartbeat", 2);
      expect(Date.now() - began).toBeGreaterThan(1_500);
      expect(Date.now() - began).toBeLessThan(4_000);
      expect(asked.all("heartbeat").length).toBeLessThanOrEqual(3);
      expect(seldom.all("heartbeat")).toEqual([]);
    });

    test.concurrent("typing is passed on at most once a second for each member, and not stored", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, owner, send } = await newRoom(client(), bob, cat);
      const from = { roomIds: [roomId], userId: owner };
      await using feed = new TestEvents(client(), from);
      await feed.live;
      const type = (userId: bigint) => client().sendTyping({ roomId, userId });
      const began = Date.now();
      await Promise.all([type(bob), type(bob), type(cat), type(bob)]);
      const typing = await feed.takeOf("typing", 2);
      expect(new Set(typing.map(({ userId }) => userId))).toEqual(new Set([bob, cat]));
      for (const { expiresAt } of typing) {
        expect(timestampMs(expiresAt!)).toBeGreaterThan(began);
        expect(timestampMs(expiresAt!)).toBeLessThan(began + 60_000);
      }
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      await Promise.all([type(bob), type(bob)]);
      const fence = await send("fence");
      await feed.takeOf("message", 1);
      expect(feed.all("typing").map(({ userId }) => userId)).toEqual([...typing.map(({ userId }) => userId), bob]);
      expect(await codeOf(type(freshId()))).toBe("NotFound");

      await using later = new TestEvents(client(), { ...from, after: { [`${roomId}`]: {} } });
      await later.untilAt(roomId, { seq: fence.seq, memberSeq: 3n });
      expect(later.all("typing")).toEqual([]);
      expect(later.all("message")).toEqual([fence]);
    });

    test.concurrent("typing tells how long to show it, and that the member has stopped", async () => {
      const bob = freshId();
      const { roomId, owner } = await newRoom(client(), bob);
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await feed.live;
      await client().sendTyping({ roomId, userId: bob });
      const [typing] = await feed.takeOf("typing", 1);
      await client().sendTyping({ roomId, userId: bob, stopped: true });
      const [, stopped] = await feed.takeOf("typing", 2);
      expect(typing).toMatchObject({ userId: bob, stopped: false, remaining: { seconds: 6n, nanos: 0 } });
      expect(stopped).toMatchObject({ userId: bob, stopped: true, remaining: { seconds: 0n, nanos: 0 } });
      await client().sendTyping({ roomId, userId: bob });
      expect((await feed.takeOf("typing", 3))[2]).toMatchObject({ userId: bob, stopped: false });
    });

    test("[P5] one foreign or unknown room refuses the whole stream, before anything is delivered", async () => {
      const { roomId, owner, send } = await newRoom(client());
      await send("secret of a member");
      for (const other of [(await newRoom(client())).roomId, freshId()]) {
        const request = { roomIds: [roomId, other], userId: owner, after: { [`${roomId}`]: {} } };
        await using feed = new TestEvents(client(), request);
        expect(Code[(await feed.ended)!.code]).toBe("NotFound");
        expect(feed.received).toEqual([]);
      }
    });
  });

  test("StreamMessage shows the same messages, and nothing else", async () => {
    const bob = freshId();
    const { roomId, owner, send } = await newRoom(client());
    await using stream = new TestStream(client(), { roomIds: [roomId], userId: owner });
    await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
    await Promise.all([stream.live, feed.live]);
    await client().addMember({ roomId, userId: bob });
    const sent = await send("sent");
    await Promise.all([stream.take(1), feed.takeOf("message", 1)]);
    await client().markRead({ roomId, userId: bob, messageId: sent.id });
    await client().sendTyping({ roomId, userId: bob });
    await client().editMessage({ roomId, messageId: sent.id, userId: owner, body: "edited" });
    await client().removeMember({ roomId, userId: bob, actorId: bob });
    await client().deleteMessage({ roomId, messageId: sent.id, userId: owner });
    expectDense(await stream.take(3));
    expect(await feed.takeOf("message", 3)).toEqual(stream.received);
    expect(bodies(stream.received)).toEqual(["sent", "edited", ""]);
  });
}
