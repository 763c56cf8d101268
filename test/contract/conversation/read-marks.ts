import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { newRoom } from "../../support/rooms.ts";
import { TestEvents } from "../../support/test-stream.ts";

export function readMarks(client: () => ChatClient): void {
  const mark = (roomId: bigint, userId: bigint, messageId: bigint) => client().markRead({ roomId, userId, messageId });

  /** A room with members besides its owner, and some messages. */
  async function roomOf(others: number, messages: number) {
    const users = Array.from({ length: others }, () => freshId());
    const room = await newRoom(client());
    const { roomId, send } = room;
    for (let added = 0; added < others; added += 20) {
      await Promise.all(users.slice(added, added + 20).map((userId) => client().addMember({ roomId, userId })));
    }
    const ids = [];
    for (let i = 0; i < messages; i++) ids.push((await send(`${i}`)).id);
    return { ...room, users, ids };
  }

  describe("read positions", () => {
    test.concurrent("are told at most once a second in a room, the first at once, the last as they are", async () => {
      const { roomId, owner, users, ids } = await roomOf(4, 5);
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await feed.live;
      const began = Date.now();
      await mark(roomId, users[0]!, ids[0]!);
      await feed.untilRead(roomId, users[0]!, ids[0]!);
      expect(Date.now() - began, "the first").toBeLessThan(900);
      await Promise.all(
        users.map(async (userId) => {
          for (const id of ids) await mark(roomId, userId, id);
        }),
      );
      const seconds = (Date.now() - began) / 1_000;
      await feed.until(() => users.every((userId) => feed.positions(roomId).get(userId) === ids.at(-1)));
      expect(feed.all("readMoved").length).toBeLessThanOrEqual(2 + Math.ceil(seconds));
      for (const userId of users) {
        const told = feed.all("readMoved").flatMap(({ readMessageIds }) => readMessageIds[`${userId}`] ?? []);
        expect(told).toEqual([...new Set(told)].sort((a, b) => Number(a - b)));
      }
      expect(feed.facts).toEqual([]);
    });

    test.concurrent("that don't move are not told, and neither are those of other rooms", async () => {
      const { roomId, owner, users, ids } = await roomOf(2, 3);
      const elsewhere = await roomOf(1, 1);
      const [bob, cat] = users as [bigint, bigint];
      await mark(roomId, bob, ids[1]!);
      await using feed = new TestEvents(client(), { roomIds: [roomId], userId: owner, after: { [`${roomId}`]: {} } });
      await feed.untilRead(roomId, bob, ids[1]!);
      await mark(roomId, bob, ids[0]!);
      await mark(roomId, bob, ids[1]!);
      await mark(elsewhere.roomId, elsewhere.users[0]!, elsewhere.ids[0]!);
      const told = feed.all("readMoved").length;
      await mark(roomId, cat, ids[2]!);
      await feed.untilRead(roomId, cat, ids[2]!);
      const fresh = feed.all("readMoved").slice(told);
      expect(fresh).toMatchObject([{ roomId, readMessageIds: { [`${cat}`]: ids[2] } }]);
      expect(feed.positions(elsewhere.roomId).size).toBe(0);
    });

    test.concurrent("[P3] are right again once who was away has caught up, also if nothing else happened", async () => {
      const { roomId, owner, users, ids } = await roomOf(2, 3);
      const [bob, cat] = users as [bigint, bigint];
      const at = async () => (await client().listMessages({ roomId, userId: owner })).head!;
      const resume = (after: Awaited<ReturnType<typeof at>>) => {
        return new TestEvents(client(), { roomIds: [roomId], userId: owner, after: { [`${roomId}`]: after } });
      };
      await mark(roomId, bob, ids[0]!);
      const before = await at();
      await mark(roomId, bob, ids[1]!);
      await mark(roomId, cat, ids[2]!);
      {
        await using feed = resume(before);
        await feed.until(() => feed.positions(roomId).size === 2);
        expect(feed.positions(roomId)).toEqual(
          new Map([
            [bob, ids[1]],
            [cat, ids[2]],
          ]),
        );
        expect(feed.facts).toEqual([]);
      }
      const message = await client().sendMessage({ roomId, userId: bob, body: "and another" });
      await mark(roomId, bob, message.id);
      {
        await using feed = resume(before);
        await feed.untilAt(roomId, await at());
        expect(feed.positions(roomId)).toEqual(
          new Map([
            [bob, message.id],
            [cat, ids[2]],
          ]),
        );
        expect(feed.facts).toEqual([{ case: "message", value: message }]);
      }
    });

    test.concurrent("[P5] of a room of more than 100 members are told to the reader itself only", async () => {
      const { roomId, owner, users, ids } = await roomOf(99, 2);
      const [bob, cat] = users as [bigint, bigint];
      const from = { roomIds: [roomId], after: { [`${roomId}`]: { seq: 2n, memberSeq: 100n } } };
      await using ofOwner = new TestEvents(client(), { ...from, userId: owner });
      await using ofBob = new TestEvents(client(), { ...from, userId: bob });
      await Promise.all([ofOwner.live, ofBob.live]);
      await mark(roomId, cat, ids[0]!);
      await Promise.all([ofOwner, ofBob].map((feed) => feed.untilRead(roomId, cat, ids[0]!)));

      await client().addMember({ roomId, userId: freshId() });
      await Promise.all([ofOwner, ofBob].map((feed) => feed.takeOf("memberAdded", 1)));
      await mark(roomId, cat, ids[1]!);
      await mark(roomId, bob, ids[1]!);
      await ofBob.untilRead(roomId, bob, ids[1]!);
      await mark(roomId, owner, ids[1]!);
      await ofOwner.untilRead(roomId, owner, ids[1]!);
      for (const feed of [ofOwner, ofBob]) expect(feed.positions(roomId).get(cat)).toBe(ids[0]);
      expect(ofOwner.positions(roomId).has(bob)).toBe(false);
      expect(ofBob.positions(roomId).has(owner)).toBe(false);

      await using back = new TestEvents(client(), { ...from, userId: owner });
      await back.untilAt(roomId, { seq: 2n, memberSeq: 101n });
      await mark(roomId, owner, (await client().sendMessage({ roomId, userId: bob, body: "fence" })).id);
      await back.takeOf("message", 1);
      expect([...back.positions(roomId).keys()].filter((userId) => userId !== owner)).toEqual([]);
    });

    test.concurrent("reach who was removed neither before nor after being added again", async () => {
      const { roomId, owner, users, ids } = await roomOf(2, 2);
      const [bob, cat] = users as [bigint, bigint];
      await using ofCat = new TestEvents(client(), { roomIds: [roomId], userId: cat });
      await using ofOwner = new TestEvents(client(), { roomIds: [roomId], userId: owner });
      await Promise.all([ofCat.live, ofOwner.live]);
      await client().removeMember({ roomId, userId: cat, actorId: owner });
      await mark(roomId, bob, ids[1]!);
      await ofOwner.untilRead(roomId, bob, ids[1]!);
      await client().addMember({ roomId, userId: cat });
      await mark(roomId, owner, ids[1]!);
      await ofOwner.untilRead(roomId, owner, ids[1]!);
      await ofCat.takeOf("memberRemoved", 1);
      expect(ofCat.positions(roomId).size).toBe(0);
    });
  });
}
