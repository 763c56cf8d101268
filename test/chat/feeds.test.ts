import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventSchema } from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { Tail } from "../../src/chat/tail.ts";
import { eventsOf } from "../../src/chat/view.ts";
import { EncodedView } from "../../src/rpc/encoded-view.ts";
import { messages, range, said, seqs, TailSetup } from "../support/tail-setup.ts";

const KIB = 1024;
const { logPageChanges: PAGE } = LIMITS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const times = <T>(count: number, make: (i: number) => Promise<T>) => Promise.all(range(1, count).map(make));

/** Everything, until it has caught up. */
async function catchUp(tail: Tail) {
  const got = [...(await tail.next())];
  const isCaughtUp = () => said(got).filter((each) => each.startsWith("caughtUp")).length > 1;
  while (!isCaughtUp()) got.push(...(await tail.next()));
  return got;
}

/** Of a reader that isn't told of read positions, for which a feed looks at the log once more. */
const NO_READS = { endsWhenRemoved: true };

/** Everything, until it has caught up once more. */
async function catchUpAgain(tail: Tail) {
  const got = [...(await tail.next())];
  while (!said(got).some((each) => each.startsWith("caughtUp"))) got.push(...(await tail.next()));
  return got;
}

describe("readers of a room", () => {
  test("share one subscription, and one look at the log when they come", async () => {
    const setup = new TailSetup();
    const subscribe = vi.spyOn(setup.broadcaster, "subscribe");
    setup.log.append(1n);
    const tails = await times(100, () => setup.tail());
    for (const tail of tails) expect(said(await tail.next())).toEqual(["caughtUp 1/1+4"]);
    expect(subscribe).toHaveBeenCalledOnce();
    expect(setup.reads).toEqual([["1/1+4"]]);
    for (const tail of tails.slice(1)) tail.close("gone");
    expect(setup.feeds.size).toBe(1);
    tails[0]!.close("gone");
    await setup.expectNothingLeft();
  });

  test("share the read of what was lost: one read with one place for 100 of them", async () => {
    const setup = new TailSetup();
    const tails = await times(100, () => setup.following());
    const waiting = tails.map((tail) => tail.next());
    await setup.settle();
    setup.log.append(1n);
    setup.send();
    const [first, ...others] = await Promise.all(waiting);
    expect(said(first!)).toEqual(["1/2", "1/3"]);
    for (const items of others) expect(items[0], "the same, so that it is encoded once").toBe(first![0]);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });

  test("that come back with the same cursor share the pages, and the bytes of what they are told", async () => {
    const setup = new TailSetup({ feedBytes: 0 });
    setup.log.append(1n, 3 * PAGE);
    const tails = await times(100, () => setup.tail({ from: { 1: 0 } }));
    const view = new EncodedView(EventSchema, eventsOf);
    const messagesOf = vi.spyOn(view, "messages");
    const got = await Promise.all(tails.map(catchUp));
    for (const items of got) expect(seqs(items)).toEqual(range(1, 3 * PAGE));
    const ownReads = setup.reads.flat().filter((place) => place !== `1/${3 * PAGE}+4`);
    expect(ownReads).toEqual(["1/0+4", `1/${PAGE}+4`, `1/${2 * PAGE}+4`]);
    const news = got.map((items) => items.filter(({ $typeName }) => $typeName === "room.News"));
    const bytes = news.map((items) => view.encode(items, true));
    expect(new Set(bytes.map(({ byteLength }) => byteLength)).size).toBe(1);
    expect(messagesOf, "each page is encoded once").toHaveBeenCalledTimes(3);
  });

  test("that come one after the other needn't read what the first has read", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 20);
    await setup.following();
    const first = await setup.tail({ userId: 2n, from: { 1: 10 }, ...NO_READS });
    expect(seqs(await catchUp(first))).toEqual(range(11, 20));
    expect(setup.reads).toEqual([["1/10+4"]]);
    setup.send();
    for (const from of [10, 15, 20]) {
      const next = await setup.tail({ userId: 3n, from: { 1: from }, ...NO_READS });
      expect(seqs(await catchUp(next))).toEqual(range(from + 1, 21));
    }
    expect(setup.reads).toHaveLength(1);
    const earlier = await setup.tail({ userId: 3n, from: { 1: 9 }, ...NO_READS });
    expect(seqs(await catchUp(earlier)), "what lies before that is read").toEqual(range(10, 21));
    expect(setup.reads).toHaveLength(2);
  });

  test("needn't read pages that were read one after the other by another, as far as they fit", async () => {
    const setup = new TailSetup({ logPageChanges: 5 });
    setup.log.append(1n, 20);
    await setup.following();
    for (const from of [15, 10, 5]) await catchUp(await setup.tail({ userId: 2n, from: { 1: from }, ...NO_READS }));
    await setup.settle();
    const next = await setup.tail({ userId: 3n, from: { 1: 5 }, ...NO_READS });
    expect(seqs(await catchUp(next))).toEqual(range(6, 20));
    expect(setup.reads).toEqual([]);
  });

  test("don't get a page that was read before what has been heard since", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 3);
    await setup.following();
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.readLogs = async (places, size) => {
      const pages = await setup.log.readLogs(places, size);
      await gate;
      return pages;
    };
    const first = await setup.tail({ userId: 2n, from: { 1: 0 } });
    await first.next();
    const page = first.next();
    await setup.settle();
    setup.publish(1n, { kind: "edit", nth: 0 });
    resolve();
    expect(seqs(await page)).toEqual([1, 2, 3, 4]);
    setup.readLogs = undefined;
    const next = await setup.tail({ userId: 3n, from: { 1: 0 } });
    expect(seqs(await catchUp(next)), "the first message once, as it is now").toEqual([2, 3, 4]);
  });

  test("that are busy while the feed lets go of what they take next, and keeps an earlier page, lose nothing", async () => {
    const setup = new TailSetup({ feedBytes: 8 * KIB, logPageChanges: 3 });
    const slow = await setup.following();
    setup.send(1n, 20);
    await catchUp(await setup.tail({ userId: 2n, from: { 1: 18 } }));
    expect(seqs(await catchUpAgain(slow))).toEqual(range(2, 21));
  });

  test("get what was edited or deleted while its news were kept once, in its latest state", async () => {
    const setup = new TailSetup();
    await setup.following();
    for (let i = 0; i < 4; i++) setup.send();
    setup.publish(1n, { kind: "edit", nth: 2 });
    setup.send();
    const tail = await setup.tail({ userId: 2n, from: { 1: 1 }, ...NO_READS });
    const got = messages(await catchUp(tail)).map(({ seq, body }) => `${seq} ${body}`);
    expect(got).toEqual(["2 message 2", "4 message 4", "5 message 5", "6 edit 6", "7 message 7"]);
    expect(setup.reads).toEqual([["1/1+4"]]);
    const late = await setup.tail({ userId: 2n, from: { 1: 5 }, ...NO_READS });
    expect(seqs(await catchUp(late)), "and whoever has the older state needs no log").toEqual([6, 7]);
    expect(setup.reads).toHaveLength(1);
  });

  test("get a member that was removed, or added again, while its news were kept once, as it is now", async () => {
    const setup = new TailSetup();
    await setup.following();
    setup.publish(1n, { kind: "remove", userId: 3n });
    setup.publish(1n, { kind: "add", userId: 3n });
    setup.publish(1n, { kind: "remove", userId: 3n });
    const tail = await setup.tail({ userId: 2n, from: { 1: { seq: 1n, memberSeq: 4n } } });
    expect(said(await catchUp(tail))).toEqual(["caughtUp 1/1+4", "1+7", "caughtUp 1/1+7"]);
  });

  test("are told of a change that was committed elsewhere by one read", async () => {
    const setup = new TailSetup();
    const tails = await times(100, () => setup.following());
    const waiting = tails.map((tail) => tail.next());
    await setup.settle();
    setup.log.append(1n, 2);
    await setup.beat();
    for (const items of await Promise.all(waiting)) expect(seqs(items)).toEqual([2, 3]);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });
});

describe("a read of a feed that fails", () => {
  const away = () => Promise.reject(new ConnectError("the database is away", Code.Unavailable));

  test("ends no stream: it is tried again, with pauses that grow, and until then what follows is passed on", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    setup.readLogs = away;
    setup.log.append(1n);
    setup.send();
    await setup.settle();
    const gaps: number[] = [];
    for (let ms = 0; gaps.length < 8; ms++) {
      await vi.advanceTimersByTimeAsync(10);
      if (setup.reads.splice(0).length === 0) continue;
      gaps.push(10 * (ms + 1));
      ms = -1;
    }
    for (const [i, gap] of gaps.entries()) {
      const pause = Math.min(100 * 2 ** i, 5_000);
      expect(gap).toBeGreaterThanOrEqual(pause / 2 - 10);
      expect(gap).toBeLessThanOrEqual(pause + 20);
    }
    setup.readLogs = undefined;
    await vi.advanceTimersByTimeAsync(5_000);
    const got = [...(await waiting)];
    while (seqs(got).length === 0) got.push(...(await tail.next()));
    expect(seqs(got)).toEqual([2, 3]);
  });

  test("is forgotten once one succeeds", async () => {
    const setup = new TailSetup();
    await setup.following();
    for (let i = 0; i < 3; i++) {
      setup.readLogs = away;
      setup.log.append(1n);
      setup.send();
      await setup.settle();
      setup.readLogs = undefined;
      await vi.advanceTimersByTimeAsync(110);
      expect(setup.reads, "the first pause is the shortest").toHaveLength(1);
    }
  });

  test("is not tried again when nobody follows the room any more", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.readLogs = away;
    setup.log.append(1n);
    setup.send();
    await setup.settle();
    tail.close("gone");
    await setup.expectNothingLeft();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(setup.reads).toEqual([]);
  });

  test("a head that the log doesn't have is looked for once", async () => {
    const setup = new TailSetup();
    await setup.following();
    setup.feeds.hearHead(1n, { seq: 100n, memberSeq: 4n }, 1n);
    await setup.settle();
    setup.feeds.hearHead(1n, { seq: 100n, memberSeq: 4n }, 1n);
    await vi.advanceTimersByTimeAsync(0);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });
});

describe("what feeds keep is bounded:", () => {
  /** How many of the newest changes a reader gets without a read. */
  async function kept(setup: TailSetup, roomId: bigint): Promise<number> {
    const head = Number(setup.log.head(roomId).seq);
    for (let count = 1; count <= head; count++) {
      await setup.settle();
      const tail = await setup.tail({
        userId: 3n,
        rooms: [roomId],
        from: { [`${roomId}`]: head - count },
        ...NO_READS,
      });
      await tail.next();
      const next = tail.next();
      next.catch(() => {});
      await setup.beat();
      const isRead = setup.reads.length > 0;
      tail.close("gone");
      if (isRead) return count - 1;
    }
    return head;
  }

  test("a feed keeps the newest news up to feedBytes", async () => {
    const setup = new TailSetup({ feedBytes: 32 * KIB });
    await setup.following();
    for (let i = 0; i < 50; i++) setup.send();
    const count = await kept(setup, 1n);
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThanOrEqual(16);
  });

  test("long texts count", async () => {
    const setup = new TailSetup({ feedBytes: 32 * KIB });
    await setup.following();
    for (let i = 0; i < 5; i++) {
      const news = setup.log.append(1n);
      news.messages[0]!.body = "x".repeat(1.5 * KIB);
      setup.broadcaster.publish(news);
    }
    expect(await kept(setup, 1n)).toBe(2);
  });

  test("all together keep allFeedsBytes, and those that have been silent for longest let go first", async () => {
    const setup = new TailSetup({ allFeedsBytes: 32 * KIB });
    await setup.following({ rooms: [1n, 2n, 3n] });
    for (const roomId of [1n, 2n, 1n, 3n]) for (let i = 0; i < 4; i++) setup.send(roomId);
    expect(await kept(setup, 2n), "silent for longest").toBe(0);
    expect(await kept(setup, 1n)).toBeGreaterThanOrEqual(8);
    expect(await kept(setup, 3n)).toBe(4);
  });

  test("a page that doesn't fit is not kept for others", async () => {
    const setup = new TailSetup({ feedBytes: 8 * KIB });
    setup.log.append(1n, 20);
    await setup.following();
    await catchUp(await setup.tail({ userId: 2n, from: { 1: 10 }, ...NO_READS }));
    expect(await kept(setup, 1n)).toBeLessThan(8);
  });

  test("read positions count", async () => {
    const setup = new TailSetup({ feedBytes: 64 * KIB });
    const others = range(1, 1_000).map((i) => ({ kind: "add", userId: 2_000n + BigInt(i) }) as const);
    setup.log.change(1n, ...others);
    await setup.following();
    setup.send();
    const reads = others.map(({ userId }) => ({ kind: "read", userId }) as const);
    setup.publish(1n, ...reads);
    expect(await kept(setup, 1n), "a thousand of them are more than it may keep").toBe(0);
  });

  test("a room that nobody follows leaves nothing in memory", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const setup = new TailSetup();
    const feeds = await (async () => {
      const refs: WeakRef<object>[] = [];
      for (let roomId = 1n; roomId <= 20n; roomId++) {
        const memberships = (setup.log.head(roomId), await setup.log.memberships(1n, [roomId]));
        const [followed] = await setup.feeds.follow(memberships, new Set());
        const { feed } = followed!;
        setup.send(roomId);
        setup.feeds.release(feed);
        setup.send(roomId);
        feed.hear(setup.log.append(roomId));
        refs.push(new WeakRef(feed));
      }
      return refs;
    })();
    await setup.expectNothingLeft();
    await vi.waitFor(() => {
      gc();
      expect(feeds.filter((ref) => ref.deref() !== undefined).length).toBe(0);
    });
  });
});
