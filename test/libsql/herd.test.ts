import { expect, test } from "vitest";
import type { Listener, Subscriber } from "../../src/chat/broadcaster.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { Tail } from "../../src/chat/tail.ts";
import { messagesOf } from "../../src/chat/view.ts";
import { RemoteDatabase } from "../../src/libsql/remote/database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { change } from "../support/changes.ts";
import { Recorder } from "../support/recorder.ts";
import { createReq } from "../support/requests.ts";
import { noSqld, Sqld } from "../support/sqld.ts";

const TAILS = 2_000;

/** Nobody tells these listeners anything, but that they missed something. */
class SilentSubscriber implements Subscriber {
  readonly listeners = new Set<Listener>();

  async subscribe(_: bigint, listener: Listener): Promise<AsyncDisposable> {
    this.listeners.add(listener);
    return { [Symbol.asyncDispose]: async () => void this.listeners.delete(listener) };
  }
}

test.skipIf(noSqld)(
  "[P3] 2,000 tails that miss something at once end no stream, and ask sqld a few times",
  async () => {
    await using sqld = await Sqld.start();
    await using database = new RemoteDatabase(sqld.url);
    await migrate(database);
    const recorder = new Recorder(database);
    const store = new LibsqlStore(recorder);
    const rooms = await Promise.all(
      Array.from({ length: TAILS }, (_, i) => store.createRoom(createReq(BigInt(i + 1), 1n))),
    );

    const subscriber = new SilentSubscriber();
    const feeds = new Feeds({ store, subscriber, watchMs: 600_000 });
    const tails: Tail[] = [];
    for (const { id } of rooms) {
      const memberships = await store.memberships(1n, [id]);
      const tail = await Tail.open(feeds, { userId: 1n, memberships, from: new Map() });
      await tail.next();
      tails.push(tail);
    }
    const sends = rooms.map(({ id: roomId }) => change("sendMessage", { roomId, userId: 1n, body: "unheard" }));
    for (let i = 0; i < TAILS; i += 500) await store.commit(sends.slice(i, i + 500));

    const waiting = tails.map((tail) => tail.next());
    const calls = await recorder.callsOf(async () => {
      for (const listener of subscriber.listeners) listener.miss();
      const told = (await Promise.all(waiting)).map(([news]) => messagesOf(news!).map(({ body }) => body));
      expect(told).toEqual(Array.from({ length: TAILS }, () => ["unheard"]));
    });
    expect(calls.length).toBeLessThan(100);
    for (const tail of tails) tail.close(new Error("done"));
    expect(feeds.size).toBe(0);
  },
);
