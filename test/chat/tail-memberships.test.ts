import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { HEAD_WATCH_MS } from "../../src/chat/limits.ts";
import { Tail } from "../../src/chat/tail.ts";
import { change } from "../support/changes.ts";
import { AUTHOR } from "../support/memory-log.ts";
import { HEARTBEAT_MS, said, TailSetup } from "../support/tail-setup.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = () => new Promise<never>(() => {});

describe("[T5] the end of a membership", () => {
  const addAgain = (userId: bigint) => (setup: TailSetup) => setup.publish(1n, { kind: "add", userId });
  const ways: [string, (setup: TailSetup, news: News) => unknown][] = [
    ["told", (setup, news) => setup.broadcaster.publish(news)],
    ["lost, and a message comes after it", (setup) => setup.send()],
    ["lost, and somebody types after it", (setup) => setup.broadcaster.publish(setup.log.typing(1n, 2n))],
    ["lost, and somebody reads after it", (setup) => setup.publish(1n, { kind: "read", userId: 2n })],
    ["lost, and somebody is added after it", addAgain(3n)],
    ["lost, and the reader is added again", addAgain(1n)],
    ["lost, and nothing follows", (setup) => setup.beat()],
  ];

  test.each(ways)("is the last of the room: %s", async (_, then) => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    const membershipId = setup.log.membership(1n, 1n);
    setup.publish(1n, { kind: "remove", userId: 3n });
    await tail.next();
    const removal = setup.log.change(1n, { kind: "send" }, { kind: "remove", userId: 1n }, { kind: "send" });
    await then(setup, removal);
    const items = await tail.next();
    expect(said(items)).toEqual(["memberRemoved"]);
    expect(items).toMatchObject([{ event: { value: { id: membershipId, roomId: 1n, userId: 1n } } }]);
    setup.broadcaster.publish(removal);
    setup.send(1n);
    setup.send(2n);
    expect(said(await tail.next())).toEqual(["2/1"]);
    expect(setup.feeds.size, "the room is let go of").toBe(1);
  });

  test.each(ways)("is the last of the room for a reader that was behind in the log: %s", async (_, then) => {
    const setup = new TailSetup({ logPageChanges: 2 });
    setup.log.append(1n, 5);
    const tail = await setup.following({ from: { 1: 0 } });
    setup.publish(1n, { kind: "remove", userId: 3n });
    const removal = setup.log.change(1n, { kind: "send" }, { kind: "remove", userId: 1n }, { kind: "send" });
    await then(setup, removal);
    const got: string[] = [];
    while (!got.includes("memberRemoved")) got.push(...said(await tail.next()));
    expect(got.filter((each) => each !== "caughtUp ").at(-1)).toBe("memberRemoved");
    expect(got).not.toContain("1/7");
    setup.send(1n);
    const waiting = tail.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(said(await waiting).filter((each) => each.startsWith("1"))).toEqual([]);
  });

  test("is told of a room that is not there any more", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    setup.readLogs = async (places) => places.map(() => undefined);
    setup.log.append(1n, 2);
    setup.send(1n);
    expect(said(await tail.next())).toEqual(["roomDeleted"]);
    expect(setup.feeds.size).toBe(1);
  });

  test("is told of a room that is deleted, at once, and nothing of it after that", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    const waiting = tail.next();
    setup.broadcaster.publish(create(NewsSchema, { roomId: 1n, isDeleted: true }));
    expect(said(await waiting)).toEqual(["roomDeleted"]);
    setup.send(1n);
    setup.send(2n);
    expect(said(await tail.next())).toEqual(["2/1"]);
    expect(setup.feeds.size).toBe(1);
  });

  test("is told, and not that the room was deleted after it, to a reader who takes both at once", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    setup.publish(1n, { kind: "send" }, { kind: "remove", userId: 1n });
    setup.broadcaster.publish(create(NewsSchema, { roomId: 1n, isDeleted: true }));
    expect(said(await tail.next())).toEqual(["memberRemoved"]);
    expect(setup.feeds.size).toBe(1);
  });

  test("is told of a room that is deleted after what it had before", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    setup.send(1n);
    setup.broadcaster.publish(create(NewsSchema, { roomId: 1n, isDeleted: true }));
    expect(said(await tail.next())).toEqual(["1/2", "roomDeleted"]);
  });

  test("is told of a room that was deleted elsewhere, when the rooms are looked at next", async () => {
    const setup = new TailSetup();
    const tail = await setup.following({ rooms: [1n, 2n] });
    setup.log.commitNow([change("deleteRoom", { roomId: 1n, actorId: AUTHOR })]);
    const waiting = tail.next();
    await vi.advanceTimersByTimeAsync(HEAD_WATCH_MS);
    expect(said(await waiting)).toEqual(["roomDeleted"]);
  });

  test("is told of a room that is deleted to one who comes while others are being told", async () => {
    const setup = new TailSetup();
    const first = await setup.following();
    const memberships = await setup.log.memberships(1n, [1n]);
    setup.broadcaster.publish(create(NewsSchema, { roomId: 1n, isDeleted: true }));
    const late = await Tail.open(setup.feeds, { userId: 1n, memberships, from: new Map() });
    expect(said(await late.next())).toEqual(["caughtUp 1/1+4", "roomDeleted"]);
    expect(said(await first.next())).toEqual(["roomDeleted"]);
    expect(setup.feeds.size).toBe(0);
    for (const tail of [first, late]) tail.close("done");
  });

  test("of all rooms leaves a reader with heartbeats", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    setup.publish(1n, { kind: "remove", userId: 1n });
    expect(said(await tail.next())).toEqual(["memberRemoved"]);
    const waiting = tail.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(said(await waiting)).toEqual(["heartbeat "]);
    tail.close("gone");
    await setup.expectNothingLeft();
  });

  test("that came before the present one is nothing to it, however late it is told of", async () => {
    const setup = new TailSetup();
    await setup.following({ userId: 2n });
    const removal = setup.log.change(1n, { kind: "remove", userId: 1n });
    const addition = setup.log.change(1n, { kind: "add", userId: 1n });
    setup.readLogs = never;
    const tail = await setup.tail({ from: { 1: { seq: 1n, memberSeq: 4n } } });
    expect(said(await tail.next())).toContain("caughtUp 1/1+4");
    const got: string[] = [];
    void tail.next((item) => got.push(...said([item])) > 0);
    await setup.settle();
    setup.broadcaster.publish(removal);
    setup.broadcaster.publish(addition);
    expect(got).toEqual(["1+6"]);
  });

  test("that came before the present one, in the same commit, is nothing to it", async () => {
    const setup = new TailSetup();
    const first = await setup.following({ userId: 2n });
    setup.publish(1n, { kind: "remove", userId: 1n }, { kind: "add", userId: 1n });
    const tail = await setup.tail({ from: { 1: { seq: 1n, memberSeq: 4n } } });
    await tail.next();
    const read = `1 read ${setup.log.logs(1n).messages[0]!.id}`;
    expect(said(await tail.next())).toEqual(["1+6", read, "caughtUp 1/1+6"]);
    expect(said(await first.next()), "that was busy, and so reads the log").toContain("1+6");
  });

  test("in whose place another one is, in the same commit, is the last of the room", async () => {
    const setup = new TailSetup();
    const tail = await setup.following();
    const waiting = tail.next();
    const membershipId = setup.log.membership(1n, 1n);
    setup.publish(1n, { kind: "remove", userId: 1n }, { kind: "add", userId: 1n }, { kind: "send" });
    const items = await waiting;
    expect(said(items)).toEqual(["memberRemoved", "caughtUp "]);
    expect(items[0]).toMatchObject({ event: { value: { id: membershipId } } });
  });

  test.each(["told", "told while it is busy", "lost"])(
    "ends it with NOT_FOUND where it can't be said: %s",
    async (how) => {
      const setup = new TailSetup();
      const tail = await setup.following({ rooms: [1n, 2n], endsWhenRemoved: true });
      const waiting = how === "told while it is busy" ? undefined : tail.next();
      waiting?.catch(() => {});
      const removal = setup.log.change(2n, { kind: "send" }, { kind: "remove", userId: 1n });
      if (how !== "lost") setup.broadcaster.publish(removal);
      await setup.beat();
      await expect(waiting ?? tail.next()).rejects.toMatchObject({ code: Code.NotFound });
      await setup.expectNothingLeft();
    },
  );
});

test("[T5] two memberships that end at a time leave the others' feeds as they are", async () => {
  const setup = new TailSetup();
  const other = await setup.following({ userId: 2n, rooms: [1n, 2n] });
  const tail = await setup.following({ rooms: [1n, 2n], endsWhenRemoved: true });
  for (const roomId of [1n, 2n]) setup.publish(roomId, { kind: "remove", userId: 1n });
  await expect(tail.next()).rejects.toMatchObject({ code: Code.NotFound });
  await setup.settle();
  expect(setup.feeds.size).toBe(2);
  for (const roomId of [1n, 2n]) setup.send(roomId);
  expect(said(await other.next())).toEqual(["1+5", "1/2", "2+5", "2/1"]);
  other.close("gone");
  await setup.expectNothingLeft();
});

test("[T5] what comes before the end of a stream has its cursors, or is not given", async () => {
  const setup = new TailSetup();
  const tail = await setup.following({ rooms: [1n, 2n], endsWhenRemoved: true });
  vi.advanceTimersByTime(HEARTBEAT_MS);
  setup.send(1n);
  setup.publish(2n, { kind: "remove", userId: 1n });
  await expect(tail.next()).rejects.toMatchObject({ code: Code.NotFound });
});
