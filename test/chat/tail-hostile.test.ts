import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HEAD_WATCH_MS, LIMITS } from "../../src/chat/limits.ts";
import { HEARTBEAT_MS, type ReaderPlan, type WorldReader } from "../support/hostile-reader.ts";
import type { Fate } from "../support/hostile-subscriber.ts";
import { type History, ROOMS, type RoomCommit, USERS, World } from "../support/hostile-world.ts";
import type { Step } from "../support/memory-log.ts";

const PAGE = 6;
/** More than a feed keeps. */
const MANY = 12;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const often = fc.constant(0);
const user = fc.constantFrom(...USERS);
const send = fc.constant<Step>({ kind: "send" });
const membership: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom("remove", "add"), userId: user });
const change = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 5, arbitrary: send },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("edit"), nth: fc.nat({ max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read"), userId: user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unread"), userId: user, nth: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove"), userId: user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("add", "add", "role"), userId: user }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "rename" }) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 5, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
  { weight: 3, arbitrary: fc.array(send, { minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.array(membership, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(change, { minLength: PAGE, maxLength: 2 * MANY }) },
  { weight: 1, arbitrary: fc.array(send, { minLength: MANY, maxLength: 2 * MANY }) },
);
const room = fc.constantFrom(...ROOMS);

const plans = fc.record<ReaderPlan>({
  userId: user,
  at: fc.nat({ max: 1 }),
  endsWhenRemoved: fc.constantFrom(false, false, true),
  rooms: fc.uniqueArray(room, { minLength: 1, maxLength: ROOMS.length }),
  behind: fc.option(fc.oneof(often, fc.nat({ max: 20 })), { nil: undefined }),
  takes: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  startsAfter: fc.nat({ max: 8 }),
  slowness: fc.oneof(often, fc.nat({ max: 4 })),
  leaves: fc.option(fc.record({ how: fc.constantFrom("pauses", "turns"), after: fc.nat({ max: 12 }) }), {
    nil: undefined,
    freq: 1,
  }),
});

const fates = fc.record<Fate>({
  copies: fc.constantFrom(1, 1, 0, 2),
  late: fc.boolean(),
  older: fc.oneof(often, fc.nat({ max: 5 })),
  cut: fc.oneof(often, fc.nat({ max: 2 })),
  missed: fc.constantFrom(false, false, false, true),
});

const limits = fc.record({
  logPageChanges: fc.constant(PAGE),
  // Of one message, of some, and of more than there are.
  logPageBytes: fc.constantFrom(1, 30, 60, LIMITS.logPageBytes),
  // Nothing, of one change, of some, and of more than there are.
  feedBytes: fc.constantFrom(0, 2_500, 8_192, LIMITS.feedBytes),
  allFeedsBytes: fc.constantFrom(5_000, LIMITS.allFeedsBytes),
  readerPages: fc.integer({ min: 1, max: 2 }),
  logReads: fc.integer({ min: 1, max: 2 }),
  logReadPages: fc.integer({ min: 1, max: 3 }),
});

const histories = (fate: fc.Arbitrary<Fate>) =>
  fc.record<History>({
    limits,
    changedRoomsPage: fc.constantFrom(1, 2, ROOMS.length),
    fates: fc.array(fate, { minLength: 1, maxLength: 16 }),
    before: fc.tuple(...ROOMS.map(() => fc.array(change, { maxLength: 15 }))),
    commits: fc.array(
      fc.record({
        by: fc.nat({ max: 1 }),
        rooms: fc.uniqueArray(fc.record<RoomCommit>({ roomId: room, steps }), {
          selector: ({ roomId }) => roomId,
          minLength: 1,
          maxLength: 2,
        }),
      }),
      { maxLength: 10 },
    ),
    beats: fc.nat({ max: 2 }),
    readers: fc.array(plans, { minLength: 1, maxLength: 4 }),
  });

describe("tails, with any subscriber and any interleaving", { timeout: 120_000 }, () => {
  test.each([
    ["in one process", 1, 1_000],
    ["in two, of which each hears only what is committed through it", 2, 1_000],
  ])(
    "%s: give every change once and in order, a beat after the last loss at the latest",
    async (_, processes, numRuns) => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), histories(fates), async (scheduler, history) => {
          const world = new World(scheduler, history, processes);
          const readers = await world.run();
          await world.pass(HEAD_WATCH_MS);
          for (const reader of readers) reader.check();
          await world.confess(); // read positions are in no log
          for (const reader of readers) reader.checkReads();
          await world.pass(HEARTBEAT_MS);
          for (const reader of readers) {
            reader.check();
            reader.checkHeartbeat();
          }
          await everybodyLeaves(world, readers);
        }),
        { numRuns },
      );
    },
  );

  test("need no beat when the subscriber says what it lost", async () => {
    const honest = fates.map((fate) => ({ ...fate, missed: fate.missed || fate.copies === 0 || fate.cut > 0 }));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), histories(honest), async (scheduler, history) => {
        const world = new World(scheduler, { ...history, beats: 0 });
        const readers = await world.run();
        for (const reader of readers) {
          reader.check();
          reader.checkReads();
        }
        await everybodyLeaves(world, readers);
      }),
      { numRuns: 500 },
    );
  });

  /** [T4] */
  async function everybodyLeaves(world: World, readers: readonly WorldReader[]): Promise<void> {
    for (const reader of readers) reader.leave();
    await world.idle();
    for (const reader of readers) {
      expect(reader.ended, "[T4] has ended").toBeDefined();
      reader.check();
    }
    for (const { subscriber, feeds } of world.processes) {
      expect(subscriber.size, "[T4] subscriptions").toBe(0);
      expect(feeds.size, "[T4] feeds").toBe(0);
    }
    expect(vi.getTimerCount(), "[T4] timers").toBe(0);
  }
});
