import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Caller } from "../../src/chat/caller.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { Quota, Quotas } from "../../src/chat/quotas.ts";

const limits = { ...LIMITS, sendsPerSecond: 5, quotaKeys: 100 };
const quota = () => new Quota("sendsPerSecond", 1_000, 20, limits);

/** When it may be tried again, in milliseconds; 0 if it was taken. */
function wait(of: Quota, key: string, now: number): number {
  try {
    of.take(key, now);
    return 0;
  } catch (e) {
    const error = ConnectError.from(e);
    expect(error.code).toBe(Code.ResourceExhausted);
    const [info] = error.findDetails(ErrorInfoSchema);
    expect(info).toMatchObject({ reason: "RATE_LIMITED", domain: "roomlog", metadata: { limit: "sendsPerSecond" } });
    return durationMs(error.findDetails(RetryInfoSchema)[0]!.retryDelay!);
  }
}

describe("[P7] a quota", () => {
  test("gives so many at once, and then so many in a while", () => {
    const sends = quota();
    for (let i = 0; i < 20; i++) expect(wait(sends, "1", 0)).toBe(0);
    expect(wait(sends, "1", 0)).toBe(200);
    expect(wait(sends, "1", 150)).toBe(50);
    expect(wait(sends, "1", 200)).toBe(0);
    expect(wait(sends, "1", 200)).toBe(200);
    expect(wait(sends, "2", 200), "another's").toBe(0);
    expect(wait(sends, "1", 1_000_000)).toBe(0);
  });

  test("gives no more than its rate in any while, and what it refuses after the time that it says", () => {
    const gaps = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, (steps) => {
        const sends = quota();
        const taken: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          const waitMs = wait(sends, "1", now);
          if (waitMs > 0) expect(wait(sends, "1", (now += waitMs))).toBe(0);
          taken.push(now);
          const first = taken.findIndex((time) => time > now - 1_000);
          expect(taken.length - first).toBeLessThanOrEqual(25);
        }
      }),
    );
  });

  test("remembers a bounded number of keys, and none that owes nothing", () => {
    const sends = quota();
    for (let i = 0; i < 20; i++) sends.take("busy", 0);
    for (let i = 0; i < 99; i++) sends.take(`${i}`, 0);
    expect(wait(sends, "busy", 0)).toBeGreaterThan(0);
    for (let i = 0; i < 1_000; i++) sends.take(`more ${i}`, 0);
    expect(wait(sends, "busy", 0), "after it was forgotten").toBe(0);
  });
});

test("[P7] several at once count each, and as many as there may be can be", () => {
  const sends = quota();
  sends.take("a", 0, 15);
  expect(() => sends.take("a", 0, 6)).toThrow(/try again in 200 ms/);
  sends.take("a", 0, 5);
  expect(() => sends.take("a", 0)).toThrow();
  sends.take("b", 0, 1_000);
  expect(() => sends.take("b", 0)).toThrow(/try again in 200 ms/);
});

describe("[P7] the quotas of", () => {
  const caller = (kind: Caller["kind"], userId: bigint, name = ""): Caller => ({ kind, userId, views: [], name });
  const untilRefused = (quotas: Quotas, who: Caller, most: number) => {
    for (let taken = 0; taken < most; taken++) {
      try {
        quotas.take(who, "sends");
      } catch {
        return taken;
      }
    }
    return most;
  };

  test("users are each user's own, viewers' each token's, and services' much higher", () => {
    const quotas = new Quotas({ ...LIMITS, viewPagesBurst: 40 });
    expect(untilRefused(quotas, caller("user", 1n), 100)).toBe(20);
    expect(untilRefused(quotas, caller("user", 2n), 100)).toBe(20);
    expect(untilRefused(quotas, caller("viewer", 0n, "a"), 100)).toBe(40);
    expect(untilRefused(quotas, caller("viewer", 0n, "b"), 100)).toBe(40);
    expect(untilRefused(quotas, caller("service", 1n, "key"), 10_000)).toBe(10_000);
    expect(untilRefused(quotas, caller("trusted", 1n), 10_000)).toBe(10_000);
  });

  test("one kind are no other's", () => {
    const quotas = new Quotas(LIMITS);
    expect(untilRefused(quotas, caller("user", 1n), 100)).toBe(20);
    expect(() => quotas.take(caller("user", 1n), "pages")).not.toThrow();
  });
});
