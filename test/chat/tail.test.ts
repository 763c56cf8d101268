import { getEventListeners } from "node:events";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Batch, Subscriber } from "../../src/chat/broadcaster.ts";
import { INBOX_MESSAGES, PAGE_MESSAGES } from "../../src/chat/limits.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import type { Positions } from "../../src/chat/store.ts";
import { tail } from "../../src/chat/tail.ts";
import { MemoryLog, testBatch } from "../support/memory-log.ts";

const HEAD_CHECK_MS = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A room's tail, its log and its broadcaster. */
class Setup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly left = new AbortController();
  reads = 0;
  /** Replaces the next read of the log. */
  nextRead: (() => Promise<never>) | undefined;

  tail(from: Positions = new Map([[1n, 0n]]), subscriber: Subscriber = this.broadcaster, maxAgeMs?: number) {
    const changesAfter = (cursors: Positions, limit: number) => {
      this.reads++;
      const read = this.nextRead;
      this.nextRead = undefined;
      return read ? read() : this.log.changesAfter(cursors, limit);
    };
    return tail({ store: { changesAfter }, subscriber }, from, this.left.signal, HEAD_CHECK_MS, maxAgeMs);
  }

  /** A tail that has begun, of a log with one change, which it has delivered. */
  async following() {
    this.log.append(1n);
    const changes = this.tail();
    await changes.next();
    await changes.next();
    expect(this.reads).toBe(1);
    return changes;
  }

  expectNothingLeft() {
    expect(this.broadcaster.size, "subscriptions").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
    expect(getEventListeners(this.left.signal, "abort"), "abort listeners").toEqual([]);
  }
}

const seqs = ({ value }: IteratorResult<readonly Batch[], never>) => value.flat().map(({ seq }) => Number(seq));
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("tail", () => {
  test("[T1] the first item is empty, and comes before the log is read", async () => {
    const setup = new Setup();
    setup.log.append(1n, 3);
    const changes = setup.tail();
    expect(await changes.next()).toEqual({ done: false, value: [] });
    expect(setup).toMatchObject({ reads: 0, broadcaster: { size: 1 } });
    expect(seqs(await changes.next())).toEqual([1, 2, 3]);
  });

  test("[T1] what is committed after the first item is delivered, even if its notification is lost", async () => {
    const setup = new Setup();
    const changes = setup.tail();
    await changes.next();
    setup.log.append(1n, 2);
    expect(seqs(await changes.next())).toEqual([1, 2]);
  });

  test("[T2] a change that follows the cursor is passed on as it is, without a read", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const batch = setup.log.append(1n, 3);
    setup.broadcaster.publish(batch);
    expect((await changes.next()).value[0]).toBe(batch);
    expect(setup.reads).toBe(1);
  });

  test("[T2] of a batch that was delivered in part, the rest is delivered", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.log.append(1n, 2);
    setup.broadcaster.publish(testBatch(1n, 1, 3));
    expect(seqs(await changes.next())).toEqual([2, 3]);
    expect(setup.reads).toBe(1);
  });

  test("[T2] a gap is filled from the log", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.log.append(1n, 3);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await changes.next())).toEqual([2, 3, 4, 5]);
  });

  test("[T2] a gap in one room is not a reason to read the others", async () => {
    const setup = new Setup();
    const changes = setup.tail(new Map([1n, 2n].map((roomId) => [roomId, 0n])));
    await changes.next();
    setup.broadcaster.publish(setup.log.append(2n));
    await changes.next();
    const changesAfter = vi.spyOn(setup.log, "changesAfter");
    setup.log.append(1n);
    setup.broadcaster.publish(setup.log.append(1n));
    setup.broadcaster.publish(setup.log.append(2n));
    expect((await changes.next()).value.flat().map(({ roomId, seq }) => `${roomId}/${seq}`)).toEqual(["2/2", "1/1", "1/2"]);
    expect(changesAfter).toHaveBeenCalledExactlyOnceWith(new Map([[1n, 0n]]), expect.any(Number));
  });

  test("[T2] a backlog is read page by page, and then it is live", async () => {
    const setup = new Setup();
    setup.log.append(1n, 2 * PAGE_MESSAGES);
    const changes = setup.tail();
    await changes.next();
    expect(seqs(await changes.next())).toEqual(range(1, PAGE_MESSAGES));
    expect(seqs(await changes.next())).toEqual(range(PAGE_MESSAGES + 1, 2 * PAGE_MESSAGES));
    const waiting = changes.next();
    const batch = setup.log.append(1n);
    setup.broadcaster.publish(batch);
    expect((await waiting).value).toEqual([batch]);
    expect(setup.reads).toBe(3);
  });

  test("[T2] a lost last notification is repaired by suspicion, within headCheckMs ± 25 %", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    setup.log.append(1n);
    await vi.advanceTimersByTimeAsync(0.74 * HEAD_CHECK_MS);
    expect(setup.reads).toBe(1);
    await vi.advanceTimersByTimeAsync(0.52 * HEAD_CHECK_MS);
    expect(seqs(await waiting)).toEqual([2]);
  });

  test("[T2] a suspicion without a reason delivers nothing, and one read is enough for it", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    await vi.advanceTimersByTimeAsync(1.25 * HEAD_CHECK_MS);
    expect(setup.reads).toBe(2);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await waiting)).toEqual([2]);
    expect(setup.reads).toBe(2);
  });

  test("[T3] however much happens between two reads of it, an item is an inbox and a page at most", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const last = 1 + 10 * INBOX_MESSAGES;
    while (setup.log.head(1n) < last) setup.broadcaster.publish(setup.log.append(1n, INBOX_MESSAGES / 4));
    const got: number[] = [];
    while (got.length < last - 1) {
      const item = seqs(await changes.next());
      expect(item.length).toBeLessThanOrEqual(INBOX_MESSAGES + PAGE_MESSAGES);
      got.push(...item);
    }
    expect(got).toEqual(range(2, last));
  });

  test("[T4] throws the signal's reason while it waits, and has ended then", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    setup.left.abort("gone");
    await expect(waiting).rejects.toBe("gone");
    expect(await changes.next()).toEqual({ done: true, value: undefined });
    setup.expectNothingLeft();
  });

  test("[T4] throws the signal's reason when it was aborted between two items, whatever has arrived", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.broadcaster.publish(setup.log.append(1n));
    setup.left.abort("gone");
    await expect(changes.next()).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test("[T4] throws the signal's reason, and is never live, when it was aborted before it began", async () => {
    const setup = new Setup();
    setup.left.abort("gone");
    await expect(setup.tail().next()).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test("[T4] aborted while it subscribes, it ends with the subscription disposed", async () => {
    const setup = new Setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const changes = setup.tail(undefined, {
      subscribe: (rooms, inbox) => promise.then(() => setup.broadcaster.subscribe(rooms, inbox)),
    });
    const ended = (async () => {
      for await (const item of changes) expect(item).toEqual([]);
    })();
    setup.left.abort("gone");
    resolve();
    await expect(ended).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test.each([0, 1, 2])("[T4] left by return() after %i items, it leaves nothing behind", async (items) => {
    const setup = new Setup();
    setup.log.append(1n);
    const changes = setup.tail();
    for (let i = 0; i < items; i++) await changes.next();
    await changes.return(undefined as never);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
    setup.expectNothingLeft();
  });

  test("[T4] throws UNAVAILABLE when it is as old as it may get", async () => {
    const setup = new Setup();
    const changes = setup.tail(undefined, undefined, 60_000);
    await changes.next();
    const waiting = changes.next();
    vi.advanceTimersByTime(59_999);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await waiting)).toEqual([1]);
    vi.advanceTimersByTime(1);
    await expect(changes.next()).rejects.toMatchObject({ code: Code.Unavailable });
    setup.expectNothingLeft();
  });

  test("[T4] left before it is as old as it may get, it leaves no timer", async () => {
    const setup = new Setup();
    const changes = setup.tail(undefined, undefined, 60_000);
    await changes.next();
    await changes.return(undefined as never);
    setup.expectNothingLeft();
  });

  test("[T4] throws what the store threw", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const reason = new Error("the database is away");
    setup.nextRead = () => Promise.reject(reason);
    vi.advanceTimersByTime(1.25 * HEAD_CHECK_MS);
    await expect(changes.next()).rejects.toBe(reason);
    setup.expectNothingLeft();
  });

  test("[T4] throws what the subscriber threw", async () => {
    const setup = new Setup();
    const reason = new Error("no link");
    const changes = setup.tail(undefined, { subscribe: () => Promise.reject(reason) });
    await expect(changes.next()).rejects.toBe(reason);
    setup.expectNothingLeft();
  });
});
