import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { bodies, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

export function epoch(client: () => ChatClient): void {
  /** Two rooms with a message in each, their member, and the head of the first. */
  async function twoRooms() {
    const bob = freshId();
    const [one, two] = [await newRoom(client(), bob), await newRoom(client(), bob)];
    for (const { send } of [one, two]) await send("told");
    const { head } = await client().listMessages({ roomId: one.roomId, userId: bob });
    return { bob, one, two, head: head!, roomIds: [one.roomId, two.roomId] };
  }

  describe("[P3] the epoch", () => {
    test("comes with every cursor, and is the same in all of them", async () => {
      const { bob, one, roomIds, head } = await twoRooms();
      expect(head.epoch).toMatch(/^.{1,32}$/);
      const lost = await newRoom(client(), bob);
      const after = { [`${one.roomId}`]: {}, [`${lost.roomId}`]: { seq: 9n } };
      const from = { roomIds: [...roomIds, lost.roomId], userId: bob, after, heartbeatSeconds: 1 };
      await using feed = new TestEvents(client(), from);
      await feed.takeOf("heartbeat", 1);
      await feed.takeOf("caughtUp", 2);
      const { rooms } = await client().listRooms({ userId: bob });
      const cursors = [
        ...rooms.map(({ head }) => head!),
        ...[...feed.all("caughtUp"), ...feed.all("heartbeat")].flatMap(({ cursors }) => Object.values(cursors)),
        ...feed.all("reset").map(({ cursor }) => cursor!),
      ];
      expect(cursors.length).toBeGreaterThanOrEqual(3 + 3 + 3 + 3 + 1);
      expect(new Set(cursors.map(({ epoch }) => epoch))).toEqual(new Set([head.epoch]));
    });

    test("StreamMessage takes the database's own, or none; another one is OUT_OF_RANGE, before anything is delivered", async () => {
      const { bob, one, two, roomIds, head } = await twoRooms();
      const afterSeq = { [`${one.roomId}`]: 0n };
      for (const epoch of [head.epoch, ""]) {
        await using stream = new TestStream(client(), { roomIds, userId: bob, afterSeq, epoch });
        expect(bodies(await stream.take(1))).toEqual(["told"]);
      }
      await using refused = new TestStream(client(), { roomIds, userId: bob, afterSeq, epoch: "another" });
      expect(Code[(await refused.ended)!.code]).toBe("OutOfRange");
      expect(refused.received).toEqual([]);
      expect(two.roomId).toBeGreaterThan(one.roomId);
    });

    test("StreamEvents takes the database's own, or none; another one is a reset of its room", async () => {
      const { bob, one, two, roomIds, head } = await twoRooms();
      const [lost, kept] = [`${one.roomId}`, `${two.roomId}`];
      for (const epoch of [head.epoch, ""]) {
        const after = { [lost]: { memberSeq: 2n, epoch: "another" }, [kept]: { memberSeq: 2n, epoch } };
        await using feed = new TestEvents(client(), { roomIds, userId: bob, after });
        expect((await feed.take(2)).map(({ event }) => event)).toMatchObject([
          { case: "caughtUp", value: { cursors: { [lost]: head, [kept]: { seq: 0n, memberSeq: 2n } } } },
          { case: "reset", value: { roomId: one.roomId, cursor: head } },
        ]);
        expect(await feed.takeOf("message", 1)).toMatchObject([{ roomId: two.roomId, body: "told" }]);
        const live = await one.send("live");
        expect(await feed.takeOf("message", 2)).toMatchObject([{ roomId: two.roomId }, live]);
        head.seq = live.seq;
      }
    });

    test("[P5] tells strangers nothing: they get NOT_FOUND, whatever they say", async () => {
      const { one, roomIds } = await twoRooms();
      const stranger = { roomIds, userId: freshId() };
      const key = `${one.roomId}`;
      await using stream = new TestStream(client(), { ...stranger, afterSeq: { [key]: 0n }, epoch: "another" });
      await using feed = new TestEvents(client(), { ...stranger, after: { [key]: { epoch: "another" } } });
      for (const { ended } of [stream, feed]) expect(Code[(await ended)!.code]).toBe("NotFound");
      expect([...stream.received, ...feed.received]).toEqual([]);
    });
  });
}
