import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ListCursor } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { TailItem } from "../../src/chat/room-cursor.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import type { Tail } from "../../src/chat/tail.ts";
import { AUTHOR } from "../support/memory-log.ts";
import { nextTurn } from "../support/stream-setup.ts";
import { said, TailSetup } from "../support/tail-setup.ts";

const { listIntervalMs: INTERVAL } = LIMITS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A process with rooms 1 to 3, and a tail of the list of user 1 that has looked once. */
async function setup({ rooms = [] as bigint[], heartbeatMs = undefined as number | undefined, limits = {} } = {}) {
  const setup = new TailSetup(limits);
  for (const roomId of [1n, 2n, 3n]) setup.log.logs(roomId);
  const tail = await setup.tail({ rooms, listAfter: "now", heartbeatMs });
  await tail.next();
  await nextTurn();
  await vi.advanceTimersByTimeAsync(INTERVAL);
  setup.listLooks.length = 0;
  /** As it is committed in this process. */
  const publish = (news: News) => {
    setup.broadcaster.publish(news);
    setup.feeds.lists.hear(news);
  };
  return { setup, tail, publish };
}

/** Where items say that the reader is in the list. */
function positionIn(items: readonly TailItem[]): ListCursor {
  for (const item of items) {
    if (item.$typeName !== "chat_grpc.Event") continue;
    if (item.event.case === "caughtUp" || item.event.case === "heartbeat") return item.event.value.list!;
  }
  throw new Error("they don't say it");
}

describe("[T7] the list", () => {
  test("tells of what this process commits at once, and of what others commit at the next look", async () => {
    const { setup: at, tail, publish } = await setup();
    publish(at.log.append(2n));
    expect(said(await tail.next())).toEqual(["room 2: 1 unread"]);
    await vi.advanceTimersByTimeAsync(INTERVAL);
    const waiting = tail.next();
    at.log.append(3n);
    await at.beat();
    expect(said(await waiting)).toEqual(["room 3: 1 unread"]);
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("tells of rooms that the user is added to and removed from, in this process or another", async () => {
    const { setup: at, tail, publish } = await setup();
    publish(at.log.change(1n, { kind: "remove", userId: 1n }));
    expect(said(await tail.next())).toEqual(["left 1"]);
    await vi.advanceTimersByTimeAsync(INTERVAL);
    publish(at.log.append(1n));
    await at.beat();
    expect(at.listLooks, "a room that was left concerns the list no more").toHaveLength(1);
    const waiting = tail.next();
    at.log.change(1n, { kind: "add", userId: 1n });
    await at.beat();
    expect(said(await waiting)).toEqual(["room 1: 0 unread"]);
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    publish(at.log.append(1n));
    expect(said(await tail.next()), "and one that is new concerns it").toEqual(["room 1: 1 unread"]);
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("tells of the user's own read marks, wherever they are set, and not of those of others", async () => {
    const { setup: at, tail, publish } = await setup();
    publish(at.log.append(1n, 2));
    await tail.next();
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    publish(at.log.change(1n, { kind: "read", userId: 1n }));
    expect(said(await tail.next())).toEqual(["room 1: 0 unread"]);
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    const before = at.listLooks.length;
    publish(at.log.change(1n, { kind: "read", userId: 2n }));
    await at.beat();
    expect(at.listLooks).toHaveLength(before);
    const waiting = tail.next();
    at.log.change(1n, { kind: "unread", userId: 1n, nth: 0 });
    await at.beat();
    expect(said(await waiting)).toEqual(["room 1: 2 unread"]);
  });

  test("is looked at once in an interval, however much happens; nothing of it is missing in the end", async () => {
    const { setup: at, tail, publish } = await setup();
    const told: string[] = [];
    void (async () => {
      for (;;) told.push(...said(await tail.next()));
    })().catch(() => {});
    for (let i = 0; i < 100; i++) {
      publish(at.log.append(2n));
      await vi.advanceTimersByTimeAsync(INTERVAL / 10);
    }
    await vi.advanceTimersByTimeAsync(INTERVAL);
    expect(at.listLooks.length).toBeLessThanOrEqual(13);
    expect(told.filter((each) => each.startsWith("room 2")).at(-1)).toBe("room 2: 100 unread");
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("costs nothing while nothing in it happens, whatever happens elsewhere", async () => {
    const { setup: at, tail, publish } = await setup();
    publish(at.log.change(3n, { kind: "remove", userId: 1n }));
    await tail.next();
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    at.listLooks.length = 0;
    for (let i = 0; i < 10; i++) {
      publish(at.log.append(3n));
      publish(at.log.typing(1n, 2n));
      await at.beat();
    }
    expect(at.listLooks).toEqual([]);
  });

  test.each([1, 2])(
    "[P7] beyond %i remembered rooms is told of what changes, in old rooms and new ones",
    async (listedRooms) => {
      const { setup: at, tail, publish } = await setup({ limits: { listedRooms } });
      for (const roomId of [1n, 2n, 3n]) {
        publish(at.log.append(roomId));
        expect(said(await tail.next())).toEqual([`room ${roomId}: 1 unread`]);
        await vi.advanceTimersByTimeAsync(INTERVAL);
        const waiting = tail.next();
        at.log.append(roomId);
        await at.beat();
        expect(said(await waiting)).toEqual([`room ${roomId}: 2 unread`]);
        await vi.advanceTimersByTimeAsync(INTERVAL);
      }
      publish(at.log.change(2n, { kind: "remove", userId: 1n }));
      expect(said(await tail.next())).toEqual(["left 2"]);
      await vi.advanceTimersByTimeAsync(INTERVAL);
      publish(at.log.change(2n, { kind: "add", userId: 1n }));
      expect(said(await tail.next())).toEqual(["room 2: 0 unread"]);
      await vi.advanceTimersByTimeAsync(2 * INTERVAL);
      publish(at.log.append(2n));
      expect(said(await tail.next())).toEqual(["room 2: 1 unread"]);
      tail.close("gone");
      await at.expectNothingLeft();
    },
  );

  test("[P7] of which no rooms are remembered is looked at once in an interval, however much changes elsewhere", async () => {
    const { setup: at, publish, tail } = await setup({ limits: { listedRooms: 2 } });
    publish(at.log.change(3n, { kind: "remove", userId: 1n }));
    expect(said(await tail.next())).toEqual(["left 3"]);
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    at.listLooks.length = 0;
    for (let i = 0; i < 10 * 5; i++) {
      publish(at.log.append(3n));
      await vi.advanceTimersByTimeAsync(INTERVAL / 5);
    }
    expect(at.listLooks.length).toBeGreaterThan(1);
    expect(at.listLooks.length).toBeLessThanOrEqual(11);
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("resumes from a cursor, page by page, and says when it has caught up", async () => {
    const at = new TailSetup({ listPageRooms: 2 });
    for (const roomId of [1n, 2n, 3n]) at.log.logs(roomId);
    const { revision } = await at.log.listedRooms(1n);
    for (const roomId of [3n, 1n, 2n]) at.log.append(roomId);
    at.log.change(1n, { kind: "remove", userId: 1n });
    const tail = await at.tail({ rooms: [], listAfter: revision });
    const first = await tail.next();
    expect(positionIn(first)).toMatchObject({ revision, epoch: "memory" });
    const told: string[] = said(first).slice(1);
    while (told.at(-1) !== "caughtUp ") told.push(...said(await tail.next()));
    expect(told).toEqual(["room 3: 1 unread", "room 2: 1 unread", "left 1", "caughtUp "]);
    expect(at.listLooks).toHaveLength(2);
    const waiting = tail.next();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(positionIn(await waiting).revision).toBe((await at.log.listedRooms(1n)).revision);
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("moves its cursor only as far as the reader was told", async () => {
    const { setup: at, tail, publish } = await setup({ heartbeatMs: 8 * INTERVAL });
    const { revision } = await at.log.listedRooms(1n);
    publish(at.log.append(2n));
    await nextTurn(); // the page is there, and waits for the reader
    await vi.advanceTimersByTimeAsync(10 * INTERVAL);
    publish(at.log.append(3n));
    await nextTurn();
    expect(at.listLooks, "it holds one page").toHaveLength(1);
    const items = await tail.next();
    expect(said(items).slice(0, 1)).toEqual(["room 2: 1 unread"]);
    expect(positionIn(items).revision).toBe(revision + 1n);
    expect(said(await tail.next())).toEqual(["room 3: 1 unread"]);
  });

  test("is not kept waiting by rooms, nor rooms by it; a room that is followed wakes it", async () => {
    const { setup: at, tail } = await setup({ rooms: [1n] });
    await at.settle();
    const gate = Promise.withResolvers<void>();
    at.changedLists = async (...asked: Parameters<ChatStore["changedLists"]>) => {
      await gate.promise;
      return at.log.changedLists(...asked);
    };
    at.broadcaster.publish(at.log.append(1n));
    expect(said(await tail.next())).toEqual(["1/1"]);
    at.broadcaster.publish(at.log.append(1n));
    expect(said(await tail.next())).toEqual(["1/2"]);
    gate.resolve();
    expect(said(await tail.next())).toEqual(["room 1: 2 unread"]);
  });

  test("is looked at again when that fails, at growing intervals", async () => {
    const { setup: at, tail, publish } = await setup();
    let failures = 0;
    at.changedLists = () => {
      failures++;
      return Promise.reject(new Error("away"));
    };
    publish(at.log.append(2n));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failures).toBeGreaterThan(5);
    expect(failures).toBeLessThan(20);
    at.changedLists = undefined;
    const told: string[] = [];
    const waiting = (async () => {
      while (!told.includes("room 2: 1 unread")) told.push(...said(await tail.next()));
    })();
    await vi.advanceTimersByTimeAsync(5_000);
    await waiting;
    tail.close("gone");
    await at.expectNothingLeft();
  });

  test("ends with the stream if the database is another one", async () => {
    const { setup: at, tail, publish } = await setup();
    at.log.model.epoch = "another";
    publish(at.log.append(2n));
    await expect(tail.next()).rejects.toThrow("the database is another one than before");
    await at.expectNothingLeft();
  });

  test("of many readers is looked at together, and once for those who are at one place", async () => {
    const { setup: at, publish } = await setup();
    const tails: Tail[] = [];
    for (const userId of [1n, 1n, 2n, 3n, AUTHOR]) tails.push(await at.tail({ userId, rooms: [], listAfter: "now" }));
    for (const tail of tails) await tail.next();
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    at.listLooks.length = 0;
    publish(at.log.append(2n));
    const told = await Promise.all(tails.map((tail) => tail.next()));
    expect(told.map(said)).toEqual([1, 1, 1, 1, 0].map((count) => [`room 2: ${count} unread`]));
    expect(at.listLooks).toHaveLength(1);
    expect(new Set(at.listLooks[0]!).size).toBe(at.listLooks[0]!.length);
    expect(at.listLooks[0]!.length).toBeLessThan(tails.length + 1);
  });

  test("one reader that leaves takes nothing from the others of its user", async () => {
    const { setup: at, tail, publish } = await setup();
    const other = await at.tail({ rooms: [], listAfter: "now" });
    await other.next();
    tail.close("gone");
    await vi.advanceTimersByTimeAsync(2 * INTERVAL);
    publish(at.log.append(3n));
    expect(said(await other.next())).toEqual(["room 3: 1 unread"]);
    other.close("gone");
    await at.expectNothingLeft();
  });
});

describe("[T7] where feeds belong to one stream, the list", () => {
  const WATCH = 15_000;

  test("is looked at when a room that is named has changed, or when anything has at the next watch", async () => {
    const at = new TailSetup({}, undefined, { listWatchMs: WATCH });
    for (const roomId of [1n, 2n]) at.log.logs(roomId);
    const tail = await at.tail({ rooms: [1n], listAfter: "now", heartbeatMs: undefined });
    await tail.next();
    await vi.advanceTimersByTimeAsync(INTERVAL);
    await at.settle();
    at.listLooks.length = 0;
    at.broadcaster.publish(at.log.append(1n));
    expect(said(await tail.next())).toEqual(["1/1"]);
    expect(said(await tail.next())).toEqual(["room 1: 1 unread"]);
    await vi.advanceTimersByTimeAsync(2 * WATCH);
    const looks = at.listLooks.length;
    await vi.advanceTimersByTimeAsync(4 * WATCH);
    expect(at.listLooks, "nothing was committed").toHaveLength(looks);
    const waiting = tail.next();
    at.log.append(2n);
    await vi.advanceTimersByTimeAsync(WATCH);
    expect(said(await waiting)).toEqual(["room 2: 1 unread"]);
    tail.close("gone");
    await at.expectNothingLeft();
  });
});
