import { describe, expect, test } from "vitest";
import type { Publisher, Subscriber } from "../../src/chat/broadcaster.ts";
import { Heard } from "../support/heard.ts";
import { AUTHOR, MemoryLog, testNews } from "../support/memory-log.ts";

export interface BroadcasterParts extends AsyncDisposable {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  /** Breaks what connects the two. Absent where nothing can break. */
  readonly breakLink?: () => Promise<void>;
}

/**
 * The rules of Publisher and Subscriber in src/chat/broadcaster.ts, for anything that implements them. Delivery may take
 * time, so every test waits for something that has to come; what must not come is looked for after a witness has it.
 */
export function broadcasterContract(name: string, create: () => Promise<BroadcasterParts>): void {
  describe(`${name} is a broadcaster`, { timeout: 10_000 }, () => {
    const room = 11n;
    const otherRoom = 22n;

    test("[B1] publishing to a room nobody follows does nothing", async () => {
      await using parts = await create();
      expect(parts.publisher.publish(testNews(room, 1))).toBeUndefined();
    });

    test("[B1] a listener that throws is nothing to the publisher, nor to the others", async () => {
      await using parts = await create();
      const broken = {
        hear() {
          throw new Error("can't hear");
        },
        hearHead() {},
        miss() {},
      };
      const [before, after] = [new Heard(), new Heard()];
      await using _before = await parts.subscriber.subscribe(room, before);
      await using _broken = await parts.subscriber.subscribe(room, broken);
      await using _after = await parts.subscriber.subscribe(room, after);
      for (let seq = 1; seq <= 3; seq++) {
        const news = testNews(room, seq);
        expect(parts.publisher.publish(news)).toBeUndefined();
        await Promise.all([before.all([news]), after.all([news])]);
      }
    });

    test("[B2] what is published after subscribe() resolved arrives", async () => {
      await using parts = await create();
      const listener = new Heard();
      await using _ = await parts.subscriber.subscribe(room, listener);
      const news = testNews(room, 1, 3);
      parts.publisher.publish(news);
      await listener.all([news]);
    });

    test("[B2] all news of a burst arrive, whole", async () => {
      await using parts = await create();
      const listener = new Heard();
      await using _ = await parts.subscriber.subscribe(room, listener);
      const burst = Array.from({ length: 200 }, (_, i) => testNews(room, 3 * i + 1, 3 * i + 3));
      for (const news of burst) parts.publisher.publish(news);
      await listener.all(burst);
    });

    test("[B2] one listener may follow several rooms, several listeners one room", async () => {
      await using parts = await create();
      const listeners = [new Heard(), new Heard(), new Heard()];
      await using subscriptions = new AsyncDisposableStack();
      for (const listener of listeners) {
        for (const each of [room, otherRoom]) subscriptions.use(await parts.subscriber.subscribe(each, listener));
      }
      const all = [testNews(room, 1, 2), testNews(otherRoom, 1), testNews(room, 3)];
      for (const news of all) parts.publisher.publish(news);
      for (const listener of listeners) await listener.all(all);
    });

    test("[B2] holds for each of many that subscribe at the same time", async () => {
      await using parts = await create();
      const listeners = Array.from({ length: 50 }, () => new Heard());
      await using subscriptions = new AsyncDisposableStack();
      await Promise.all(
        listeners.map(async (listener, i) => {
          subscriptions.use(await parts.subscriber.subscribe(room, listener));
          const news = testNews(room, i + 1);
          parts.publisher.publish(news);
          await listener.all([news]);
        }),
      );
    });

    test("[B2] news arrive as they were published", async () => {
      await using parts = await create();
      const listener = new Heard();
      await using _ = await parts.subscriber.subscribe(room, listener);
      const [typist, great] = [2n, 9_007_199_254_740_993n];
      const log = new MemoryLog(1n, typist, great);
      log.append(room);
      const all = [
        log.change(room, { kind: "send" }, { kind: "edit", nth: 0 }, { kind: "read", userId: great }),
        log.change(room, { kind: "remove", userId: 1n }, { kind: "add", userId: 1n }),
        log.typing(room, typist),
        log.change(room, { kind: "read", userId: AUTHOR }),
      ];
      all[0]!.messages[0]!.body = "größer als 2⁵³ 😀";
      all[3]!.readsArePrivate = true;
      for (const news of all) parts.publisher.publish(news);
      await listener.until(() => listener.news.length >= all.length || listener.misses > 0);
      if (listener.misses === 0) expect(listener.news).toEqual(all);
    });

    test("[B3] news of other rooms are not heard", async () => {
      await using parts = await create();
      const [listener, witness] = [new Heard(), new Heard()];
      await using _listener = await parts.subscriber.subscribe(room, listener);
      await using _witness = await parts.subscriber.subscribe(otherRoom, witness);
      const [mine, others] = [testNews(room, 1), testNews(otherRoom, 1, 5)];
      parts.publisher.publish(others);
      await witness.all([others]);
      parts.publisher.publish(mine);
      await listener.all([mine]);
      expect(listener.news.filter(({ roomId }) => roomId !== room)).toEqual([]);
    });

    test("[B4] disposing ends a subscription, and no other one", async () => {
      await using parts = await create();
      const [listener, witness] = [new Heard(), new Heard()];
      const subscription = await parts.subscriber.subscribe(room, listener);
      await using _other = await parts.subscriber.subscribe(otherRoom, listener);
      await using _witness = await parts.subscriber.subscribe(room, witness);
      await subscription[Symbol.asyncDispose]();
      const [ended, kept] = [testNews(room, 1), testNews(otherRoom, 1)];
      for (const news of [ended, kept]) parts.publisher.publish(news);
      await Promise.all([witness.all([ended]), listener.all([kept])]);
      expect(listener.news.filter(({ roomId }) => roomId === room)).toEqual([]);
    });

    test("[B4] disposing twice is fine", async () => {
      await using parts = await create();
      const [listener, witness] = [new Heard(), new Heard()];
      const subscription = await parts.subscriber.subscribe(room, listener);
      await using _ = await parts.subscriber.subscribe(room, witness);
      await Promise.all([subscription[Symbol.asyncDispose](), subscription[Symbol.asyncDispose]()]);
      await subscription[Symbol.asyncDispose]();
      const news = testNews(room, 1);
      parts.publisher.publish(news);
      await witness.all([news]);
    });

    test.each(["left", "is still there"])("[B4] who disposed may subscribe again: the earlier one %s", async (how) => {
      await using parts = await create();
      const listener = new Heard();
      const earlier = await parts.subscriber.subscribe(room, listener);
      if (how === "left") await earlier[Symbol.asyncDispose]();
      await using _ = await parts.subscriber.subscribe(room, listener);
      await earlier[Symbol.asyncDispose]();
      const news = testNews(room, 1);
      parts.publisher.publish(news);
      await listener.all([news]);
    });

    test("[B5] a link that broke is restored, and the listener is told that it missed something", async ({ skip }) => {
      await using parts = await create();
      if (!parts.breakLink) return skip("nothing connects publisher and subscriber that could break");
      const listener = new Heard();
      await using _ = await parts.subscriber.subscribe(room, listener);
      await parts.breakLink();
      await listener.until(() => listener.misses > 0);
      const news = testNews(room, 1, 2);
      parts.publisher.publish(news);
      await listener.all([news]);
    });
  });
}
