import { expect, test } from "vitest";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { broadcasterContract } from "../contract/broadcaster.ts";
import { Heard } from "../support/heard.ts";
import { testNews } from "../support/memory-log.ts";

broadcasterContract("MemoryBroadcaster", async () => {
  const broadcaster = new MemoryBroadcaster();
  return { publisher: broadcaster, subscriber: broadcaster, [Symbol.asyncDispose]: async () => {} };
});

test("10,000 listeners that came and left leave nothing behind", async () => {
  const broadcaster = new MemoryBroadcaster();
  await using _ = await broadcaster.subscribe(0n, new Heard());
  for (let i = 0; i < 10_000; i++) {
    const room = BigInt(i % 7);
    await using _ = await broadcaster.subscribe(room, new Heard());
    expect(broadcaster.size).toBe(room === 0n ? 1 : 2);
  }
  expect(broadcaster.size).toBe(1);
});

test("all who hear of a room share the same news, so that they can be encoded once", async () => {
  const broadcaster = new MemoryBroadcaster();
  const listeners = [new Heard(), new Heard()];
  for (const listener of listeners) await broadcaster.subscribe(1n, listener);
  const news = testNews(1n, 1, 3);
  broadcaster.publish(news);
  for (const listener of listeners) expect(listener.news[0]).toBe(news);
});
