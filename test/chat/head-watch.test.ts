import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HEAD_WATCH_MS } from "../../src/chat/limits.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { range, said, seqs, TailSetup } from "../support/tail-setup.ts";

const rooms = (count: number) => range(1, count).map(BigInt);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the watch", () => {
  test("hears at the next look of a change that nobody told of", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    setup.log.append(1n);
    await vi.advanceTimersByTimeAsync(HEAD_WATCH_MS - 1);
    expect(setup.looks).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(said(await waiting)).toEqual(["1/2"]);
    expect(setup.looks).toEqual([[1n]]);
  });

  test("hears of a change of the members, and of several rooms in one look", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: rooms(3) });
    setup.log.change(2n, { kind: "remove", userId: 2n });
    setup.log.append(3n);
    const waiting = tail.next();
    await setup.beat();
    expect(said(await waiting)).toEqual(["2+5", "3/1"]);
    expect(setup.looks).toHaveLength(1);
    expect(setup.reads).toEqual([["2/0+4", "3/0+4"]]);
  });

  test("reads nothing of what has been told", async () => {
    const setup = new TailSetup();
    await setup.following();
    for (let i = 0; i < 5; i++) setup.send();
    await setup.beat();
    expect(setup.looks).toHaveLength(1);
    expect(setup.reads).toEqual([]);
  });

  test.each([40, 400])("of %i silent rooms looks once a beat, and reads nothing", async (count) => {
    const setup = new TailSetup();
    await setup.following({ rooms: rooms(count) });
    await setup.following({ userId: 2n, rooms: rooms(count) });
    for (let i = 0; i < 10; i++) await setup.beat();
    expect(setup.looks).toHaveLength(10);
    expect(setup.reads).toEqual([]);
    const few = setup.looks[0];
    if (count <= 50) expect(few, "the database is asked for these alone").toHaveLength(count);
    else expect(few, "the list would be too long").toBeUndefined();
  });

  test("tells a room that is followed of nothing that concerns others", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    for (const roomId of rooms(60).slice(1)) setup.log.append(roomId);
    await setup.beat();
    expect(setup.reads).toEqual([]);
    tail.close("gone");
  });

  test("reads all pages of what has changed", async () => {
    const setup = new TailSetup();
    setup.log.changedRoomsPage = 3;
    const tail = await setup.following({ rooms: rooms(10) });
    for (const roomId of rooms(10)) setup.log.append(roomId);
    const got: string[] = [];
    void (async () => {
      for (;;) got.push(...said(await tail.next()));
    })().catch(() => {});
    await setup.beat();
    expect(new Set(got)).toEqual(
      new Set([
        "1/2",
        ...rooms(10)
          .slice(1)
          .map((roomId) => `${roomId}/1`),
      ]),
    );
    expect(setup.looks).toHaveLength(4);
    await setup.beat();
    expect(setup.looks, "and then none again").toHaveLength(5);
    tail.close("gone");
  });

  test("backs off while looks fail, and looks as often as before once one succeeds", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    setup.changedRooms = () => Promise.reject(new Error("away"));
    const gaps: number[] = [];
    for (let beats = 1; gaps.length < 7; beats++) {
      await vi.advanceTimersByTimeAsync(HEAD_WATCH_MS);
      if (setup.looks.splice(0).length === 0) continue;
      gaps.push(beats);
      beats = 0;
    }
    expect(gaps).toEqual([1, 2, 4, 8, 16, 16, 16]);
    setup.log.append(1n);
    setup.changedRooms = undefined;
    await vi.advanceTimersByTimeAsync(16 * HEAD_WATCH_MS);
    const got = [...(await waiting)];
    while (seqs(got).length === 0) got.push(...(await tail.next()));
    expect(seqs(got)).toEqual([2]);
    await setup.settle();
    await setup.beat();
    expect(setup.looks).toHaveLength(1);
  });

  test("has one look under way at a time, however long it takes", async () => {
    const setup = new TailSetup();
    await setup.following();
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.changedRooms = (after, among) => gate.then(() => setup.log.changedRooms(after, among));
    await vi.advanceTimersByTimeAsync(20 * HEAD_WATCH_MS);
    expect(setup.looks).toHaveLength(1);
    resolve();
    await setup.beat();
    expect(setup.looks).toHaveLength(2);
  });

  test("stops when nothing is followed, also in the midst of a look, and starts again from then on", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.changedRooms = (after, among) => gate.then(() => setup.log.changedRooms(after, among));
    await setup.beat();
    tail.close("gone");
    resolve();
    await setup.expectNothingLeft();
    await vi.advanceTimersByTimeAsync(100 * HEAD_WATCH_MS);
    expect(setup.looks).toHaveLength(1);

    setup.changedRooms = vi.fn((after, among) => setup.log.changedRooms(after, among));
    for (const roomId of rooms(10)) setup.log.append(roomId);
    const { revision } = await setup.log.memberships(1n, []);
    await setup.following();
    await setup.beat();
    expect(setup.changedRooms).toHaveBeenCalledExactlyOnceWith(revision, [1n]);
  });

  test("misses nothing of a room that is followed while a look is under way", async () => {
    const setup = new TailSetup();
    await setup.following();
    setup.log.head(2n);
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    setup.changedRooms = (after, among) => gate.then(() => setup.log.changedRooms(after, among));
    await setup.beat();
    const tail = await setup.tail({ rooms: [2n] });
    await tail.next();
    await setup.settle();
    setup.log.append(2n);
    resolve();
    const waiting = tail.next();
    await setup.beat();
    expect(said(await waiting)).toEqual(["2/1"]);
  });

  test("hears of what was committed between a stream's memberships and its first look", async () => {
    const setup = new TailSetup();
    setup.log.head(1n);
    const memberships = await setup.log.memberships(1n, [1n]);
    setup.log.append(1n);
    setup.readLogs = () => Promise.reject(new Error("away"));
    const [followed] = await setup.feeds.follow(memberships, new Set());
    const { feed } = followed!;
    await setup.settle();
    setup.readLogs = undefined;
    await setup.beat();
    expect(feed.after({ seq: 1n, memberSeq: 4n })).toBe(feed.end);
    expect(feed.at(feed.end - 1, { seq: 0n, memberSeq: 4n })).toMatchObject({ messages: [{ seq: 1n }] });
  });
});

describe("when the database is another one than before,", () => {
  const unavailable = { code: Code.Unavailable, rawMessage: expect.stringContaining("resume") };
  const resets: [string, (setup: TailSetup) => void][] = [
    ["of another epoch", ({ log }) => (log.model.epoch = "another")],
    [
      "set back",
      (setup) => {
        setup.changedRooms = async () => ({ epoch: "memory", revision: 0n, rooms: [], deleted: [], isWhole: true });
      },
    ],
  ];

  test.each(resets)("%s, all streams end with UNAVAILABLE", async (_, reset) => {
    const setup = new TailSetup();
    const tails = [await setup.following(), await setup.following({ userId: 2n, rooms: [1n, 2n] })];
    const ended = Promise.all(tails.map((tail) => expect(tail.next()).rejects.toMatchObject(unavailable)));
    reset(setup);
    await setup.beat();
    await ended;
    await setup.expectNothingLeft();
  });

  test("a stream that is about to begin ends too", async () => {
    const { promise: link, resolve: connect } = Promise.withResolvers<void>();
    const setup = new TailSetup({}, { subscribe: () => link.then(() => ({ [Symbol.asyncDispose]: async () => {} })) });
    const opening = expect(setup.tail()).rejects.toMatchObject(unavailable);
    await setup.settle();
    setup.log.model.epoch = "another";
    await setup.beat();
    connect();
    await opening;
    await setup.expectNothingLeft();
  });

  test("whoever comes later is served, by its numbers", async () => {
    const setup = new TailSetup();
    setup.log.append(1n, 50);
    const old = await setup.following();
    const ended = expect(old.next()).rejects.toMatchObject(unavailable);
    const another = new MemoryStore();
    another.model.epoch = "another";
    setup.changedRooms = (after, among) => another.changedRooms(after, among);
    await setup.beat();
    await ended;

    const { readLogs, changedRooms } = another;
    setup.readLogs = readLogs.bind(another);
    setup.changedRooms = changedRooms.bind(another);
    another.openNow({ $typeName: "chat_grpc.CreateRoomReq", postId: 1n, userId: 1n }, 1n);
    const memberships = await another.memberships(1n, [1n]);
    const [followed] = await setup.feeds.follow(memberships, new Set());
    const { feed } = followed!;
    await setup.settle();
    expect(feed.after({ seq: 0n, memberSeq: 1n })).toBe(feed.end);
    await setup.beat();
    expect(setup.feeds.size, "it goes on").toBe(1);
  });
});
