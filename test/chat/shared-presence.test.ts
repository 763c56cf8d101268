import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { News } from "../../gen/room/room_pb.ts";
import { GRACE_MS, PRESENCE_LEASE_MS, PRESENCE_MS } from "../../src/chat/presence.ts";
import { SharedPresence } from "../../src/chat/shared-presence.ts";
import { MemoryPresence } from "../support/memory-presence.ts";

const room = 1n;
const [ann, bob, cat] = [11n, 12n, 13n];

/** What is told in a process. */
class Process {
  readonly told: News[] = [];
  readonly board: SharedPresence;

  constructor(store: MemoryPresence) {
    this.board = new SharedPresence(store, { publish: (news) => void this.told.push(news) });
  }

  enter(userId: bigint, watches = false, roomId = room): Disposable {
    return this.board.enter({ roomId, userId, watches });
  }

  get userIds(): readonly bigint[] | undefined {
    return this.told.at(-1)?.presence?.userIds;
  }
}

describe("who is here in the processes of a database", () => {
  let store: MemoryPresence;
  let one: Process;
  let two: Process;
  beforeEach(() => {
    vi.useFakeTimers();
    store = new MemoryPresence();
    [one, two] = [new Process(store), new Process(store)];
  });
  afterEach(async () => {
    await Promise.all([one, two].map(({ board }) => board[Symbol.asyncDispose]()));
    expect(vi.getTimerCount(), "timers").toBe(0);
    vi.useRealTimers();
  });
  const second = () => vi.advanceTimersByTimeAsync(PRESENCE_MS);
  const grace = () => vi.advanceTimersByTimeAsync(GRACE_MS);

  test("[N1] is told within two seconds of the first visit that watches and of each coming, within five of a going", async () => {
    using _ = one.enter(ann, true);
    await second();
    expect(one.told).toMatchObject([{ roomId: room, memberSeq: 1n, presence: { userIds: [ann], count: 1 } }]);
    const far = two.enter(bob);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    far[Symbol.dispose]();
    await grace();
    expect(one.userIds).toEqual([ann, bob]);
    await second();
    await second();
    expect(one.userIds).toEqual([ann]);
    expect(two.told).toEqual([]);
  });

  test("[N1] is told at most once a second, however many come and go, and not if nothing has changed", async () => {
    using _ = one.enter(ann, true);
    await second();
    for (let i = 0; i < 50; i++) {
      using _visit = one.enter(100n + BigInt(i));
      await vi.advanceTimersByTimeAsync(100);
    }
    await grace();
    await second();
    expect(one.told.length).toBeGreaterThan(2);
    expect(one.told.length).toBeLessThanOrEqual(11);
    await second();
    const { length } = one.told;
    using _again = one.enter(ann, true);
    await vi.advanceTimersByTimeAsync(10 * PRESENCE_MS);
    expect(one.told.length).toBe(length);
    expect(one.userIds).toEqual([ann]);
  });

  test("[N2] a user with several visits is here until the last of them has ended", async () => {
    using _ = one.enter(0n, true);
    const visits = [one.enter(ann), one.enter(ann), two.enter(ann)];
    using _bob = two.enter(bob);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    for (const visit of visits.slice(0, 2)) visit[Symbol.dispose]();
    visits[0]![Symbol.dispose]();
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    visits[2]![Symbol.dispose]();
    await grace();
    await second();
    await second();
    expect(one.userIds).toEqual([bob]);
  });

  test("[N3] when a process falls silent, its users are gone for the others within 30 s; when it goes on, they are back", async () => {
    using _ = one.enter(ann, true);
    using _bob = two.enter(bob, true);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    const put = vi.spyOn(store, "put");
    await vi.advanceTimersByTimeAsync(PRESENCE_LEASE_MS / 2);
    // Both have said by now that they are still there, the first one first. The other one is silent from now on.
    const own = put.mock.calls.find(([, come]) => come.length === 0)![0].id;
    put.mockImplementation((process, come, gone) => {
      if (process.id !== own) return Promise.reject(new Error("it is stopped"));
      return MemoryPresence.prototype.put.call(store, process, come, gone);
    });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(one.userIds).toEqual([ann]);
    put.mockRestore();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(one.userIds).toEqual([ann, bob]);
  });

  test("[N3] who stays is here for as long as it stays", async () => {
    using _ = one.enter(ann, true);
    using _bob = two.enter(bob);
    await vi.advanceTimersByTimeAsync(5 * PRESENCE_LEASE_MS);
    expect(one.userIds).toEqual([ann, bob]);
    expect(one.told.length).toBeLessThanOrEqual(2);
  });

  test("[N4] while the database can't be reached nothing fails, and all is told afterwards", async () => {
    const put = vi.spyOn(store, "put").mockRejectedValue(new Error("gone"));
    const changed = vi.spyOn(store, "changed").mockRejectedValue(new Error("gone"));
    using _ = one.enter(ann, true);
    const early = one.enter(bob);
    await vi.advanceTimersByTimeAsync(20_000);
    early[Symbol.dispose]();
    using _cat = one.enter(cat);
    expect(one.told).toEqual([]);
    expect(put.mock.calls.length).toBeLessThan(12);
    put.mockRestore();
    changed.mockRestore();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(one.userIds).toEqual([ann, cat]);
  });

  test("[N1][P7] thousands who come at once are written at once, by transactions of a bounded size", async () => {
    const put = vi.spyOn(store, "put");
    using visits = new DisposableStack();
    for (let i = 0; i < 5_000; i++) visits.use(one.enter(1_000n + BigInt(i)));
    await second();
    expect(put.mock.calls.map(([, come]) => come.length)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(await store.here([room])).toMatchObject([{ count: 5_000 }]);
  });

  test("[N1][P7] thousands of rooms are read and told at once, by reads of a bounded size", async () => {
    const here = vi.spyOn(store, "here");
    using visits = new DisposableStack();
    for (let i = 0; i < 2_100; i++) visits.use(one.enter(ann, true, BigInt(i)));
    await second();
    expect(one.told).toHaveLength(2_100);
    expect(here.mock.calls.map(([roomIds]) => roomIds.length)).toEqual([...Array(10).fill(200), 100]);
  });

  test("[N1] while others keep coming, those who came are told, and who is here is read", async () => {
    using _ = one.enter(ann, true);
    using visits = new DisposableStack();
    const put = vi.spyOn(store, "put").mockImplementation((...args) => {
      for (let i = 0; i < 1_000; i++) visits.use(one.enter(BigInt(1_000 * (put.mock.calls.length + 1) + i)));
      return MemoryPresence.prototype.put.apply(store, args);
    });
    await second();
    expect(put).toHaveBeenCalledTimes(1);
    expect(one.userIds).toEqual([ann]);
    put.mockRestore();
    await second();
    expect(one.told.at(-1)!.presence!.count).toBe(1_001);
  });

  test("where nobody watches, nothing is read; where nobody is, nothing is written", async () => {
    const [put, changed, here] = [vi.spyOn(store, "put"), vi.spyOn(store, "changed"), vi.spyOn(store, "here")];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(put).not.toHaveBeenCalled();
    {
      using _ = one.enter(ann);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(put.mock.calls.length).toBeLessThanOrEqual(10);
    }
    await vi.advanceTimersByTimeAsync(60_000);
    const { length } = put.mock.calls;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(put.mock.calls.length).toBe(length);
    expect([changed.mock.calls, here.mock.calls]).toEqual([[], []]);
  });

  test("[N1] who is back soon has not been away: nothing is written, nobody is told, and the place among the others stays", async () => {
    using _ = one.enter(0n, true);
    const visit = one.enter(ann);
    await second();
    using _bob = one.enter(bob);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    const [put, { length }] = [vi.spyOn(store, "put"), one.told];
    visit[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(GRACE_MS - 1);
    using _again = one.enter(ann);
    await vi.advanceTimersByTimeAsync(2 * GRACE_MS);
    expect(put.mock.calls.flatMap(([, come, gone]) => [...come, ...gone])).toEqual([]);
    expect(one.told).toHaveLength(length);
    expect(await store.here([room])).toMatchObject([{ userIds: [ann, bob] }]);
  });

  test("[N1] who goes again counts as here for as long again, and no longer", async () => {
    using _ = one.enter(ann, true);
    let visit = one.enter(bob);
    await second();
    for (let i = 0; i < 5; i++) {
      visit[Symbol.dispose]();
      await vi.advanceTimersByTimeAsync(GRACE_MS - 1_000);
      visit = one.enter(bob);
    }
    expect(one.userIds).toEqual([ann, bob]);
    visit[Symbol.dispose]();
    await grace();
    expect(one.userIds).toEqual([ann, bob]);
    await second();
    await second();
    expect(one.userIds).toEqual([ann]);
  });

  test("[N1] who comes while its going is written, and goes at once, is here until that has been for a while", async () => {
    using _ = one.enter(ann, true);
    const visit = one.enter(bob);
    await second();
    const put = vi.spyOn(store, "put").mockImplementation(async (...args) => {
      if (args[2].length > 0) one.enter(bob)[Symbol.dispose]();
      put.mockRestore();
      return MemoryPresence.prototype.put.apply(store, args);
    });
    visit[Symbol.dispose]();
    await grace();
    await second();
    using _again = one.enter(bob);
    await grace();
    await grace();
    expect(one.userIds).toEqual([ann, bob]);
  });

  test("[N1] it goes on when a visit that watched has ended and nobody has come or gone by that", async () => {
    using _ = one.enter(ann);
    const watching = [one.enter(ann, true), one.enter(0n, true)];
    await second();
    await second();
    for (const visit of watching) visit[Symbol.dispose]();
    await second();
    using _bob = one.enter(bob);
    await second();
    expect(await store.here([room])).toMatchObject([{ userIds: [ann, bob] }]);
  });

  test("[N1] it goes on when a visit that watched has ended before anything was read", async () => {
    one.enter(0n, true)[Symbol.dispose]();
    await second();
    using _ = one.enter(ann, true);
    await second();
    expect(one.userIds).toEqual([ann]);
  });

  test("[N4] who comes back while it is unknown whether others heard that it went is here", async () => {
    using _ = one.enter(ann, true);
    const visit = one.enter(bob);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    vi.spyOn(store, "put").mockImplementationOnce(async (...args) => {
      await MemoryPresence.prototype.put.apply(store, args);
      throw new Error("no answer");
    });
    visit[Symbol.dispose]();
    await grace();
    await vi.advanceTimersByTimeAsync(GRACE_MS / 10);
    using _again = one.enter(bob);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(one.userIds).toEqual([ann, bob]);
  });

  test("disposed, it tells the others who has gone", async () => {
    using _ = one.enter(ann, true);
    const visit = two.enter(bob);
    await second();
    await second();
    expect(one.userIds).toEqual([ann, bob]);
    visit[Symbol.dispose]();
    await two.board[Symbol.asyncDispose]();
    await second();
    await second();
    expect(one.userIds).toEqual([ann]);
  });
});
