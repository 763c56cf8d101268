import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type SearchIndex, SearchIndexer, type SearchPlace } from "../../src/chat/search-indexer.ts";

const BEGINNING: SearchPlace = { revision: 0n, roomId: 0n, seq: 0n };

/** An index of a log in memory, whose steps take some time. */
class MemoryIndex implements SearchIndex {
  sent = 0;
  entered = 0;
  looks = 0;
  isOthers = false;
  failure: Error | undefined;
  stepMs = 2;

  async pending(count: number) {
    this.looks++;
    await vi.advanceTimersByTimeAsync(0);
    if (this.failure) throw this.failure;
    const messages = Array.from({ length: Math.min(count, this.sent - this.entered) }, (_, i) => {
      const n = BigInt(this.entered + i + 1);
      return { place: { ...BEGINNING, revision: n }, id: n, body: `message ${n}` };
    });
    return { after: BEGINNING, messages, isWhole: messages.length < count, revision: BigInt(this.sent) };
  }

  async put(messages: readonly { readonly words: string }[]): Promise<boolean> {
    vi.setSystemTime(Date.now() + this.stepMs);
    if (this.isOthers) return false;
    this.entered += messages.length;
    return true;
  }
}

describe("a search indexer", () => {
  let index: MemoryIndex;
  let errors: unknown[];
  let indexer: SearchIndexer;
  beforeEach(async () => {
    vi.useFakeTimers();
    index = new MemoryIndex();
    errors = [];
    indexer = new SearchIndexer(index, (error) => errors.push(error));
    await vi.advanceTimersByTimeAsync(1_000);
    index.looks = 0;
  });
  afterEach(async () => {
    await indexer[Symbol.asyncDispose]();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  test("enters what was committed within a second of being told, all commits of it together", async () => {
    for (let i = 0; i < 10; i++) {
      index.sent++;
      indexer.wake();
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect([index.entered, index.looks]).toEqual([10, 1]);
  });

  test("goes through a backlog step by step, and then looks seldom", async () => {
    index.sent = 1_050;
    indexer.wake();
    await vi.advanceTimersByTimeAsync(3_000);
    expect([index.entered, index.looks]).toEqual([1_050, 11]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(index.looks).toBe(13);
  });

  test("finds by itself what others have committed who are gone", async () => {
    index.sent = 5;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(index.entered).toBe(5);
  });

  test("leaves it for a while to another process that is at it", async () => {
    index.sent = 500;
    index.isOthers = true;
    indexer.wake();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(index.looks).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(index.looks).toBeLessThanOrEqual(11);
    index.isOthers = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(index.entered).toBe(500);
  });

  test("says what went wrong, and tries again", async () => {
    index.sent = 1;
    index.failure = new Error("away");
    indexer.wake();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(errors).toEqual([index.failure]);
    index.failure = undefined;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(index.entered).toBe(1);
  });
});
