import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StreamAllReqSchema, type StreamAllRes } from "../../gen/chat_pb.ts";
import type { AllNews } from "../../gen/room/room_pb.ts";
import { ChangeFollower } from "../../src/chat/change-follower.ts";
import { ChangeLog } from "../../src/chat/change-log.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { MemoryLog } from "../support/memory-log.ts";

const WATCH_MS = 250;
const ROOM = 1n;

describe("a follower of all rooms", () => {
  let memory: MemoryLog;
  let log: ChangeLog;
  let reads: number;
  beforeEach(() => {
    vi.useFakeTimers();
    memory = new MemoryLog();
    reads = 0;
    const store = {
      changes: (...args: Parameters<MemoryLog["changes"]>) => {
        reads++;
        return memory.changes(...args);
      },
    };
    log = new ChangeLog(store, { ...LIMITS, allPageChanges: 3 }, WATCH_MS);
    memory.append(ROOM, 5);
  });
  afterEach(() => void vi.useRealTimers());

  const open = (after = "", heartbeatSeconds = 0) => {
    return ChangeFollower.open(log, create(StreamAllReqSchema, { after, heartbeatSeconds }));
  };

  /** Everything until it is up to date. */
  async function untilUpToDate(follower: ChangeFollower): Promise<StreamAllRes[]> {
    const events: StreamAllRes[] = [];
    while (events.at(-1)?.event.case !== "upToDate") events.push(...eventsOf(await follower.next()));
    return events;
  }

  const eventsOf = (news: readonly AllNews[]) => news.flatMap(({ events }) => events);
  const bodies = (told: readonly (AllNews | StreamAllRes)[]) => {
    return told
      .flatMap((each) => ("events" in each ? each.events : [each]))
      .flatMap(({ event }) => (event.case === "message" ? [event.value.body] : []));
  };

  test("gives all there is, page by page, and then what a commit has told of", async () => {
    const follower = await open();
    const events = await untilUpToDate(follower);
    expect(bodies(events)).toEqual([1, 2, 3, 4, 5].map((n) => `message ${n}`));
    const next = follower.next();
    memory.append(ROOM, 2);
    log.wake();
    await vi.advanceTimersByTimeAsync(2);
    expect(bodies(await next)).toEqual(["message 6", "message 7"]);
    follower.close(new ConnectError("over"));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a commit that is told of while a page is read is looked for at once", async () => {
    const follower = await open("now");
    await untilUpToDate(follower);
    let next = follower.next();
    memory.append(ROOM);
    log.wake();
    await vi.advanceTimersByTimeAsync(2);
    await next;
    const page = memory.changes;
    memory.changes = async (...args: Parameters<MemoryLog["changes"]>) => {
      const read = await page.call(memory, ...args);
      if (memory.changes !== page) {
        memory.changes = page;
        memory.append(ROOM);
        log.wake();
      }
      return read;
    };
    next = follower.next();
    log.wake();
    await vi.advanceTimersByTimeAsync(10);
    expect(bodies(await next)).toEqual(["message 7"]);
    follower.close(new ConnectError("over"));
  });

  test("looks at its interval for what nobody told of, once for all who wait", async () => {
    const followers = await Promise.all([open("now"), open("now"), open("now")]);
    for (const follower of followers) await untilUpToDate(follower);
    const next = followers.map((follower) => follower.next());
    memory.append(ROOM);
    const before = reads;
    await vi.advanceTimersByTimeAsync(WATCH_MS);
    const events = await Promise.all(next);
    expect(events.map(bodies)).toEqual(followers.map(() => ["message 6"]));
    expect(new Set(events.flat()).size).toBe(1);
    expect(reads).toBe(before + 1);
    for (const follower of followers) follower.close(new ConnectError("over"));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("says at its heartbeat that nothing is missing", async () => {
    const follower = await open("now", 1);
    await untilUpToDate(follower);
    const next = follower.next();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(eventsOf(await next).map(({ event }) => event.case)).toEqual(["upToDate"]);
    follower.close(new ConnectError("over"));
  });

  test("reads one page ahead and no more, however slowly it is read", async () => {
    const follower = await open();
    await follower.next();
    await vi.advanceTimersByTimeAsync(10 * WATCH_MS);
    expect(reads).toBe(2);
    follower.close(new ConnectError("over"));
  });

  test("ends for the reason it was closed for, and with what the store threw", async () => {
    const closed = await open("now");
    await untilUpToDate(closed);
    const waiting = closed.next();
    closed.close(new ConnectError("over", Code.Unavailable));
    await expect(waiting).rejects.toMatchObject({ rawMessage: "over" });

    const failing = await open("now");
    await untilUpToDate(failing);
    memory.changes = () => Promise.reject(new ConnectError("away", Code.Unavailable));
    const failed = expect(failing.next()).rejects.toMatchObject({ rawMessage: "away" });
    await vi.advanceTimersByTimeAsync(WATCH_MS);
    await failed;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends when the database is another one by now, whose log has no such place", async () => {
    const follower = await open("now");
    await untilUpToDate(follower);
    const [, cursor] = [0, (await untilUpToDate(await open("now"))).at(-1)!.cursor];
    memory.model.epoch = "another";
    const ended = expect(follower.next()).rejects.toMatchObject({ code: Code.Unavailable });
    await vi.advanceTimersByTimeAsync(WATCH_MS);
    await ended;
    await expect(open(cursor)).rejects.toMatchObject({ code: Code.OutOfRange });
  });
});
