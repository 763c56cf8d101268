import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { GRACE_MS } from "../../src/chat/presence.ts";
import { RoomPresence, visitText } from "../../src/workers/room-presence.ts";
import { freshId } from "../support/fresh-id.ts";
import { newRoom } from "../support/rooms.ts";
import { TestEvents } from "../support/test-stream.ts";
import { client } from "./client.workerd.ts";

/** A new room, its object, and readers that are told who is here. */
async function newPresence() {
  const bob = freshId();
  const { roomId, owner, send } = await newRoom(client, bob);
  const object = env.ROOMS.getByName(`${roomId}`);
  const follow = (userId: bigint) => new TestEvents(client, { roomIds: [roomId], userId, presence: true });
  return { roomId, owner, bob, send, object, follow };
}

describe("who is here in a room object", () => {
  test("survives its sleep", async () => {
    const { roomId, owner, bob, object, follow } = await newPresence();
    await using feed = follow(owner);
    await feed.untilHere(roomId, owner);
    await evictDurableObject(object);
    await using _ = follow(bob);
    await feed.untilHere(roomId, owner, bob);
    const { users, count } = await client.listPresence({ roomId, userId: bob });
    expect([users.map(({ userId }) => userId), count]).toEqual([[owner, bob], 2]);
  });

  test("[N1] who is back soon has not been away, nor lost the place among the others", async () => {
    const { roomId, owner, bob, follow } = await newPresence();
    const first = follow(owner);
    await first.untilHere(roomId, owner);
    await using feed = follow(bob);
    await feed.untilHere(roomId, owner, bob);
    await first[Symbol.asyncDispose]();
    await setTimeout(GRACE_MS / 2);
    const { users } = await client.listPresence({ roomId, userId: bob, userIds: [owner] });
    expect(users).toMatchObject([{ userId: owner, isHere: true }]);
    await using _ = follow(owner);
    await setTimeout(2 * GRACE_MS);
    const told = feed.all("presence");
    expect(told.filter(({ userIds }) => !userIds.includes(owner))).toEqual([]);
    expect(told.at(-1)!.userIds).toEqual([owner, bob]);
    expect(told.length, "nobody is told that nothing has changed").toBeLessThanOrEqual(2);
  });

  test("[N3] is told anew when the object has lost its sockets", async () => {
    const { roomId, owner, bob, object, follow } = await newPresence();
    await using feed = follow(owner);
    await feed.untilHere(roomId, owner);
    await using other = follow(bob);
    await feed.untilHere(roomId, owner, bob);
    await evictDurableObject(object, { webSockets: "close" });
    const told = [feed, other].map((each) => each.all("presence").length);
    await Promise.all(
      [feed, other].map((each, i) => each.until(() => each.all("presence").slice(told[i]).at(-1)?.count === 2)),
    );
  });

  test("[N3] ends with a socket that has fallen silent", async () => {
    const { roomId, owner, bob, object, follow } = await newPresence();
    await using feed = follow(owner);
    await feed.untilHere(roomId, owner);
    // A Worker that doesn't ping any more: its last word was a while ago.
    const { webSocket } = await object.fetch("https://object/", { headers: { upgrade: "websocket" } });
    webSocket!.accept();
    webSocket!.send(visitText({ roomId, userId: bob, watches: false }));
    await feed.untilHere(roomId, owner, bob);
    await runInDurableObject(object, (_, state) => {
      for (const socket of state.getWebSockets()) {
        const visit = socket.deserializeAttachment();
        if (visit.userId === bob) socket.serializeAttachment({ ...visit, openedAt: Date.now() - 25_000 });
      }
    });
    expect(await runDurableObjectAlarm(object)).toBe(true);
    await feed.untilHere(roomId, owner);
    expect(await runDurableObjectAlarm(object), "it looks again").toBe(true);
    await expect
      .poll(async () => (await client.listPresence({ roomId, userId: owner, userIds: [bob] })).users[0]!.lastSeenAt)
      .toBeDefined();
  });

  test("[N3] lists nobody by a socket that has fallen silent, also where nobody is told", async () => {
    const { roomId, owner, bob, object } = await newPresence();
    const { webSocket } = await object.fetch("https://object/", { headers: { upgrade: "websocket" } });
    webSocket!.accept();
    webSocket!.send(visitText({ roomId, userId: bob, watches: false }));
    const count = async () => (await client.listPresence({ roomId, userId: owner })).count;
    await expect.poll(count).toBe(1);
    await runInDurableObject(object, (_, state) => {
      const [socket] = state.getWebSockets();
      socket!.serializeAttachment({ ...socket!.deserializeAttachment(), openedAt: Date.now() - 25_000 });
    });
    expect(await count()).toBe(0);
  });

  test("[N1] is told at most once a second, to the first hundred by their arrival", async () => {
    const { roomId, owner, object, follow } = await newPresence();
    await using feed = follow(owner);
    await feed.untilHere(roomId, owner);
    const before = feed.all("presence").length;
    const began = Date.now();
    const sockets: WebSocket[] = [];
    for (let i = 0; i < 150; i++) {
      const { webSocket } = await object.fetch("https://object/", { headers: { upgrade: "websocket" } });
      webSocket!.accept();
      webSocket!.send(visitText({ roomId, userId: BigInt(1_000 + i), watches: false }));
      sockets.push(webSocket!);
    }
    await feed.until(() => feed.all("presence").at(-1)?.count === 151);
    const told = feed.all("presence");
    expect(told.length - before).toBeLessThanOrEqual(2 + (Date.now() - began) / 1_000);
    expect(told.at(-1)!.userIds).toHaveLength(100);
    expect(told.at(-1)!.userIds[0]).toBe(owner);
    for (const socket of sockets) socket.close();
    await feed.untilHere(roomId, owner);
  });

  test("looks for nothing where nobody is told", async () => {
    const { roomId, owner, object } = await newPresence();
    await using feed = new TestEvents(client, { roomIds: [roomId], userId: owner });
    await feed.live;
    expect(await runDurableObjectAlarm(object)).toBe(false);
  });

  test("takes nothing that is no visit", async () => {
    const { object } = await newPresence();
    await runInDurableObject(object, async (_, state) => {
      const presence = new RoomPresence(
        state,
        () => ({ seq: 0n, memberSeq: 0n }),
        async () => {},
      );
      const { 0: socket } = new WebSocketPair();
      for (const text of ["here", "here 1 2", "here 1 -2 1", "here 1 2 3", "x here 1 2 1"]) {
        await presence.hear(socket as WebSocket, text);
      }
      expect(presence.list([]).count).toBe(0);
    });
  });
});
