import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventSchema } from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { testNews } from "../support/memory-log.ts";
import { textBytes } from "../support/room-logs.ts";
import { HEARTBEAT_MS, messages, range, said, seqs, TailSetup } from "../support/tail-setup.ts";

const { logPageChanges: PAGE } = LIMITS;
const never = () => new Promise<never>(() => {});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("[T1] a tail is live", () => {
  test("when it gives its first items: caught_up and what has to be told first, before any log is read", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 3);
    setup.readLogs = never;
    const opening = [create(EventSchema, { event: { case: "reset", value: { roomId: 1n } } })];
    const tail = await setup.tail({ rooms: [1n, 2n], from: { 1: 1 }, opening });
    expect(said(await tail.next())).toEqual(["caughtUp 1/1+4,2/0+4", "reset"]);
    expect(setup.broadcaster.size).toBe(2);
  });

  test("and tells the epoch with its cursors", async () => {
    const tail = await new TailSetup().tail();
    expect((await tail.next())[0]).toMatchObject({ event: { value: { cursors: { 1: { epoch: "memory" } } } } });
  });

  test("caught_up comes once the log was read to its end, however many pages it had", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, PAGE + 1);
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    expect(said(await tail.next())).not.toContainEqual(expect.stringContaining("caughtUp"));
    expect(said(await tail.next())).toEqual([`1/${PAGE + 1}`, `caughtUp 1/${PAGE + 1}+4`]);
  });

  test("caught_up comes also when the feed kept all that was missing", async () => {
    const setup = new TailSetup();
    await setup.following();
    setup.send();
    setup.send();
    const tail = await setup.tail({ userId: 2n, from: { 1: 1 } });
    expect(said(await tail.next())).toEqual(["caughtUp 1/1+4", "1/2", "1/3", "caughtUp 1/3+4"]);
    expect(setup.reads, "for the read positions").toEqual([["1/3+4"]]);
  });

  test("heartbeats come at their interval, with the cursors reached", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    for (let i = 0; i < 3; i++) {
      const waiting = tail.next();
      await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
      expect(said(await waiting)).toEqual(["heartbeat 1/1+4"]);
    }
    setup.publish(1n, { kind: "send" }, { kind: "remove", userId: 2n });
    expect(said(await tail.next())).toEqual(["1+5", "1/2"]);
    const waiting = tail.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(said(await waiting)).toEqual(["heartbeat 1/2+5"]);
  });

  test("a reader that was busy for many intervals gets one heartbeat", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    await vi.advanceTimersByTimeAsync(10 * HEARTBEAT_MS);
    expect(said(await tail.next())).toEqual(["heartbeat 1/1+4"]);
  });

  test("what is committed after the first items is given, even if nobody tells of it", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.log.append(1n, 2);
    const waiting = tail.next();
    await setup.beat();
    expect(seqs(await waiting)).toEqual([2, 3]);
  });

  test("what was committed before it had subscribed, after its memberships were read, is given", async () => {
    const { promise: link, resolve: connect } = Promise.withResolvers<void>();
    const subscriber = { subscribe: () => link.then(() => ({ [Symbol.asyncDispose]: async () => {} })) };
    const setup = new TailSetup({}, subscriber);
    const opening = setup.tail();
    await setup.settle();
    setup.log.append(1n);
    connect();
    const tail = await opening;
    expect(said(await tail.next())).toEqual(["caughtUp 1/0+4", "1/1"]);
  });
});

describe("[T2] a tail gives every change in its order, none missing, none twice:", () => {
  test("what follows is passed on as it arrives, without a read", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const all = [setup.log.append(1n, 3), setup.log.append(1n)];
    for (const news of all) setup.broadcaster.publish(news);
    const items = await tail.next();
    expect(items).toHaveLength(2);
    for (const [i, news] of all.entries()) expect(items[i]).toBe(news);
    expect(setup.reads).toEqual([]);
  });

  test("of news that were given in part, the rest", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.log.append(1n, 2);
    setup.broadcaster.publish(testNews(1n, 1, 3));
    expect(seqs(await tail.next())).toEqual([2, 3]);
    expect(setup.reads).toEqual([]);
  });

  test("of news that come twice, and late, nothing", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const [first, second] = [setup.log.append(1n), setup.log.append(1n)];
    for (const news of [first, first, second, first, second]) setup.broadcaster.publish(news);
    expect(seqs(await tail.next())).toEqual([2, 3]);
    expect(setup.reads).toEqual([]);
  });

  test("a gap is filled from the log", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.log.append(1n, 3);
    setup.send();
    expect(seqs(await tail.next())).toEqual([2, 3, 4, 5]);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });

  test("a gap in one room is not a reason to read the others, nor to wait with them", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    setup.log.append(1n);
    setup.send(1n);
    setup.send(2n);
    expect(said(await tail.next())).toEqual(["2/1"]);
    expect(said(await tail.next())).toEqual(["1/2", "1/3"]);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });

  test("a backlog is read page by page, and then it is live", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 2 * PAGE);
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    await setup.settle();
    expect(seqs(await tail.next())).toEqual(range(1, PAGE));
    expect(said(await tail.next())).toEqual([
      ...range(PAGE + 1, 2 * PAGE).map((seq) => `1/${seq}`),
      `caughtUp 1/${2 * PAGE}+4`,
    ]);
    const waiting = tail.next();
    const news = setup.log.append(1n);
    setup.broadcaster.publish(news);
    expect(await waiting).toEqual([news]);
    expect(setup.reads, "the last page was full, but has reached the head").toHaveLength(2);
  });

  test("what is committed between two pages is given once, whether it is found in the log or in the feed", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 2 * PAGE);
    const tail = await setup.tail({ from: { 1: 0 } });
    const got: string[] = [];
    for (const news of [undefined, setup.log.append(1n), undefined]) {
      if (news) setup.broadcaster.publish(news);
      setup.send();
      got.push(...said(await tail.next()));
    }
    setup.send();
    while (got.at(-1) !== `1/${2 * PAGE + 5}`) got.push(...said(await tail.next()));
    const seqs = got.filter((each) => !each.startsWith("caughtUp"));
    expect(seqs).toEqual(range(1, 2 * PAGE + 5).map((seq) => `1/${seq}`));
  });

  test("a page that was cut by its bytes is followed by another, also when it has few changes", async () => {
    const setup = new TailSetup({ logPageBytes: 2 * textBytes("message 1") });
    setup.log.append(1n, 5);
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    expect(said(await tail.next())).toEqual(["1/1", "1/2"]);
    expect(said(await tail.next())).toEqual(["1/3", "1/4"]);
    expect(said(await tail.next())).toEqual(["1/5", "caughtUp 1/5+4"]);
  });

  test("of many rooms, readerPages are read at a time, and each has its turn", async () => {
    const setup = new TailSetup({ readerPages: 2, logPageBytes: 1 });
    const rooms = [1n, 2n, 3n];
    for (const roomId of rooms) setup.log.append(roomId, 2);
    const tail = await setup.tail({ rooms, from: { 1: 0, 2: 0, 3: 0 } });
    await tail.next();
    const got: string[][] = [];
    while (!got.flat().some((each) => each.startsWith("caughtUp"))) got.push(said(await tail.next()));
    expect(got).toEqual([
      ["1/1", "2/1"],
      ["3/1", "1/2"],
      ["2/2", "3/2", "caughtUp 1/2+4,2/2+4,3/2+4"],
    ]);
  });

  test("a room in which much happens keeps no other waiting, neither in the log nor in its feed", async () => {
    const setup = new TailSetup({ logPageChanges: 4 });
    const rooms = [1n, 2n, 3n];
    setup.log.append(2n, 2);
    const tail = await setup.following({ rooms, from: { 2: 0 } });
    const busy = () => {
      for (let i = 0; i < 8; i++) setup.send(1n);
    };
    busy();
    setup.send(3n);
    const got: string[] = [];
    for (let i = 0; i < 3; i++) {
      got.push(...said(await tail.next()));
      busy();
    }
    expect(got).toEqual(expect.arrayContaining(["2/1", "2/2", "3/1"]));
    vi.advanceTimersByTime(HEARTBEAT_MS);
    expect(said(await tail.next()), "heartbeats come all the same").toContainEqual(expect.stringMatching("heartbeat"));
  });

  test("a message that was changed while nobody looked comes once, as it is now", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 3);
    setup.log.change(1n, { kind: "edit", nth: 0 }, { kind: "edit", nth: 2 });
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    const got = messages(await tail.next()).map(({ seq, body }) => `${seq} ${body}`);
    expect(got).toEqual(["2 message 2", "4 edit 4", "5 edit 5"]);
    setup.send();
    expect(seqs(await tail.next())).toEqual([6]);
  });

  test("changes of the members are passed on like messages, and a gap among them is filled from the log", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.publish(1n, { kind: "remove", userId: 2n });
    expect(said(await tail.next())).toEqual(["1+5"]);
    expect(setup.reads).toEqual([]);
    setup.log.change(1n, { kind: "add", userId: 2n });
    setup.publish(1n, { kind: "remove", userId: 3n });
    expect(said(await tail.next())).toEqual(["1+6", "1+7"]);
    expect(setup.reads).toEqual([["1/1+5"]]);
  });

  test("a message that was committed after an unknown change of the members waits for the log", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.log.change(1n, { kind: "remove", userId: 2n });
    setup.send();
    expect(said(await tail.next())).toEqual(["1+5", "1/2"]);
    expect(setup.reads).toEqual([["1/1+4"]]);
  });

  test("typing and read positions are passed on, and are nothing to the cursors", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.broadcaster.publish(setup.log.typing(1n, 2n));
    setup.publish(1n, { kind: "read", userId: 3n });
    setup.send();
    const [first] = setup.log.logs(1n).messages;
    expect(said(await tail.next())).toEqual(["2 types", `3 read ${first!.id}`, "1/2"]);
    expect(setup.reads).toEqual([]);
  });

  test("what is kept of a log that was erased in part ends it, where its cursor is too old by now", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 5);
    const tail = await setup.tail({ from: { 1: 1 } });
    await tail.next();
    setup.log.firstSeqs.set(1n, 3n);
    await expect(tail.next()).rejects.toMatchObject({ code: Code.Unavailable });
    await setup.expectNothingLeft();
  });

  test("what is erased before a feed has got to it ends its readers too", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    setup.log.append(1n, 3);
    setup.log.firstSeqs.set(1n, 4n);
    const ended = expect(waiting).rejects.toMatchObject({ code: Code.Unavailable });
    await setup.beat();
    await ended;
    await setup.expectNothingLeft();
  });
});

describe("[T3] a tail gives a bounded part at a time,", () => {
  test("however much happens between two reads of it", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const last = 1 + 10 * PAGE;
    while (setup.log.head(1n).seq < last) setup.send(1n, PAGE / 4);
    const got: number[] = [];
    while (got.length < last - 1) {
      const item = seqs(await tail.next());
      expect(item.length).toBeLessThanOrEqual(3 * PAGE);
      got.push(...item);
    }
    expect(got).toEqual(range(2, last));
  });

  test("also of members", async () => {
    const setup = new TailSetup({ logPageChanges: 4 });
    const tail = await setup.following();
    for (let userId = 100n; userId < 130n; userId++) setup.publish(1n, { kind: "add", userId });
    const got: string[] = [];
    while (got.length < 30) {
      const item = said(await tail.next());
      expect(item.length).toBeLessThanOrEqual(4);
      got.push(...item);
    }
    expect(got).toEqual(range(5, 34).map((memberSeq) => `1+${memberSeq}`));
  });

  test("however long the texts are", async () => {
    const length = textBytes("message 100");
    const setup = new TailSetup({ logPageBytes: 10 * length, feedBytes: 64 * 1024 });
    const tail = await setup.following();
    while (setup.log.head(1n).seq < 500) setup.send(1n, 4);
    const got: number[] = [];
    while (got.length < 499) {
      const item = seqs(await tail.next());
      expect(item.length).toBeLessThanOrEqual(2 * 11 + 4);
      got.push(...item);
    }
    expect(got).toEqual(range(2, setup.log.logs(1n).messages.length));
  });
});

describe("[T4] a tail ends", () => {
  test("with the reason it was closed for while it waits, and has ended then", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    tail.close("gone");
    tail.close("the first reason counts");
    await expect(waiting).rejects.toBe("gone");
    await expect(tail.next()).rejects.toBe("gone");
    await setup.expectNothingLeft();
  });

  test("with it when it was closed between two reads of it, whatever has arrived", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.send();
    tail.close("gone");
    await expect(tail.next()).rejects.toBe("gone");
    await setup.expectNothingLeft();
  });

  test("with it when it was closed before it was ever read", async () => {
    const setup = new TailSetup();
    const tail = await setup.tail();
    tail.close("gone");
    await expect(tail.next()).rejects.toBe("gone");
    await setup.expectNothingLeft();
  });

  test.each(["a page", "an error"])("with it when it was closed while it read a page, and got %s", async (what) => {
    const setup = new TailSetup();
    setup.log.append(1n, 3);
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    await setup.settle();
    const { promise: gate, resolve, reject } = Promise.withResolvers<void>();
    setup.readLogs = (places, size) => gate.then(() => setup.log.readLogs(places, size));
    const waiting = tail.next();
    await setup.settle();
    tail.close("gone");
    if (what === "a page") resolve();
    else reject(new Error("away"));
    await expect(waiting).rejects.toBe("gone");
    await setup.expectNothingLeft();
  });

  test("with what the store threw when it asked for a page of its own", async () => {
    const setup = new TailSetup();
    setup.log.append(1n);
    const tail = await setup.tail({ from: { 1: 0 } });
    await tail.next();
    await setup.settle();
    const reason = new Error("the database is away");
    setup.readLogs = () => Promise.reject(reason);
    await expect(tail.next()).rejects.toBe(reason);
    await setup.expectNothingLeft();
    await expect(tail.next(), "for good").rejects.toBe(reason);
  });

  test("with what the subscriber threw, before it begins, and the rooms that were heard of are let go of", async () => {
    const reason = new Error("no link");
    let disposed = 0;
    const link = { [Symbol.asyncDispose]: async () => void disposed++ };
    const setup = new TailSetup({}, { subscribe: async (roomId) => (roomId === 2n ? Promise.reject(reason) : link) });
    await expect(setup.tail({ rooms: [1n, 2n, 3n] })).rejects.toBe(reason);
    await setup.expectNothingLeft();
    expect(disposed).toBe(2);
  });
});
