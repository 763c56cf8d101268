import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inbox, type News } from "../../src/chat/inbox.ts";
import { INBOX_MESSAGES } from "../../src/chat/limits.ts";
import { testBatch } from "../support/memory-log.ts";

const nothing: News = { batches: [], missed: false };

describe("Inbox", () => {
  test("gives batches in the order of their arrival, each once", async () => {
    const inbox = new Inbox();
    const batches = [testBatch(1n, 1, 3), testBatch(2n, 7), testBatch(1n, 4)];
    for (const batch of batches) inbox.push(batch);
    expect(await inbox.next()).toEqual({ batches, missed: false });
    expect(inbox.take()).toEqual(nothing);
  });

  test("says missed once", async () => {
    const inbox = new Inbox();
    inbox.miss();
    inbox.miss();
    expect(await inbox.next()).toEqual({ batches: [], missed: true });
    expect(inbox.take()).toEqual(nothing);
  });

  test("holds INBOX_MESSAGES, in however many batches", () => {
    const inbox = new Inbox();
    inbox.push(testBatch(1n, 1, INBOX_MESSAGES - 1));
    inbox.push(testBatch(1n, INBOX_MESSAGES));
    expect(inbox.take()).toMatchObject({ missed: false, batches: { length: 2 } });
  });

  test("drops all it holds when one message more arrives, and says missed", () => {
    const inbox = new Inbox();
    inbox.push(testBatch(1n, 1, INBOX_MESSAGES));
    inbox.push(testBatch(1n, INBOX_MESSAGES + 1));
    expect(inbox.take()).toEqual({ batches: [], missed: true });
  });

  test("takes in again what arrives after an overflow, with an empty count", () => {
    const inbox = new Inbox();
    inbox.push(testBatch(1n, 1, INBOX_MESSAGES + 1));
    const later = testBatch(1n, INBOX_MESSAGES + 2, 2 * INBOX_MESSAGES + 1);
    inbox.push(later);
    expect(inbox.take()).toEqual({ batches: [later], missed: true });
  });

  test("counts from nothing after it was taken", () => {
    const inbox = new Inbox();
    for (let i = 0; i < 3; i++) {
      inbox.push(testBatch(1n, 1, INBOX_MESSAGES));
      expect(inbox.take().missed).toBe(false);
    }
  });

  test("take() doesn't wait", () => {
    expect(new Inbox().take()).toEqual(nothing);
  });

  test.each<[string, (inbox: Inbox) => void]>([
    ["push()", (inbox) => inbox.push(testBatch(1n, 1))],
    ["an overflow", (inbox) => inbox.push(testBatch(1n, 1, INBOX_MESSAGES + 1))],
    ["miss()", (inbox) => inbox.miss()],
    ["close()", (inbox) => inbox.close(new Error("closed"))],
  ])("%s wakes next()", async (_, tell) => {
    const inbox = new Inbox();
    const settled = inbox.next().then(
      () => "news",
      () => "closed",
    );
    tell(inbox);
    expect(await settled).toMatch(/news|closed/);
  });

  test("close() rejects next() with the first reason, now and ever after, whatever waits or arrives", async () => {
    const inbox = new Inbox();
    const reason = new Error("the reader left");
    const waiting = inbox.next();
    inbox.push(testBatch(1n, 1));
    inbox.close(reason);
    inbox.close(new Error("another reason"));
    await expect(waiting).rejects.toBe(reason);
    await expect(inbox.next()).rejects.toBe(reason);
    inbox.push(testBatch(1n, 2));
    inbox.miss();
    await expect(inbox.next()).rejects.toBe(reason);
    expect(() => inbox.take()).toThrow(reason);
  });

  test("close() rejects even if the reason is undefined", async () => {
    const inbox = new Inbox();
    inbox.close(undefined);
    await expect(inbox.next()).rejects.toBeUndefined();
  });

  test("loses no wake-up, however arrivals and the reader interleave", async () => {
    const arrival = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant("missed" as const));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(arrival, { maxLength: 20 }), async (s, arrivals) => {
        const inbox = new Inbox();
        const expected: News[] = [];
        const got: News[] = [];
        let seq = 0;
        s.scheduleSequence(
          arrivals.map((size) => async () => {
            if (size === "missed") {
              inbox.miss();
              expected.push({ batches: [], missed: true });
            } else {
              const batch = testBatch(1n, seq + 1, (seq += size));
              inbox.push(batch);
              expected.push({ batches: [batch], missed: false });
            }
          }),
        );
        const reader = (async () => {
          for (;;) {
            got.push(await inbox.next());
            await s.schedule(Promise.resolve(), "the reader is busy");
          }
        })().catch((reason: unknown) => reason);
        await s.waitIdle();

        expect(got.flatMap(({ batches }) => batches)).toEqual(expected.flatMap(({ batches }) => batches));
        expect(got.some(({ missed }) => missed)).toBe(expected.some(({ missed }) => missed));
        expect(inbox.take()).toEqual(nothing);
        inbox.close("over");
        expect(await reader).toBe("over");
      }),
      { numRuns: 200 },
    );
  });
});
