import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Tail } from "../../src/chat/tail.ts";
import { HEARTBEAT_MS, range, said, TailSetup } from "../support/tail-setup.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A reader that takes as many items as it says, while it waits; and keeps what it got. */
class Taker {
  readonly got: string[] = [];
  room = Number.POSITIVE_INFINITY;
  readonly #tail: Tail;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  /** Waits, until it has no room for more, or something comes by the other way. */
  async wait(): Promise<string[]> {
    const items = await this.#tail.next((item) => {
      this.got.push(...said([item]));
      return --this.room > 0;
    });
    this.got.push(...said(items));
    return said(items);
  }
}

async function setup(options?: ConstructorParameters<typeof TailSetup>[0]) {
  const setup = new TailSetup(options);
  const tail = await setup.following();
  return { setup, tail, taker: new Taker(tail) };
}

test("an item is handed over in the very call that tells of it", async () => {
  const { setup: rooms, taker } = await setup();
  void taker.wait();
  await rooms.settle();
  for (let seq = 2; seq <= 4; seq++) {
    rooms.send();
    expect(taker.got.at(-1)).toBe(`1/${seq}`);
  }
  rooms.broadcaster.publish(rooms.log.typing(1n, 2n));
  expect(taker.got.at(-1)).toBe("2 types");
  vi.advanceTimersByTime(HEARTBEAT_MS);
  expect(taker.got.at(-1)).toBe("heartbeat 1/4+4");
});

test("the item is what was told, so that it is encoded once for all readers", async () => {
  const { setup: rooms, tail } = await setup();
  const push = vi.fn(() => true);
  void tail.next(push);
  await rooms.settle();
  const news = rooms.log.append(1n, 3);
  rooms.broadcaster.publish(news);
  expect(push).toHaveBeenCalledExactlyOnceWith(news);
});

test("a reader that has enough is handed nothing more, and next() resolves with nothing", async () => {
  const { setup: rooms, taker } = await setup();
  taker.room = 2;
  const waiting = taker.wait();
  await rooms.settle();
  for (let i = 0; i < 5; i++) rooms.send();
  expect(taker.got).toEqual(["1/2", "1/3"]);
  expect(await waiting).toEqual([]);
});

test("what comes while it is busy it takes from its feed, in one piece", async () => {
  const { setup: rooms, taker } = await setup();
  taker.room = 1;
  const waiting = taker.wait();
  await rooms.settle();
  for (let i = 0; i < 5; i++) rooms.send();
  await waiting;
  expect(await taker.wait()).toEqual(["1/3", "1/4", "1/5", "1/6"]);
  expect(rooms.reads).toEqual([]);
});

test("what its feed doesn't keep any more it takes from the log, and then it is handed what comes again", async () => {
  const { setup: rooms, taker } = await setup({ feedBytes: 8 * 1024 });
  taker.room = 1;
  const waiting = taker.wait();
  await rooms.settle();
  for (let i = 0; i < 20; i++) rooms.send();
  await waiting;
  expect(rooms.reads).toEqual([]);
  expect(await taker.wait()).toEqual([...range(3, 21).map((seq) => `1/${seq}`), "caughtUp 1/21+4"]);
  expect(rooms.reads).toEqual([["1/2+4"]]);
  taker.room = Number.POSITIVE_INFINITY;
  void taker.wait();
  await rooms.settle();
  rooms.send();
  expect(taker.got.at(-1)).toBe("1/22");
});

test("a heartbeat that comes while it is busy comes when it is back", async () => {
  const { setup: rooms, taker } = await setup();
  taker.room = 1;
  const waiting = taker.wait();
  await rooms.settle();
  rooms.send();
  await waiting;
  vi.advanceTimersByTime(HEARTBEAT_MS);
  rooms.send();
  expect(await taker.wait()).toEqual(["1/3", "heartbeat 1/3+4"]);
});

test("what a reader throws ends its tail, and is nothing to the others nor to who tells", async () => {
  const rooms = new TailSetup();
  const tails = [await rooms.following(), await rooms.following({ userId: 2n }), await rooms.following({ userId: 3n })];
  const takers = [new Taker(tails[0]!), new Taker(tails[2]!)];
  const reason = new Error("can't encode it");
  const waiting = tails[1]!.next(() => {
    throw reason;
  });
  for (const taker of takers) taker.wait().catch(() => {});
  await rooms.settle();
  rooms.send();
  await expect(waiting).rejects.toBe(reason);
  rooms.send();
  for (const { got } of takers) expect(got).toEqual(["1/2", "1/3"]);
  expect(rooms.reads, "the feed hears no more of it").toEqual([]);
  for (const tail of tails) tail.close("gone");
  await rooms.expectNothingLeft();
});

test("what a reader throws at a heartbeat ends its tail", async () => {
  const { setup: rooms, tail } = await setup();
  const reason = new Error("can't encode it");
  const waiting = tail.next(() => {
    throw reason;
  });
  waiting.catch(() => {});
  await rooms.settle();
  vi.advanceTimersByTime(HEARTBEAT_MS);
  await expect(waiting).rejects.toBe(reason);
  await rooms.expectNothingLeft();
});

test("a reader that closes its tail when it is handed something gets nothing more", async () => {
  const { setup: rooms, tail } = await setup();
  const push = vi.fn(() => {
    tail.close("gone");
    return false;
  });
  const waiting = tail.next(push);
  waiting.catch(() => {});
  await rooms.settle();
  rooms.send();
  rooms.send();
  await expect(waiting).rejects.toBe("gone");
  expect(push).toHaveBeenCalledOnce();
  await rooms.expectNothingLeft();
});

test("[T5] the end of a membership is handed over, and is the last", async () => {
  const { setup: rooms, taker } = await setup();
  void taker.wait();
  await rooms.settle();
  rooms.publish(1n, { kind: "send" }, { kind: "remove", userId: 1n }, { kind: "send" });
  rooms.send();
  expect(taker.got).toEqual(["memberRemoved"]);
  expect(rooms.feeds.size).toBe(0);
});

test("[T5] where it can't be said, next() rejects", async () => {
  const rooms = new TailSetup();
  const tail = await rooms.following({ endsWhenRemoved: true });
  const push = vi.fn(() => true);
  const waiting = tail.next(push);
  waiting.catch(() => {});
  await rooms.settle();
  rooms.publish(1n, { kind: "remove", userId: 1n });
  await expect(waiting).rejects.toMatchObject({ code: Code.NotFound });
  expect(push).not.toHaveBeenCalled();
  await rooms.expectNothingLeft();
});

test("a reader of many rooms is handed those that are well while a gap of another is read", async () => {
  const rooms = new TailSetup();
  const taker = new Taker(await rooms.following({ rooms: [1n, 2n] }));
  void taker.wait();
  await rooms.settle();
  const { promise: gate, resolve } = Promise.withResolvers<void>();
  rooms.readLogs = (places, size) => gate.then(() => rooms.log.readLogs(places, size));
  rooms.log.append(1n);
  rooms.send(1n);
  rooms.send(2n);
  expect(taker.got).toEqual(["2/1"]);
  resolve();
  await rooms.settle();
  expect(taker.got).toEqual(["2/1", "1/2", "1/3"]);
});
