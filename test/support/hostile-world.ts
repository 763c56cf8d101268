import type { Scheduler } from "fast-check";
import { expect, vi } from "vitest";
import type { News } from "../../gen/room/room_pb.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { HEAD_WATCH_MS, LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { ListPlace } from "../../src/chat/list-page.ts";
import type { LogPlace, PageSize } from "../../src/chat/store.ts";
import { type ReaderPlan, WorldReader } from "./hostile-reader.ts";
import { type Fate, HostileSubscriber } from "./hostile-subscriber.ts";
import { MemoryLog, type Step } from "./memory-log.ts";

export const ROOMS = [1n, 2n, 3n];
/** Members at the beginning. Readers are among them. */
export const USERS = [1n, 2n, 3n];

/** What happens in a room at once; without steps, somebody types. */
export interface RoomCommit {
  readonly roomId: bigint;
  readonly steps: readonly Step[];
}

export interface History {
  /** Small, so that short histories go beyond them. */
  readonly limits: Partial<Limits>;
  readonly changedRoomsPage: number;
  readonly fates: readonly Fate[];
  /** What each room has at the beginning. */
  readonly before: readonly (readonly Step[])[];
  /** One after the other; each publishes its news of a room or two, in one of the processes. */
  readonly commits: readonly { readonly by: number; readonly rooms: readonly RoomCommit[] }[];
  /** How often the watches look meanwhile. */
  readonly beats: number;
  readonly readers: readonly ReaderPlan[];
}

/** What follows rooms together, and hears what is published in it. */
interface Process {
  readonly subscriber: HostileSubscriber;
  readonly feeds: Feeds;
}

/** One history, with one interleaving of all that happens in it, in one process or several on the same database. */
export class World {
  readonly log = new MemoryLog(...USERS);
  readonly limits: Limits;
  readonly processes: readonly Process[];
  readonly #scheduler: Scheduler;
  readonly #history: History;
  #reads = 0;

  constructor(scheduler: Scheduler, history: History, processes = 1) {
    vi.clearAllTimers(); // of a history that failed
    this.#scheduler = scheduler;
    this.#history = history;
    this.limits = { ...LIMITS, ...history.limits };
    this.log.changedRoomsPage = history.changedRoomsPage;
    this.processes = Array.from({ length: processes }, () => {
      const subscriber = new HostileSubscriber(scheduler, this.log, history.fates);
      return { subscriber, feeds: new Feeds({ store: this.#store, subscriber, limits: this.limits }) };
    });
    for (const [i, steps] of history.before.entries()) this.log.change(ROOMS[i]!, ...steps);
  }

  async run(): Promise<WorldReader[]> {
    const { commits, beats, readers: plans } = this.#history;
    this.#scheduler.scheduleSequence(
      commits.map(({ by, rooms }) => async () => {
        const { subscriber } = this.processes[by % this.processes.length]!;
        for (const each of rooms) subscriber.publish(this.#commit(each));
      }),
    );
    for (let i = 0; i < beats; i++) void this.pause("beat").then(() => vi.advanceTimersByTime(HEAD_WATCH_MS));
    const readers = plans.map((plan) => new WorldReader(this, plan));
    for (const reader of readers) void reader.read();
    await this.idle();
    return readers;
  }

  /** Lets time pass, and whatever it brings about. */
  async pass(ms: number): Promise<void> {
    vi.advanceTimersByTime(ms);
    await this.idle();
  }

  /** Lets all feeds look at their logs. */
  async confess(): Promise<void> {
    for (const { subscriber } of this.processes) subscriber.confess();
    await this.idle();
  }

  async idle(): Promise<void> {
    do await this.#scheduler.waitIdle();
    while (this.#scheduler.count() > 0);
  }

  pause(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }

  #commit({ roomId, steps }: RoomCommit): News {
    if (steps.length > 0) return this.log.change(roomId, ...steps);
    const typist = USERS.find((userId) => this.log.membership(roomId, userId) !== undefined);
    return this.log.typing(roomId, typist ?? 0n);
  }

  /** Reads take time before and after the moment whose state they show. */
  readonly #store = {
    readLogs: async (places: readonly LogPlace[], size: PageSize) => {
      expect(++this.#reads, "[T2] reads of the log").toBeLessThan(5_000);
      const { logPageChanges: changes, logPageBytes: bytes, logReadPages } = this.limits;
      expect(size).toEqual({ changes, bytes });
      expect(places.length, "pages of a read").toBeLessThanOrEqual(logReadPages);
      await this.pause("reading");
      const pages = await this.log.readLogs(places, size);
      await this.pause("read");
      return pages;
    },
    changedRooms: async (after: bigint, among?: readonly bigint[]) => {
      await this.pause("looking");
      const changed = await this.log.changedRooms(after, among);
      await this.pause("looked");
      return changed;
    },
    changedLists: async (places: readonly ListPlace[], size: PageSize) => {
      await this.pause("looking at lists");
      const pages = await this.log.changedLists(places, size);
      await this.pause("looked at lists");
      return pages;
    },
  };
}
