import { setTimeout } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { GRACE_MS } from "../../../src/chat/presence.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";
import { TestEvents } from "../../support/test-stream.ts";

/** How far the clocks of a service and of a test may be apart, in milliseconds. */
const CLOCKS_MS = 1_000;

export function presence(client: () => ChatClient): void {
  const follow = (roomId: bigint, userId: bigint, presence = true) => {
    return new TestEvents(client(), { roomIds: [roomId], userId, presence });
  };

  describe("presence", () => {
    test("is told to who asks: who is here, who comes and who goes", async () => {
      const [bob, cat] = [freshId(), freshId()];
      const { roomId, owner, send } = await newRoom(client(), bob, cat);
      await using feed = follow(roomId, owner);
      await feed.untilHere(roomId, owner);
      await using silent = follow(roomId, bob, false);
      await feed.untilHere(roomId, owner, bob);
      const came = Date.now();
      const third = follow(roomId, cat);
      await feed.untilHere(roomId, owner, bob, cat);
      await third.untilHere(roomId, owner, bob, cat);
      await using again = follow(roomId, bob);
      await again.untilHere(roomId, owner, bob, cat);
      await third[Symbol.asyncDispose]();
      await send("not all runtimes notice before they write to it that a reader has left");
      await feed.untilHere(roomId, owner, bob);
      await again.untilHere(roomId, owner, bob);
      expect(silent.all("presence")).toEqual([]);

      const { users, count } = await client().listPresence({ roomId, userId: owner });
      expect([users.map(({ userId, isHere }) => [userId, isHere]), count]).toEqual([
        [
          [owner, true],
          [bob, true],
        ],
        2,
      ]);
      const stranger = freshId();
      const known = await client().listPresence({ roomId, userId: bob, userIds: [cat, owner, stranger, cat] });
      expect(known.users).toMatchObject([{ userId: cat }, { userId: owner, isHere: true }]);
      expect(known.users[0]!.isHere).toBe(false);
      const lastSeenAt = async () => {
        return (await client().listPresence({ roomId, userId: bob, userIds: [cat] })).users[0]!.lastSeenAt;
      };
      await expect.poll(lastSeenAt).toBeDefined();
      const seen = timestampMs((await lastSeenAt())!);
      expect([seen >= came - CLOCKS_MS, seen <= Date.now() + CLOCKS_MS], `${seen}`).toEqual([true, true]);
      expect(await codeOf(client().listPresence({ roomId, userId: stranger }))).toBe("NotFound");
    });

    test("has not ended for who opens the stream again soon", async () => {
      const bob = freshId();
      const { roomId, owner, send } = await newRoom(client(), bob);
      await using feed = follow(roomId, owner);
      await feed.untilHere(roomId, owner);
      const first = follow(roomId, bob, false);
      await feed.untilHere(roomId, owner, bob);
      await first[Symbol.asyncDispose]();
      await send("not all runtimes notice before they write to it that a reader has left");
      await setTimeout(GRACE_MS / 2);
      await using again = follow(roomId, bob);
      await again.untilHere(roomId, owner, bob);
      await setTimeout(GRACE_MS);
      const told = feed.all("presence");
      const going = told.slice(told.findIndex(({ count }) => count === 2)).find(({ count }) => count < 2);
      expect(going).toBeUndefined();
    });

    test("ends with the membership, and with the room", async () => {
      const bob = freshId();
      const { roomId, owner } = await newRoom(client(), bob);
      await using mine = follow(roomId, owner);
      await mine.untilHere(roomId, owner);
      await using his = follow(roomId, bob);
      await mine.untilHere(roomId, owner, bob);
      await client().removeMember({ roomId, userId: bob, actorId: owner });
      await mine.untilHere(roomId, owner);
      await his.takeOf("memberRemoved", 1);
      const told = his.received.length;
      await client().deleteRoom({ roomId, actorId: owner });
      await mine.takeOf("roomDeleted", 1);
      expect(his.received.slice(told).filter(({ event }) => event.case === "presence")).toEqual([]);
      expect(await codeOf(client().listPresence({ roomId, userId: owner }))).toBe("NotFound");
    });

    test("is of each room of a stream", async () => {
      const bob = freshId();
      const [one, two] = [await newRoom(client(), bob), await newRoom(client(), bob)];
      await using feed = new TestEvents(client(), { roomIds: [one.roomId, two.roomId], userId: bob, presence: true });
      await feed.untilHere(one.roomId, bob);
      await feed.untilHere(two.roomId, bob);
      await using _ = follow(two.roomId, two.owner, false);
      await feed.untilHere(two.roomId, bob, two.owner);
      expect(feed.all("presence").filter(({ roomId }) => roomId === one.roomId)).toHaveLength(1);
    });
  });
}
