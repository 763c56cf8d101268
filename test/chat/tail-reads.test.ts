import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { range, said, TailSetup } from "../support/tail-setup.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("[T6] where the members have read to", () => {
  test("is told to a reader that comes from a cursor, once it has caught up", async () => {
    const setup = new TailSetup();
    const { messages: sent } = setup.log.append(1n, 2);
    setup.log.change(1n, { kind: "read", userId: 3n });
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    const got = said(await tail.next());
    expect(got).toEqual(["1/1", "1/2", `3 read ${sent[1]!.id}`, "caughtUp 1/2+4"]);
  });

  test("is told when it is known, also to a reader that has caught up before", async () => {
    const setup = new TailSetup();
    const { messages: sent } = setup.log.append(1n);
    setup.log.change(1n, { kind: "read", userId: 3n });
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.readLogs = (places, size) => gate.then(() => setup.log.readLogs(places, size));
    const tail = await setup.tail({ from: { 1: 1 } });
    expect(said(await tail.next())).toEqual(["caughtUp 1/1+4"]);
    const waiting = tail.next();
    await setup.settle();
    resolve();
    expect(said(await waiting)).toEqual([`3 read ${sent[0]!.id}`, "caughtUp 1/1+4"]);
  });

  test("is not told to a reader that begins now; what moves from then on is", async () => {
    const setup = new TailSetup();
    setup.log.append(1n);
    setup.log.change(1n, { kind: "read", userId: 3n });
    const tail = await setup.following();
    setup.publish(1n, { kind: "read", userId: 2n });
    expect(said(await tail.next())).toEqual([`2 read ${setup.log.logs(1n).messages[0]!.id}`]);
  });

  test("is told anew to a reader that was too slow for what the feed keeps", async () => {
    const setup = new TailSetup({ feedBytes: 8 * 1024 });
    const tail = await setup.following();
    setup.publish(1n, { kind: "read", userId: 2n });
    setup.send(1n, 2);
    setup.send(1n, 20);
    const got: string[] = [];
    while (!got.some((each) => each.startsWith("caughtUp"))) got.push(...said(await tail.next()));
    expect(got).toContain(`2 read ${setup.log.logs(1n).messages[0]!.id}`);
  });

  test("is told anew to a reader that takes a page which is kept in the place of what it had to take", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.publish(1n, { kind: "send" }, { kind: "edit", nth: 1 }, { kind: "read", userId: 2n });
    const other = await setup.tail({ userId: 3n, from: { 1: 1 } });
    for (let i = 0; i < 2; i++) await other.next();
    const before = setup.reads.length;
    expect(said(await tail.next())).toEqual(["1/3", `2 read ${setup.log.logs(1n).messages[1]!.id}`]);
    expect(setup.reads).toHaveLength(before);
  });

  test("is found at the feed's next look, if nobody told of it", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.log.change(1n, { kind: "read", userId: 2n });
    const waiting = tail.next();
    setup.log.append(1n);
    await setup.beat();
    expect(said(await waiting)).toEqual(["1/2", `2 read ${setup.log.logs(1n).messages[0]!.id}`]);
  });

  test("never goes back: neither by a rumour that is late, nor by a page that is older than a rumour", async () => {
    const setup = new TailSetup();
    const [first, second] = setup.log.append(1n, 2).messages;
    const early = setup.log.change(1n, { kind: "read", userId: 2n });
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.readLogs = async (places, size) => {
      const pages = await setup.log.readLogs(places, size);
      await gate;
      return pages;
    };
    const live = await setup.tail({ userId: 3n });
    await live.next();
    await setup.settle();
    setup.log.append(1n);
    const late = setup.log.change(1n, { kind: "read", userId: 2n });
    const newest = setup.log.logs(1n).messages[2]!;
    expect([first, second, newest].map((message) => message!.seq)).toEqual([1n, 2n, 3n]);
    for (const news of [late, early]) setup.broadcaster.publish(news);
    expect(said(await live.next())).toEqual([`2 read ${newest.id}`]);
    resolve();
    await setup.settle();
    setup.readLogs = undefined;
    await setup.beat();
    const tail = await setup.tail({ from: { 1: 3 } });
    expect(said(await tail.next())).toEqual(["caughtUp 1/3+4", `2 read ${newest.id}`, "caughtUp 1/3+4"]);
  });

  test("is told as it is, also if all that was found was read while the log was looked at", async () => {
    const setup = new TailSetup();
    const [first] = setup.log.append(1n).messages;
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.readLogs = async (places, size) => {
      const pages = await setup.log.readLogs(places, size);
      await gate;
      return pages;
    };
    const live = await setup.tail({ userId: 3n });
    await live.next();
    await setup.settle();
    setup.publish(1n, { kind: "read", userId: 2n });
    resolve();
    await setup.settle();
    const tail = await setup.tail({ from: { 1: 1 } });
    expect(said([...(await tail.next()), ...(await tail.next())])).toEqual([
      "caughtUp 1/1+4",
      `2 read ${first!.id}`,
      "caughtUp 1/1+4",
    ]);
  });

  test("is told of a room whose log has more than a page that nobody has heard of", async () => {
    const setup = new TailSetup({ logPageChanges: 2 });
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.readLogs = async (places, size) => {
      const pages = await setup.log.readLogs(places, size);
      await gate;
      return pages;
    };
    setup.log.head(1n);
    const memberships = await setup.log.memberships(1n, [1n]);
    const missed = [setup.log.append(1n, 3), setup.log.change(1n, { kind: "read", userId: 2n })];
    await setup.feeds.follow(memberships, new Set());
    await setup.settle();
    for (const news of missed) setup.broadcaster.publish(news);
    resolve();
    await setup.settle();
    const tail = await setup.tail({ from: { 1: 3 } });
    const [, , last] = setup.log.logs(1n).messages;
    expect(said([...(await tail.next()), ...(await tail.next())])).toEqual([
      "caughtUp 1/3+4",
      `2 read ${last!.id}`,
      "caughtUp 1/3+4",
    ]);
  });

  test("is not told of members that have left", async () => {
    const setup = new TailSetup();
    await setup.following();
    setup.publish(1n, { kind: "read", userId: 2n });
    setup.publish(1n, { kind: "read", userId: 3n });
    setup.publish(1n, { kind: "remove", userId: 2n });
    const tail = await setup.tail({ from: { 1: 1 } });
    expect(said(await tail.next())).toContain(`3 read ${setup.log.logs(1n).messages[0]!.id}`);
    const again = await setup.tail({ from: { 1: { seq: 1n, memberSeq: 5n } } });
    expect(said(await again.next())).toEqual([
      "caughtUp 1/1+5",
      `3 read ${setup.log.logs(1n).messages[0]!.id}`,
      "caughtUp 1/1+5",
    ]);
  });
});

describe("in a room with more than 100 members a reader", () => {
  /** Users 1 to 3, the author, and others, up to 101. */
  function large() {
    const setup = new TailSetup();
    const others = range(1, 97).map((i) => ({ kind: "add", userId: 2_000n + BigInt(i) }) as const);
    setup.log.change(1n, ...others);
    const [first] = setup.log.append(1n).messages;
    return { setup, others, first: first! };
  }

  test("is told of its own position alone", async () => {
    const { setup, first } = large();
    const tail = await setup.following();
    setup.publish(1n, { kind: "read", userId: 2n });
    setup.publish(1n, { kind: "read", userId: 1n });
    setup.publish(1n, { kind: "read", userId: 3n });
    expect(said(await tail.next())).toEqual([`1 read ${first.id}`]);
  });

  test("that comes from a cursor is told of its own position alone, as it was when it came", async () => {
    const { setup, first } = large();
    setup.log.change(1n, { kind: "read", userId: 1n }, { kind: "read", userId: 2n });
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    expect(said(await tail.next())).toEqual(["1/1", `1 read ${first.id}`, "caughtUp 1/1+101"]);
    const other = await setup.tail({ userId: 3n, from: { 1: 1 } });
    expect(said(await other.next()), "it has read nothing").toEqual(["caughtUp 1/1+101", "caughtUp 1/1+101"]);
  });

  test("is told of all positions again once the room has become small", async () => {
    const { setup, first } = large();
    setup.log.change(1n, { kind: "read", userId: 2n });
    const tail = await setup.following();
    setup.publish(1n, { kind: "remove", userId: 2_001n });
    await tail.next();
    const waiting = tail.next();
    setup.publish(1n, { kind: "read", userId: 3n });
    const got = said(await waiting);
    while (got.length < 2) got.push(...said(await tail.next()));
    expect(new Set(got)).toEqual(new Set([`2 read ${first.id}`, `3 read ${first.id}`]));
    const again = await setup.tail({ from: { 1: 1 } });
    expect(said(await again.next())).toEqual(expect.arrayContaining(got));
  });

  test("is not told of the others' positions from when it was small", async () => {
    const setup = new TailSetup();
    setup.log.append(1n);
    setup.log.change(1n, { kind: "read", userId: 2n });
    await setup.following({ userId: 3n });
    for (const userId of range(1, 97)) setup.publish(1n, { kind: "add", userId: 2_000n + BigInt(userId) });
    setup.publish(1n, { kind: "read", userId: 3n });
    const later = await setup.tail({ from: { 1: 1 } });
    expect(said(await later.next())).toEqual(["caughtUp 1/1+101", "caughtUp 1/1+101"]);
  });
});
