import { getEventListeners } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import fc, { type Scheduler } from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Event } from "../../gen/chat_pb.ts";
import type { MemberChange, News } from "../../gen/room/room_pb.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { Reader as Following, PageSize, Position } from "../../src/chat/store.ts";
import { type TailItem, tail } from "../../src/chat/tail.ts";
import { type Fate, HostileSubscriber } from "../support/hostile-subscriber.ts";
import { MemoryLog, type Step } from "../support/memory-log.ts";

const HEARTBEAT_MS = 1_000;
// Small, so that short histories go beyond them.
const [PAGE, INBOX] = [6, 12];
const ROOMS = [1n, 2n, 3n];
/** Readers are among them. */
const USERS = [1n, 2n, 3n];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Every tail becomes suspicious. */
const suspicion = () => vi.advanceTimersByTime(HEARTBEAT_MS);

interface ReaderPlan {
  readonly userId: bigint;
  readonly rooms: readonly bigint[];
  /** So many changes before the head of either log it starts. */
  readonly behind: number;
  readonly endsWhenRemoved: boolean;
  /** How many pauses of the scheduler it waits before it starts, and after each item. */
  readonly startsAfter: number;
  readonly slowness: number;
  /** Aborts after so many pauses, or returns after so many items; otherwise it stays. */
  readonly leaves: { readonly how: "abort" | "return"; readonly after: number } | undefined;
}

/** What happens in a room at once; without steps, somebody types. */
interface RoomCommit {
  readonly roomId: bigint;
  readonly steps: readonly Step[];
}

interface History {
  /** What the texts of a page, and of an inbox, may have. */
  readonly logPageBytes: number;
  readonly inboxCharacters: number;
  readonly fates: readonly Fate[];
  /** What each room has at the beginning. */
  readonly before: readonly (readonly Step[])[];
  /** One after the other; each publishes its news of a room or two. */
  readonly commits: readonly (readonly RoomCommit[])[];
  /** How often all tails become suspicious meanwhile. */
  readonly suspicions: number;
  readonly readers: readonly ReaderPlan[];
}

const often = fc.constant(0);
const user = fc.constantFrom(...USERS);
const send = fc.constant<Step>({ kind: "send" });
const membership: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom("remove", "add"), userId: user });
const change = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 5, arbitrary: send },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("edit"), nth: fc.nat({ max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("read"), userId: user }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove"), userId: user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("add"), userId: user }) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 5, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
  { weight: 3, arbitrary: fc.array(send, { minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.array(membership, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(change, { minLength: PAGE, maxLength: 2 * INBOX }) },
  { weight: 1, arbitrary: fc.array(send, { minLength: INBOX, maxLength: 2 * INBOX }) },
);
const room = fc.constantFrom(...ROOMS);

const plans = fc.record<ReaderPlan>({
  userId: user,
  endsWhenRemoved: fc.constantFrom(false, false, true),
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
    // Of one message, of some, and of more than there are.
    logPageBytes: fc.constantFrom(1, 30, 60, LIMITS.logPageBytes),
    inboxCharacters: fc.constantFrom(1, 30, 100, LIMITS.inboxCharacters),
    fates: fc.array(fate, { minLength: 1, maxLength: 16 }),
    before: fc.tuple(...ROOMS.map(() => fc.array(change, { maxLength: 15 }))),
    commits: fc.array(
      fc.uniqueArray(fc.record<RoomCommit>({ roomId: room, steps }), {
        selector: ({ roomId }) => roomId,
        minLength: 1,
        maxLength: 2,
      }),
      { maxLength: 10 },
    ),
    suspicions: fc.nat({ max: 2 }),
    readers: fc.array(plans, { minLength: 1, maxLength: 3 }),
  });

/** One history, with one interleaving of all that happens in it. */
class World {
  readonly log = new MemoryLog();
  readonly subscriber: HostileSubscriber;
  readonly limits: Limits;
  readonly #scheduler: Scheduler;
  readonly #history: History;
  #reads = 0;

  constructor(scheduler: Scheduler, history: History) {
    vi.clearAllTimers(); // of a history that failed
    this.#scheduler = scheduler;
    this.#history = history;
    const { logPageBytes, inboxCharacters } = history;
    this.limits = { ...LIMITS, logPageChanges: PAGE, inboxChanges: INBOX, logPageBytes, inboxCharacters };
    this.subscriber = new HostileSubscriber(scheduler, this.log, history.fates);
    for (const [i, steps] of history.before.entries()) this.log.commit(ROOMS[i]!, steps);
  }

  async run(): Promise<Reader[]> {
    const { commits, suspicions, readers: plans } = this.#history;
    this.#scheduler.scheduleSequence(
      commits.map((commit) => async () => {
        for (const each of commit) this.subscriber.publish(this.#commit(each));
      }),
    );
    for (let i = 0; i < suspicions; i++) void this.pause("suspicion").then(suspicion);
    const readers = plans.map((plan) => new Reader(this, plan));
    for (const reader of readers) void reader.read();
    await this.idle();
    return readers;
  }

  #commit({ roomId, steps }: RoomCommit): News {
    if (steps.length > 0) return this.log.commit(roomId, steps);
    const typist = USERS.find((userId) => this.log.membership(roomId, userId) !== undefined);
    return this.log.typing(roomId, typist ?? 0n);
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
    readLogs: async (readers: readonly Following[], size: PageSize) => {
      expect(++this.#reads, "[T2] reads of the log").toBeLessThan(5_000);
      expect(size.changes).toBeGreaterThan(0);
      expect(size.bytes).toBe(this.limits.logPageBytes);
      expect((size.changes - 1) * readers.length, "a page for all rooms together").toBeLessThan(PAGE);
      const asked = readers.map(({ cursor, ...reader }) => ({ ...reader, cursor: { ...cursor } }));
      await this.pause("reading");
      const pages = await this.log.readLogs(asked, size);
      await this.pause("read");
      return pages;
    },
  };
}

/** What a reader knows of a room. */
class Room {
  readonly start: Following;
  readonly seen: { seq: bigint; memberSeq: bigint };
  /** By message id and user id. */
  readonly messages = new Map<bigint, News["messages"][number]>();
  readonly members = new Map<bigint, MemberChange>();
  readonly announced = new Set<bigint>();
  isOver = false;

  constructor(start: Following) {
    this.start = start;
    this.seen = { ...start.cursor };
  }
}

class Reader {
  readonly reason = new Error("the reader left");
  /** How it ended: undefined while it reads, "no rooms", "returned", or what was thrown. */
  ended: unknown;
  readonly #world: World;
  readonly #plan: ReaderPlan;
  readonly #left = new AbortController();
  readonly #rooms = new Map<bigint, Room>();
  #last: TailItem | undefined;

  constructor(world: World, plan: ReaderPlan) {
    this.#world = world;
    this.#plan = plan;
  }

  async read(): Promise<void> {
    const { userId, rooms, behind, startsAfter, slowness, leaves, endsWhenRemoved } = this.#plan;
    for (let i = 0; i < startsAfter; i++) await this.#world.pause("reader starts");
    const back = (head: bigint) => (head > behind ? head - BigInt(behind) : 0n);
    const readers = (await this.#world.log.readersAtHead(userId, rooms)).map(
      ({ cursor: { seq, memberSeq }, ...at }) => {
        return { ...at, cursor: { seq: back(seq), memberSeq: back(memberSeq) } };
      },
    );
    for (const reader of readers) this.#rooms.set(reader.roomId, new Room(reader));
    if (readers.length === 0) {
      this.ended = "no rooms";
      return;
    }
    if (leaves?.how === "abort") void this.#abortAfter(leaves.after);
    const options = { userId, readers, heartbeatMs: HEARTBEAT_MS, endsWhenRemoved };
    let count = 0;
    try {
      for await (const items of tail(this.#world, options, this.#left.signal)) {
        if (count++ === 0) expect(items, "[T1] the first item").toMatchObject([{ event: { case: "caughtUp" } }]);
        this.#note(items);
        if (leaves?.how === "return" && count > leaves.after) break;
        for (let i = 0; i < slowness; i++) await this.#world.pause("reader is busy");
      }
      this.ended = "returned";
    } catch (e) {
      this.ended = e;
    }
  }

  #note(items: readonly TailItem[]): void {
    const news = items.filter((item) => item.$typeName === "room.News");
    const size = news.reduce(
      (sum, { messages, members, typing }) => sum + messages.length + members.length + typing.length,
      0,
    );
    const bound = INBOX + 2 * (PAGE + this.#plan.rooms.length);
    expect(size, "[T3] changes in an item").toBeLessThan(bound);
    const texts = news.flatMap(({ messages }) => messages.map(({ body }) => body));
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    const { logPageBytes, inboxCharacters } = this.#world.limits;
    const longest = Math.max(0, ...texts.map(({ length }) => length));
    expect(characters, "[T3] text in an item").toBeLessThanOrEqual(inboxCharacters + logPageBytes + longest);
    for (const item of items) {
      if (item.$typeName === "room.News") this.#noteNews(item);
      else this.#noteEvent(item);
      this.#last = item;
    }
  }

  #noteNews({ roomId, messages, members, typing }: News): void {
    const { log } = this.#world;
    const room = this.#rooms.get(roomId)!;
    expect(room.isOver, "[T5] news after the end of the membership").toBe(false);
    const end = log.endOf(roomId, room.start.membershipId) ?? Number.POSITIVE_INFINITY;
    const logs = log.logs(roomId);
    for (const message of messages) {
      expect(message.seq, "[T2] seq").toBeGreaterThan(room.seen.seq);
      room.seen.seq = message.seq;
      const past = logs.messages[Number(message.seq) - 1]!;
      expect(message, "as it was committed").toBe(past);
      expect(log.momentOf(past), "[T5] a message").toBeLessThan(end);
      room.messages.set(message.id, message);
    }
    for (const change of members) {
      const { member, isNew } = change;
      expect(member!.memberSeq, "[T2] member_seq").toBeGreaterThan(room.seen.memberSeq);
      room.seen.memberSeq = member!.memberSeq;
      const past = logs.members[Number(member!.memberSeq) - 1]!;
      expect(member, "as it was committed").toBe(past);
      expect(log.momentOf(past), "[T5] a change of the members").toBeLessThan(end);
      if (member!.userId === this.#plan.userId) expect(member!.id, "[T5] own").toBe(room.start.membershipId);
      room.members.set(member!.userId, change);
      if (isNew) room.announced.add(member!.id);
    }
    for (const each of typing) expect(log.momentOf(each), "[T5] typing").toBeLessThan(end);
  }

  #noteEvent({ event }: Event): void {
    if (event.case === "memberRemoved") {
      const { id, roomId, userId } = event.value;
      const room = this.#rooms.get(roomId)!;
      expect(this.#plan.endsWhenRemoved).toBe(false);
      expect(room.isOver, "[T5] the end comes once").toBe(false);
      expect({ id, userId }).toEqual({ id: room.start.membershipId, userId: this.#plan.userId });
      expect(this.#world.log.endOf(roomId, id), "[T5] it has ended").toBeDefined();
      room.isOver = true;
    } else if (event.case === "caughtUp" || event.case === "heartbeat") {
      const cursors = Object.entries(event.value.cursors).map(([roomId, { seq, memberSeq }]) => [
        BigInt(roomId),
        { seq, memberSeq },
      ]);
      const own = [...this.#rooms]
        .filter(([, { isOver }]) => !isOver)
        .map(([roomId, { seen }]) => [roomId, { ...seen }]);
      expect(new Map(cursors as [bigint, Position][]), `[T1] ${event.case}`).toEqual(
        new Map(own as [bigint, Position][]),
      );
    } else expect.unreachable(`${event.case}`);
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

  /** Whoever has left has a part of the logs, which was looked at as it came; whoever stayed has all of them. */
  check(): void {
    if (this.ended === undefined) {
      for (const room of this.#rooms.values()) this.#checkRoom(room);
    } else if (this.ended instanceof ConnectError) {
      expect(this.#plan.endsWhenRemoved).toBe(true);
      expect(this.ended.code).toBe(Code.NotFound);
      const ends = [...this.#rooms.values()].map(({ start }) =>
        this.#world.log.endOf(start.roomId, start.membershipId),
      );
      expect(
        ends.some((end) => end !== undefined),
        "[T5] a membership has ended",
      ).toBe(true);
    } else if (this.ended !== "returned" && this.ended !== "no rooms") expect(this.ended).toBe(this.reason);
  }

  /** After a suspicion, it also heard that it has everything. */
  checkHeartbeat(): void {
    if (this.ended !== undefined) return;
    expect(this.#last).toMatchObject({ event: { case: "heartbeat" } });
  }

  #checkRoom({ start: { roomId, membershipId, cursor }, seen, messages, members, announced, isOver }: Room): void {
    const { log } = this.#world;
    expect(isOver, `[T5] knows whether it is in room ${roomId}`).toBe(log.endOf(roomId, membershipId) !== undefined);
    if (isOver) return;
    expect(seen, `[T2] has all of room ${roomId}`).toEqual(log.head(roomId));
    const logs = log.logs(roomId);
    const newMessages = logs.messages.filter(({ seq }) => seq > cursor.seq);
    expect(messages).toEqual(new Map(newMessages.map((message) => [message.id, message])));
    const newMembers = logs.members.filter(({ memberSeq }) => memberSeq > cursor.memberSeq);
    const latest = new Map(newMembers.map((member) => [member.userId, member]));
    expect(new Map([...members].map(([userId, { member }]) => [userId, member!]))).toEqual(latest);
    for (const { id, userId, memberSeq } of newMembers) {
      if (log.addedSeq(id) === memberSeq && latest.get(userId)!.id === id && !latest.get(userId)!.removedAt) {
        expect(announced, "a member that is new is announced").toContain(id);
      }
    }
  }
}

describe("tail, with any subscriber and any interleaving", { timeout: 60_000 }, () => {
  test("[T1] [T2] [T3] [T5] delivers every change once and in order, one heartbeat after the last loss at the latest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), histories(fates), async (scheduler, history) => {
        const world = new World(scheduler, history);
        const readers = await world.run();
        suspicion();
        await world.idle();
        for (const reader of readers) {
          reader.check();
          reader.checkHeartbeat();
        }
        await everybodyLeaves(world, readers);
      }),
      { numRuns: 1_000 },
    );
  });

  test("[T2] [T5] needs no suspicion when the subscriber says what it lost", async () => {
    const honest = fates.map((fate) => ({ ...fate, missed: fate.missed || fate.copies === 0 || fate.cut > 0 }));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), histories(honest), async (scheduler, history) => {
        const world = new World(scheduler, { ...history, suspicions: 0 });
        const readers = await world.run();
        for (const reader of readers) reader.check();
        await everybodyLeaves(world, readers);
      }),
      { numRuns: 500 },
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
