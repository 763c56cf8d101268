import { getEventListeners } from "node:events";
import fc, { type Scheduler } from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Batch } from "../../src/chat/broadcaster.ts";
import { INBOX_MESSAGES, PAGE_MESSAGES } from "../../src/chat/limits.ts";
import { tail } from "../../src/chat/tail.ts";
import { type Fate, HostileSubscriber } from "../support/hostile-subscriber.ts";
import { MemoryLog } from "../support/memory-log.ts";

// Small, so that short histories go beyond them.
vi.mock("../../src/chat/limits.ts", async (original) => ({
  ...(await original<object>()),
  PAGE_MESSAGES: 6,
  INBOX_MESSAGES: 12,
}));

const HEAD_CHECK_MS = 1_000;
const ROOMS = [1n, 2n, 3n];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Every tail becomes suspicious at least once. */
const suspicion = () => vi.advanceTimersByTime(1.25 * HEAD_CHECK_MS);

interface ReaderPlan {
  readonly rooms: readonly bigint[];
  /** So many changes before the head it starts. */
  readonly behind: number;
  /** How many pauses of the scheduler it waits before it starts, and after each item. */
  readonly startsAfter: number;
  readonly slowness: number;
  /** Aborts after so many pauses, or returns after so many items; otherwise it stays. */
  readonly leaves: { readonly how: "abort" | "return"; readonly after: number } | undefined;
}

interface History {
  readonly fates: readonly Fate[];
  /** Sizes of the logs at the beginning, by room. */
  readonly heads: readonly number[];
  /** One after the other; each publishes a batch a room, of that many messages. */
  readonly commits: readonly (readonly { readonly roomId: bigint; readonly size: number }[])[];
  /** How often all tails become suspicious meanwhile. */
  readonly suspicions: number;
  readonly readers: readonly ReaderPlan[];
}

const often = fc.constant(0);
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: PAGE_MESSAGES, max: PAGE_MESSAGES + 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: INBOX_MESSAGES, max: 2 * INBOX_MESSAGES }) },
);
const room = fc.constantFrom(...ROOMS);

const plans = fc.record<ReaderPlan>({
  rooms: fc.uniqueArray(room, { minLength: 1, maxLength: ROOMS.length }),
  behind: fc.oneof(often, fc.nat({ max: 20 })),
  startsAfter: fc.nat({ max: 8 }),
  slowness: fc.oneof(often, fc.nat({ max: 4 })),
  leaves: fc.option(fc.record({ how: fc.constantFrom("abort", "return"), after: fc.nat({ max: 12 }) }), {
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

const histories = (fate: fc.Arbitrary<Fate>) =>
  fc.record<History>({
    fates: fc.array(fate, { minLength: 1, maxLength: 16 }),
    heads: fc.tuple(...ROOMS.map(() => fc.oneof(often, fc.nat({ max: 15 })))),
    commits: fc.array(
      fc.uniqueArray(fc.record({ roomId: room, size }), { selector: ({ roomId }) => roomId, minLength: 1, maxLength: 2 }),
      { maxLength: 10 },
    ),
    suspicions: fc.nat({ max: 2 }),
    readers: fc.array(plans, { minLength: 1, maxLength: 3 }),
  });

/** One history, with one interleaving of all that happens in it. */
class World {
  readonly log = new MemoryLog();
  readonly subscriber: HostileSubscriber;
  readonly #scheduler: Scheduler;
  readonly #history: History;

  constructor(scheduler: Scheduler, history: History) {
    this.#scheduler = scheduler;
    this.#history = history;
    this.subscriber = new HostileSubscriber(scheduler, this.log, history.fates);
    history.heads.forEach((head, i) => this.log.append(ROOMS[i]!, head));
  }

  async run(): Promise<Reader[]> {
    const { commits, suspicions, readers: plans } = this.#history;
    this.#scheduler.scheduleSequence(
      commits.map((commit) => async () => {
        for (const { roomId, size } of commit) this.subscriber.publish(this.log.append(roomId, size));
      }),
    );
    for (let i = 0; i < suspicions; i++) void this.pause("suspicion").then(suspicion);
    const readers = plans.map((plan) => new Reader(this, plan));
    for (const reader of readers) void reader.read();
    await this.idle();
    return readers;
  }

  async idle(): Promise<void> {
    do await this.#scheduler.waitIdle();
    while (this.#scheduler.count() > 0);
  }

  pause(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }

  /** Reads take time before and after the moment whose state they show. */
  readonly store = {
    changesAfter: async (cursors: ReadonlyMap<bigint, bigint>, limit: number) => {
      expect(limit).toBeGreaterThan(0);
      expect((limit - 1) * cursors.size, "a page for all rooms together").toBeLessThan(PAGE_MESSAGES);
      await this.pause("reading");
      const page = await this.log.changesAfter(cursors, limit);
      await this.pause("read");
      return page;
    },
  };
}

class Reader {
  readonly reason = new Error("the reader left");
  /** How it ended: undefined while it reads, "returned", or what was thrown. */
  ended: unknown;
  readonly #world: World;
  readonly #plan: ReaderPlan;
  readonly #left = new AbortController();
  readonly #from = new Map<bigint, number>();
  readonly #seqs = new Map<bigint, bigint[]>();

  constructor(world: World, plan: ReaderPlan) {
    this.#world = world;
    this.#plan = plan;
  }

  async read(): Promise<void> {
    const { rooms, behind, startsAfter, slowness, leaves } = this.#plan;
    for (let i = 0; i < startsAfter; i++) await this.#world.pause("reader starts");
    for (const roomId of rooms) {
      this.#from.set(roomId, Math.max(this.#world.log.head(roomId) - behind, 0));
      this.#seqs.set(roomId, []);
    }
    if (leaves?.how === "abort") void this.#abortAfter(leaves.after);
    const from = new Map([...this.#from].map(([roomId, seq]) => [roomId, BigInt(seq)]));
    let items = 0;
    try {
      for await (const batches of tail(this.#world, from, this.#left.signal, HEAD_CHECK_MS)) {
        this.#note(items++, batches);
        if (leaves?.how === "return" && items > leaves.after) break;
        for (let i = 0; i < slowness; i++) await this.#world.pause("reader is busy");
      }
      this.ended = "returned";
    } catch (e) {
      this.ended = e;
    }
  }

  #note(index: number, batches: readonly Batch[]): void {
    if (index === 0) expect(batches, "[T1] the first item").toEqual([]);
    expect(batches.flat().length, "[T3] messages in an item").toBeLessThan(
      INBOX_MESSAGES + PAGE_MESSAGES + this.#plan.rooms.length,
    );
    for (const { roomId, seq } of batches.flat()) this.#seqs.get(roomId)!.push(seq);
  }

  async #abortAfter(pauses: number): Promise<void> {
    for (let i = 0; i < pauses; i++) await this.#world.pause("reader is about to leave");
    this.leave();
  }

  leave(): void {
    this.#left.abort(this.reason);
  }

  get listeners(): number {
    return getEventListeners(this.#left.signal, "abort").length;
  }

  /** Whoever has left has a part of the log; whoever stayed has all of it. */
  check(): void {
    for (const [roomId, from] of this.#from) {
      const seqs = this.#seqs.get(roomId)!;
      expect(seqs).toEqual(seqs.map((_, i) => BigInt(from + 1 + i)));
      if (this.ended === undefined) expect(from + seqs.length, `has all of room ${roomId}`).toBe(this.#world.log.head(roomId));
    }
    if (this.ended !== undefined && this.ended !== "returned") expect(this.ended).toBe(this.reason);
  }
}

describe("tail, with any subscriber and any interleaving", { timeout: 60_000 }, () => {
  test("[T1] [T2] [T3] delivers every change once and in order, one suspicion after the last loss at the latest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), histories(fates), async (scheduler, history) => {
        const world = new World(scheduler, history);
        const readers = await world.run();
        suspicion();
        await world.idle();
        for (const reader of readers) reader.check();
        await everybodyLeaves(world, readers);
      }),
      { numRuns: 2_500 },
    );
  });

  test("[T2] needs no suspicion when the subscriber says what it lost", async () => {
    const honest = fates.map((fate) => ({ ...fate, missed: fate.missed || fate.copies === 0 || fate.cut > 0 }));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), histories(honest), async (scheduler, history) => {
        const world = new World(scheduler, { ...history, suspicions: 0 });
        const readers = await world.run();
        for (const reader of readers) reader.check();
        await everybodyLeaves(world, readers);
      }),
      { numRuns: 1_500 },
    );
  });

  /** [T4] */
  async function everybodyLeaves(world: World, readers: readonly Reader[]): Promise<void> {
    for (const reader of readers) reader.leave();
    await world.idle();
    for (const reader of readers) {
      expect(reader.ended, "[T4] has ended").toBeDefined();
      reader.check();
      expect(reader.listeners, "[T4] abort listeners").toBe(0);
    }
    expect(world.subscriber.size, "[T4] subscriptions").toBe(0);
    expect(vi.getTimerCount(), "[T4] timers").toBe(0);
  }
});
