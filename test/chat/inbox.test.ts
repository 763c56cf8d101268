import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inbox, type Taken } from "../../src/chat/inbox.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { MemoryLog, testNews } from "../support/memory-log.ts";

const { inboxChanges: INBOX } = LIMITS;
const nothing: Taken = { news: [], missed: false };

describe("Inbox", () => {
  test("gives news in the order of their arrival, each once", async () => {
    const inbox = new Inbox();
    const news = [testNews(1n, 1, 3), testNews(2n, 7), testNews(1n, 4)];
    for (const each of news) inbox.push(each);
    expect(await inbox.next()).toEqual({ news, missed: false });
    expect(inbox.take()).toEqual(nothing);
  });

  test("says missed once", async () => {
    const inbox = new Inbox();
    inbox.miss();
    inbox.miss();
    expect(await inbox.next()).toEqual({ news: [], missed: true });
    expect(inbox.take()).toEqual(nothing);
  });

  test("holds inboxChanges, in however many news", () => {
    const inbox = new Inbox();
    inbox.push(testNews(1n, 1, INBOX - 1));
    inbox.push(testNews(1n, INBOX));
    expect(inbox.take()).toMatchObject({ missed: false, news: { length: 2 } });
  });

  test("counts changes of members and typing as it counts messages", () => {
    const inbox = new Inbox();
    const log = new MemoryLog();
    inbox.push(testNews(1n, 1, INBOX - 2));
    inbox.push(log.commit(1n, [{ kind: "read", userId: 1n }]));
    inbox.push(log.typing(1n, 1n));
    expect(inbox.take()).toMatchObject({ missed: false, news: { length: 3 } });
    inbox.push(testNews(1n, 1, INBOX));
    inbox.push(log.typing(1n, 1n));
    expect(inbox.take()).toEqual({ news: [], missed: true });
  });

  test("holds inboxCharacters of text, however few changes have them; a taken one counts from nothing", () => {
    const [one, two] = [testNews(1n, 1, 2), testNews(2n, 3)];
    const length = "message 1".length;
    const inbox = new Inbox({ ...LIMITS, inboxCharacters: 3 * length });
    for (let i = 0; i < 2; i++) {
      inbox.push(one);
      inbox.push(two);
      expect(inbox.take()).toEqual({ news: [one, two], missed: false });
    }
    const narrow = new Inbox({ ...LIMITS, inboxCharacters: 3 * length - 1 });
    narrow.push(one);
    narrow.push(two);
    expect(narrow.take()).toEqual({ news: [], missed: true });
    narrow.push(one);
    expect(narrow.take(), "an overflow leaves no count behind").toEqual({ news: [one], missed: false });
  });

  test("a text that is longer than the inbox is missed, and what comes after it is taken in", () => {
    const inbox = new Inbox({ ...LIMITS, inboxCharacters: 10 });
    const long = testNews(1n, 1);
    long.messages[0]!.body = "x".repeat(11);
    const short = testNews(1n, 2);
    inbox.push(long);
    inbox.push(short);
    expect(inbox.take()).toEqual({ news: [short], missed: true });
  });

  test("what has no text counts as a change only", () => {
    const log = new MemoryLog();
    const inbox = new Inbox({ ...LIMITS, inboxCharacters: 1 });
    const all = [log.commit(1n, [{ kind: "read", userId: 1n }]), log.typing(1n, 1n)];
    for (const news of all) inbox.push(news);
    expect(inbox.take()).toEqual({ news: all, missed: false });
  });

  test("drops all it holds when one change more arrives, and says missed", () => {
    const inbox = new Inbox();
    inbox.push(testNews(1n, 1, INBOX));
    inbox.push(testNews(1n, INBOX + 1));
    expect(inbox.take()).toEqual({ news: [], missed: true });
  });

  test("takes in again what arrives after an overflow, with an empty count", () => {
    const inbox = new Inbox();
    inbox.push(testNews(1n, 1, INBOX));
    inbox.push(testNews(1n, INBOX + 1));
    const later = testNews(1n, INBOX + 2, 2 * INBOX + 1);
    inbox.push(later);
    expect(inbox.take()).toEqual({ news: [later], missed: true });
  });

  test("counts from nothing after it was taken", () => {
    const inbox = new Inbox();
    for (let i = 0; i < 3; i++) {
      inbox.push(testNews(1n, 1, INBOX));
      expect(inbox.take().missed).toBe(false);
    }
  });

  test("take() doesn't wait", () => {
    expect(new Inbox().take()).toEqual(nothing);
  });

  test.each<[string, (inbox: Inbox) => void]>([
    ["push()", (inbox) => inbox.push(testNews(1n, 1))],
    ["an overflow", (inbox) => inbox.push(testNews(1n, 1, INBOX + 1))],
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
    inbox.push(testNews(1n, 1));
    inbox.close(reason);
    inbox.close(new Error("another reason"));
    await expect(waiting).rejects.toBe(reason);
    await expect(inbox.next()).rejects.toBe(reason);
    inbox.push(testNews(1n, 2));
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
        const expected: Taken[] = [];
        const got: Taken[] = [];
        let seq = 0;
        s.scheduleSequence(
          arrivals.map((size) => async () => {
            if (size === "missed") {
              inbox.miss();
              expected.push({ news: [], missed: true });
            } else {
              const news = testNews(1n, seq + 1, seq + size);
              seq += size;
              inbox.push(news);
              expected.push({ news: [news], missed: false });
            }
          }),
        );
        const reader = (async () => {
          while (got.length <= arrivals.length) {
            got.push(await inbox.next());
            await s.schedule(Promise.resolve(), "the reader is busy");
          }
        })().catch((reason: unknown) => reason);
        await s.waitIdle();

        expect(got.flatMap(({ news }) => news)).toEqual(expected.flatMap(({ news }) => news));
        expect(got.some(({ missed }) => missed)).toBe(expected.some(({ missed }) => missed));
        expect(inbox.take()).toEqual(nothing);
        inbox.close("over");
        expect(await reader).toBe("over");
      }),
      { numRuns: 200 },
    );
  });
});
