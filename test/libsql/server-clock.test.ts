import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServerClock } from "../../src/libsql/remote/server-clock.ts";

const HOURS = 3_600_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test.each([-5 * HOURS, 0, 1.7e12])(
  "[D4] a deadline is never later than the true one, with a server %d ms ahead",
  (ahead) => {
    const clock = new ServerClock();
    expect(clock.isKnown).toBe(false);
    const answerAfter = (ms: number) => {
      const told = performance.now() + ahead;
      vi.advanceTimersByTime(ms);
      clock.learn(told);
    };
    answerAfter(50);
    expect(clock.at(10_000)).toBe(10_000 + ahead - 50);
    answerAfter(3);
    answerAfter(400);
    expect(clock.at(10_000)).toBe(10_000 + ahead - 3);
  },
);

test("[D4] what it knows counts for a minute, or until it is forgotten", () => {
  const clock = new ServerClock();
  clock.learn(1_000);
  vi.advanceTimersByTime(59_000);
  expect(clock.isKnown).toBe(true);
  vi.advanceTimersByTime(1_001);
  expect(clock.isKnown).toBe(false);
  clock.learn(500); // the server's clock was set back
  expect(clock.at(performance.now())).toBe(500);
  clock.forget();
  expect(clock.isKnown).toBe(false);
});
