import { describe, expect, test } from "vitest";
import type { News } from "../../gen/room/room_pb.ts";
import type { Publisher, Subscriber } from "../../src/chat/broadcaster.ts";
import { Inbox } from "../../src/chat/inbox.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { MemoryLog, testNews } from "../support/memory-log.ts";

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

    test("[B1] a reader that left, or never reads, is nothing to the publisher and the other readers", async () => {
      await using parts = await create();
      const [closed, idle, reader] = [new Inbox(), new Inbox(), new Inbox()];
      closed.close(new Error("left"));
      await using _closed = await parts.subscriber.subscribe([room], closed);
      await using _idle = await parts.subscriber.subscribe([room], idle);
      await using _reader = await parts.subscriber.subscribe([room], reader);
      for (let first = 1; first <= 2 * LIMITS.inboxChanges; first += 100) {
        const news = testNews(room, first, first + 99);
        expect(parts.publisher.publish(news)).toBeUndefined();
        await received(reader, [news]);
      }
      await received(idle, [testNews(room, 1)]);
    });

    test("[B2] what is published after subscribe() resolved arrives", async () => {
      await using parts = await create();
      const inbox = new Inbox();
      await using _ = await parts.subscriber.subscribe([room], inbox);
      const news = testNews(room, 1, 3);
      parts.publisher.publish(news);
      await received(inbox, [news]);
    });

    test("[B2] all news of a burst arrive, whole", async () => {
      await using parts = await create();
      const inbox = new Inbox();
      await using _ = await parts.subscriber.subscribe([room], inbox);
      const burst = Array.from({ length: 200 }, (_, i) => testNews(room, 3 * i + 1, 3 * i + 3));
      for (const news of burst) parts.publisher.publish(news);
      await received(inbox, burst);
    });

    test("[B2] one subscription follows several rooms, several subscriptions one room", async () => {
      await using parts = await create();
      const inboxes = [new Inbox(), new Inbox(), new Inbox()];
      await using subscriptions = new AsyncDisposableStack();
      for (const inbox of inboxes) subscriptions.use(await parts.subscriber.subscribe([room, otherRoom], inbox));
      const all = [testNews(room, 1, 2), testNews(otherRoom, 1), testNews(room, 3)];
      for (const news of all) parts.publisher.publish(news);
      for (const inbox of inboxes) await received(inbox, all);
    });

    test("[B2] holds for each of many that subscribe at the same time", async () => {
      await using parts = await create();
      const inboxes = Array.from({ length: 50 }, () => new Inbox());
      await using subscriptions = new AsyncDisposableStack();
      await Promise.all(
        inboxes.map(async (inbox, i) => {
          subscriptions.use(await parts.subscriber.subscribe([room], inbox));
          const news = testNews(room, i + 1);
          parts.publisher.publish(news);
          await received(inbox, [news]);
        }),
      );
    });

    test("[B2] news arrive as they were published", async () => {
      await using parts = await create();
      const inbox = new Inbox();
      await using _ = await parts.subscriber.subscribe([room], inbox);
      const log = new MemoryLog();
      log.commit(room, [{ kind: "send" }, { kind: "remove", userId: 3n }]);
      const all = [
        log.commit(room, [
          { kind: "send" },
          { kind: "edit", nth: 0 },
          { kind: "add", userId: 3n },
          { kind: "read", userId: 9_007_199_254_740_993n },
          { kind: "remove", userId: 1n },
        ]),
        log.typing(room, 3n),
      ];
      all[0]!.messages[0]!.body = "größer als 2⁵³ 😀";
      for (const news of all) parts.publisher.publish(news);
      const got: News[] = [];
      while (got.length < all.length) {
        const { news, missed } = await inbox.next();
        if (missed) return;
        got.push(...news);
      }
      expect(got).toEqual(all);
    });

    test("[B3] news of other rooms stay out", async () => {
      await using parts = await create();
      const [inbox, witness] = [new Inbox(), new Inbox()];
      await using _inbox = await parts.subscriber.subscribe([room], inbox);
      await using _witness = await parts.subscriber.subscribe([otherRoom], witness);
      const [mine, others] = [testNews(room, 1), testNews(otherRoom, 1, 5)];
      parts.publisher.publish(others);
      await received(witness, [others]);
      parts.publisher.publish(mine);
      const arrived = await received(inbox, [mine]);
      expect(arrived.filter(({ roomId }) => roomId !== room)).toEqual([]);
    });

    test("[B4] disposing ends a subscription, and no other one", async () => {
      await using parts = await create();
      const [inbox, witness] = [new Inbox(), new Inbox()];
      const subscription = await parts.subscriber.subscribe([room, otherRoom], inbox);
      await using _ = await parts.subscriber.subscribe([room, otherRoom], witness);
      await subscription[Symbol.asyncDispose]();
      for (const news of [testNews(room, 1), testNews(otherRoom, 1)]) {
        parts.publisher.publish(news);
        await received(witness, [news]);
      }
      expect(inbox.take().news).toEqual([]);
    });

    test("[B4] disposing twice is fine", async () => {
      await using parts = await create();
      const [inbox, witness] = [new Inbox(), new Inbox()];
      const subscription = await parts.subscriber.subscribe([room], inbox);
      await using _ = await parts.subscriber.subscribe([room], witness);
      await Promise.all([subscription[Symbol.asyncDispose](), subscription[Symbol.asyncDispose]()]);
      await subscription[Symbol.asyncDispose]();
      const news = testNews(room, 1);
      parts.publisher.publish(news);
      await received(witness, [news]);
    });

    test("[B4] who disposed may subscribe again", async () => {
      await using parts = await create();
      const inbox = new Inbox();
      const earlier = await parts.subscriber.subscribe([room], inbox);
      await earlier[Symbol.asyncDispose]();
      await using _ = await parts.subscriber.subscribe([room], inbox);
      await earlier[Symbol.asyncDispose]();
      const news = testNews(room, 1);
      parts.publisher.publish(news);
      await received(inbox, [news]);
    });

    test("[B5] a link that broke is restored, and the inbox is told that it missed something", async ({ skip }) => {
      await using parts = await create();
      if (!parts.breakLink) return skip("nothing connects publisher and subscriber that could break");
      const inbox = new Inbox();
      await using _ = await parts.subscriber.subscribe([room], inbox);
      await parts.breakLink();
      while (!(await inbox.next()).missed);
      const news = testNews(room, 1, 2);
      parts.publisher.publish(news);
      await received(inbox, [news]);
    });
  });
}

/** Waits until all of the news arrived, or the inbox was told that it missed something. Returns what arrived. */
async function received(inbox: Inbox, expected: readonly News[]): Promise<News[]> {
  const key = ({ roomId, messages }: News) => messages.map(({ seq }) => `${roomId}/${seq}`);
  const due = new Set(expected.flatMap(key));
  const arrived: News[] = [];
  while (due.size > 0) {
    const { news, missed } = await inbox.next();
    arrived.push(...news);
    for (const id of news.flatMap(key)) due.delete(id);
    if (missed) break;
  }
  return arrived;
}
