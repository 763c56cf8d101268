import { expect, test } from "vitest";
import { Inbox } from "../../src/chat/inbox.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { broadcasterContract } from "../contract/broadcaster.ts";
import { testNews } from "../support/memory-log.ts";

broadcasterContract("MemoryBroadcaster", async () => {
  const broadcaster = new MemoryBroadcaster();
  return { publisher: broadcaster, subscriber: broadcaster, [Symbol.asyncDispose]: async () => {} };
});

test("10,000 readers that came and left leave nothing behind", async () => {
  const broadcaster = new MemoryBroadcaster();
  for (let i = 0; i < 10_000; i++) {
    const rooms = [BigInt(i % 7), BigInt(i)];
    await using _ = await broadcaster.subscribe(rooms, new Inbox());
    expect(broadcaster.size).toBe(new Set(rooms).size);
  }
  expect(broadcaster.size).toBe(0);
});

test("all readers of a room share the same news, so that they can be encoded once", async () => {
  const broadcaster = new MemoryBroadcaster();
  const inboxes = [new Inbox(), new Inbox()];
  for (const inbox of inboxes) await broadcaster.subscribe([1n], inbox);
  const news = testNews(1n, 1, 3);
  broadcaster.publish(news);
  for (const inbox of inboxes) expect(inbox.take().news[0]).toBe(news);
});
