import { getEventListeners } from "node:events";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventSchema } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import type { Subscriber } from "../../src/chat/broadcaster.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import type { PageSize, Reader } from "../../src/chat/store.ts";
import { type TailItem, type TailOptions, tail } from "../../src/chat/tail.ts";
import { MemoryLog, testNews } from "../support/memory-log.ts";
import { textBytes } from "../support/room-logs.ts";

const HEARTBEAT_MS = 1_000;
const { logPageChanges: PAGE, inboxChanges: INBOX } = LIMITS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A room's tail, its log and its broadcaster. */
class Setup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly left = new AbortController();
  readonly limits: Limits;
  reads = 0;
  /** Replaces the next read of the log. */
  nextRead: (() => Promise<never>) | undefined;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...LIMITS, ...limits };
  }

  /** The tail of user 1. */
  tail(options: Partial<TailOptions> = {}, subscriber: Subscriber = this.broadcaster) {
    const readLogs = (readers: readonly Reader[], size: PageSize) => {
      if (++this.reads > 1_000) throw new Error("the tail reads and reads");
      const read = this.nextRead;
      this.nextRead = undefined;
      return read ? read() : this.log.readLogs(readers, size);
    };
    const defaults = { userId: 1n, readers: [atStart(1n)], heartbeatMs: HEARTBEAT_MS };
    return tail(
      { store: { readLogs }, subscriber, limits: this.limits },
      { ...defaults, ...options },
      this.left.signal,
    );
  }

  /** A tail that has begun, of a log with one change, which it has delivered. */
  async following() {
    this.log.append(1n);
    const changes = this.tail();
    await changes.next();
    await changes.next();
    expect(this.reads).toBe(1);
    return changes;
  }

  expectNothingLeft() {
    expect(this.broadcaster.size, "subscriptions").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
    expect(getEventListeners(this.left.signal, "abort"), "abort listeners").toEqual([]);
  }
}

const atStart = (roomId: bigint): Reader => ({ roomId, membershipId: 1n, cursor: { seq: 0n, memberSeq: 0n } });

type Result = IteratorResult<readonly TailItem[], never>;

/** What an item of the tail says, in short: messages as room/seq, members as room+member_seq, events by their kind. */
function said({ value }: Result): string[] {
  return value.flatMap((item: TailItem) => {
    if (item.$typeName === "chat_grpc.Event") {
      const { event } = item;
      if (event.case !== "caughtUp" && event.case !== "heartbeat") return [event.case!];
      const at = Object.entries(event.value.cursors);
      return [`${event.case} ${at.map(([roomId, cursor]) => `${roomId}/${cursor.seq}+${cursor.memberSeq}`)}`];
    }
    return [
      ...item.messages.map(({ seq }) => `${item.roomId}/${seq}`),
      ...item.members.map(({ member }) => `${item.roomId}+${member!.memberSeq}`),
      ...item.typing.map(({ userId }) => `${userId} types`),
    ];
  });
}

const messages = ({ value }: Result) => value.flatMap((item) => (item.$typeName === "room.News" ? item.messages : []));
const seqs = (result: Result) => messages(result).map(({ seq }) => Number(seq));
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

function addAgain(userId: bigint) {
  return (setup: Setup) => setup.broadcaster.publish(setup.log.commit(1n, [{ kind: "add", userId }]));
}

describe("tail", () => {
  test("[T1] the first item is caught_up and what has to be told first, and comes before the log is read", async () => {
    const setup = new Setup();
    setup.log.append(1n, 3);
    const opening = [create(EventSchema, { event: { case: "reset", value: { roomId: 1n } } })];
    const readers = [{ ...atStart(1n), cursor: { seq: 1n, memberSeq: 0n } }, atStart(2n)];
    const changes = setup.tail({ readers, opening });
    expect(said(await changes.next())).toEqual(["caughtUp 1/1+0,2/0+0", "reset"]);
    expect(setup).toMatchObject({ reads: 0, broadcaster: { size: 2 } });
    expect(seqs(await changes.next())).toEqual([2, 3]);
  });

  test("[T1] caught_up comes once the log was read to its end, however many pages it had", async () => {
    const setup = new Setup();
    setup.log.append(1n, PAGE + 1);
    const changes = setup.tail();
    await changes.next();
    expect(said(await changes.next())).not.toContainEqual(expect.stringContaining("caughtUp"));
    expect(said(await changes.next())).toEqual([`1/${PAGE + 1}`, `caughtUp 1/${PAGE + 1}+0`]);
  });

  test("[T1] heartbeats come at their interval, with the cursors reached", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    for (let i = 0; i < 3; i++) {
      const waiting = changes.next();
      await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
      expect(said(await waiting)).toEqual(["heartbeat 1/1+0"]);
    }
    setup.broadcaster.publish(setup.log.commit(1n, [{ kind: "send" }, { kind: "read", userId: 2n }]));
    expect(said(await changes.next())).toEqual(["1/2", "1+1"]);
    const waiting = changes.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(said(await waiting)).toEqual(["heartbeat 1/2+1"]);
  });

  test("[T1] what is committed after the first item is delivered, even if its notification is lost", async () => {
    const setup = new Setup();
    const changes = setup.tail();
    await changes.next();
    setup.log.append(1n, 2);
    expect(seqs(await changes.next())).toEqual([1, 2]);
  });

  test("[T2] what follows the cursor is passed on as it arrives, without a read", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const all = [setup.log.append(1n, 3), setup.log.append(1n)];
    for (const news of all) setup.broadcaster.publish(news);
    const { value } = await changes.next();
    expect(value).toHaveLength(2);
    for (const [i, news] of all.entries()) expect(value[i]).toBe(news);
    expect(setup.reads).toBe(1);
  });

  test("[T2] of news that were delivered in part, the rest is delivered", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.log.append(1n, 2);
    setup.broadcaster.publish(testNews(1n, 1, 3));
    expect(seqs(await changes.next())).toEqual([2, 3]);
    expect(setup.reads).toBe(1);
  });

  test("[T2] a gap is filled from the log", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.log.append(1n, 3);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await changes.next())).toEqual([2, 3, 4, 5]);
  });

  test("[T2] a gap in one room is not a reason to read the others", async () => {
    const setup = new Setup();
    const changes = setup.tail({ readers: [atStart(1n), atStart(2n)] });
    await changes.next();
    setup.broadcaster.publish(setup.log.append(2n));
    await changes.next();
    const readLogs = vi.spyOn(setup.log, "readLogs");
    setup.log.append(1n);
    setup.broadcaster.publish(setup.log.append(1n));
    setup.broadcaster.publish(setup.log.append(2n));
    expect(said(await changes.next())).toEqual(["2/2"]);
    expect(said(await changes.next())).toEqual(["1/1", "1/2", "caughtUp 1/2+0,2/2+0"]);
    expect(readLogs).toHaveBeenCalledOnce();
    expect(readLogs.mock.lastCall![0]).toMatchObject([{ roomId: 1n }]);
  });

  test("[T2] a backlog is read page by page, and then it is live", async () => {
    const setup = new Setup();
    setup.log.append(1n, 2 * PAGE);
    const changes = setup.tail();
    await changes.next();
    expect(seqs(await changes.next())).toEqual(range(1, PAGE));
    expect(said(await changes.next())).toEqual([
      ...range(PAGE + 1, 2 * PAGE).map((seq) => `1/${seq}`),
      `caughtUp 1/${2 * PAGE}+0`,
    ]);
    const waiting = changes.next();
    const news = setup.log.append(1n);
    setup.broadcaster.publish(news);
    expect((await waiting).value).toEqual([news]);
    expect(setup.reads, "the last page was full, but has reached the head").toBe(2);
  });

  test("[T2] what is committed between two pages is read with the next, and passed on only once", async () => {
    const setup = new Setup();
    setup.log.append(1n, PAGE);
    const changes = setup.tail();
    await changes.next();
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await changes.next())).toEqual(range(1, PAGE));
    const waiting = changes.next();
    setup.broadcaster.publish(setup.log.append(1n));
    expect(said(await waiting)).toEqual([`1/${PAGE + 1}`, `1/${PAGE + 2}`, `caughtUp 1/${PAGE + 2}+0`]);
    expect(setup.reads).toBe(2);
  });

  test("[T2] a page that isn't full is the last", async () => {
    const setup = new Setup();
    setup.log.append(1n, PAGE - 1);
    const changes = setup.tail();
    await changes.next();
    await changes.next();
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await changes.next())).toEqual([PAGE]);
    expect(setup.reads).toBe(1);
  });

  test("[T2] a page that was cut by its bytes is followed by another, also when it has few changes", async () => {
    const setup = new Setup({ logPageBytes: 2 * textBytes("message 1") });
    setup.log.append(1n, 5);
    const changes = setup.tail();
    await changes.next();
    expect(said(await changes.next())).toEqual(["1/1", "1/2"]);
    expect(said(await changes.next())).toEqual(["1/3", "1/4"]);
    expect(said(await changes.next())).toEqual(["1/5", "caughtUp 1/5+0"]);
    expect(setup.reads).toBe(3);
  });

  test("[T2] a room that gets nothing of a page, because others have filled it, is read on until its head", async () => {
    const setup = new Setup({ logPageBytes: 1 });
    setup.log.append(1n, 2);
    setup.log.commit(2n, [{ kind: "send" }, { kind: "read", userId: 2n }]);
    setup.log.append(3n);
    const changes = setup.tail({ readers: [1n, 2n, 3n].map(atStart) });
    await changes.next();
    expect(said(await changes.next())).toEqual(["1/1", "2+1"]);
    expect(said(await changes.next())).toEqual(["1/2"]);
    expect(said(await changes.next())).toEqual(["2/1"]);
    expect(said(await changes.next())).toEqual(["3/1", "caughtUp 1/2+0,2/1+1,3/1+0"]);
    expect(setup.reads).toBe(4);
  });

  test("[T2] news of a room that waits for its part of the log come in their place", async () => {
    const setup = new Setup({ logPageBytes: 1 });
    setup.log.append(1n);
    setup.log.append(2n);
    const changes = setup.tail({ readers: [1n, 2n].map(atStart) });
    await changes.next();
    setup.broadcaster.publish(setup.log.append(1n));
    setup.broadcaster.publish(setup.log.append(2n));
    const got: string[] = [];
    while (!got.some((each) => each.startsWith("caughtUp"))) got.push(...said(await changes.next()));
    expect(got).toEqual(["1/1", "1/2", "2/1", "2/2", "caughtUp 1/2+0,2/2+0"]);
  });

  test("[T2] a lost last notification is found at the next heartbeat, which comes after what was lost", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    setup.log.append(1n);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS - 1);
    expect(setup.reads).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(said(await waiting)).toEqual(["1/2", "caughtUp 1/2+0", "heartbeat 1/2+0"]);
  });

  test("[T2] a suspicion without a reason delivers nothing, and one read is enough for it", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(setup.reads).toBe(2);
    expect(said(await waiting)).toEqual(["heartbeat 1/1+0"]);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(said(await changes.next())).toEqual(["1/2"]);
    expect(setup.reads).toBe(2);
  });

  test("[T2] a message that was changed while nobody looked comes once, as it is now", async () => {
    const setup = new Setup();
    setup.log.append(1n, 3);
    setup.log.commit(1n, [
      { kind: "edit", nth: 0 },
      { kind: "edit", nth: 2 },
    ]);
    const changes = setup.tail();
    await changes.next();
    const got = messages(await changes.next()).map(({ id, seq, body }) => `${id}/${seq} ${body}`);
    expect(got).toEqual(["2/2 message 2", "3/3 message 3", "1/5 edit 5"]);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await changes.next())).toEqual([6]);
    expect(setup.reads).toBe(1);
  });

  test("[T2] changes of the members are passed on like messages, and a gap among them is filled from the log", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.broadcaster.publish(setup.log.commit(1n, [{ kind: "read", userId: 2n }]));
    expect(said(await changes.next())).toEqual(["1+1"]);
    expect(setup.reads).toBe(1);
    setup.log.commit(1n, [{ kind: "read", userId: 3n }]);
    setup.broadcaster.publish(setup.log.commit(1n, [{ kind: "remove", userId: 2n }]));
    expect(said(await changes.next())).toEqual(["1+2", "1+3", "caughtUp 1/1+3"]);
  });

  test("[T2] a message that was committed after an unknown change of the members waits for the log", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.log.commit(1n, [{ kind: "read", userId: 2n }]);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(said(await changes.next())).toEqual(["1/2", "1+1", "caughtUp 1/2+1"]);
    expect(setup.reads).toBe(2);
  });

  test("typing is passed on, and is nothing to the cursors", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.broadcaster.publish(setup.log.typing(1n, 2n));
    setup.broadcaster.publish(setup.log.append(1n));
    expect(said(await changes.next())).toEqual(["2 types", "1/2"]);
    expect(setup.reads).toBe(1);
  });

  test.each([
    ["told", (setup: Setup, news: News) => setup.broadcaster.publish(news)],
    ["lost, and a message comes after it", (setup: Setup) => setup.broadcaster.publish(setup.log.append(1n))],
    ["lost, and somebody types after it", (setup: Setup) => setup.broadcaster.publish(setup.log.typing(1n, 2n))],
    ["lost, and somebody is added after it", addAgain(2n)],
    ["lost, and the reader is added again", addAgain(1n)],
    ["lost, and nothing follows", () => vi.advanceTimersByTime(HEARTBEAT_MS)],
  ])("[T5] a removal ends the room: %s", async (_, then) => {
    const setup = new Setup();
    const changes = setup.tail({ readers: [atStart(1n), atStart(2n)] });
    await changes.next();
    setup.log.commit(1n, [{ kind: "remove", userId: 2n }]);
    await changes.next();
    const removal = setup.log.commit(1n, [{ kind: "send" }, { kind: "remove", userId: 1n }, { kind: "send" }]);
    then(setup, removal);
    const item = await changes.next();
    expect(said(item)[0]).toBe("memberRemoved");
    expect(item.value[0]).toMatchObject({ event: { value: { id: 1n, roomId: 1n, userId: 1n } } });
    expect(seqs(item)).toEqual([]);
    setup.broadcaster.publish(removal);
    setup.broadcaster.publish(setup.log.append(1n));
    setup.broadcaster.publish(setup.log.append(2n));
    expect(said(await changes.next())).toEqual(["2/1"]);
  });

  test("[T5] a reader without rooms still has heartbeats", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.broadcaster.publish(setup.log.commit(1n, [{ kind: "remove", userId: 1n }]));
    expect(said(await changes.next())).toEqual(["memberRemoved"]);
    const waiting = changes.next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(said(await waiting)).toEqual(["heartbeat "]);
  });

  test("[T5] a late rumour of the end of an earlier membership is nothing to the present one", async () => {
    const setup = new Setup();
    const removal = setup.log.commit(1n, [{ kind: "remove", userId: 1n }]);
    setup.log.commit(1n, [{ kind: "add", userId: 1n }]);
    const changes = setup.tail({ readers: [{ ...atStart(1n), membershipId: setup.log.membership(1n, 1n)! }] });
    await changes.next();
    setup.broadcaster.publish(removal);
    expect(said(await changes.next())).toEqual(["1+2", "caughtUp 1/0+2"]);
  });

  test.each(["told", "lost"])("[T5] where it can't say so, a removal ends it with NOT_FOUND: %s", async (how) => {
    const setup = new Setup();
    const changes = setup.tail({ readers: [atStart(1n), atStart(2n)], endsWhenRemoved: true });
    await changes.next();
    const removal = setup.log.commit(2n, [{ kind: "remove", userId: 1n }]);
    if (how === "told") setup.broadcaster.publish(removal);
    await expect(changes.next()).rejects.toMatchObject({ code: Code.NotFound });
    setup.expectNothingLeft();
  });

  test("[T3] however much happens between two reads of it, an item is an inbox and a page at most", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const last = 1 + 10 * INBOX;
    while (setup.log.head(1n).seq < last) setup.broadcaster.publish(setup.log.append(1n, INBOX / 4));
    const got: number[] = [];
    while (got.length < last - 1) {
      const item = seqs(await changes.next());
      expect(item.length).toBeLessThanOrEqual(INBOX + PAGE);
      got.push(...item);
    }
    expect(got).toEqual(range(2, last));
  });

  test("[T3] however long the texts are, an item has the bytes of a page, and the characters of an inbox, at most", async () => {
    const length = "message 100".length;
    const setup = new Setup({ logPageBytes: 10 * (length + 2), inboxCharacters: 5 * length });
    const changes = await setup.following();
    while (setup.log.head(1n).seq < 500) setup.broadcaster.publish(setup.log.append(1n, 4));
    const got: number[] = [];
    while (got.length < 499) {
      const item = seqs(await changes.next());
      expect(item.length).toBeLessThanOrEqual(10 + 5 + 2);
      got.push(...item);
    }
    expect(got).toEqual(range(2, setup.log.logs(1n).messages.length).slice(0, got.length));
  });

  test("[T4] throws the signal's reason while it waits, and has ended then", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const waiting = changes.next();
    setup.left.abort("gone");
    await expect(waiting).rejects.toBe("gone");
    expect(await changes.next()).toEqual({ done: true, value: undefined });
    setup.expectNothingLeft();
  });

  test("[T4] throws the signal's reason when it was aborted between two items, whatever has arrived", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    setup.broadcaster.publish(setup.log.append(1n));
    setup.left.abort("gone");
    await expect(changes.next()).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test("[T4] throws the signal's reason, and is never live, when it was aborted before it began", async () => {
    const setup = new Setup();
    setup.left.abort("gone");
    await expect(setup.tail().next()).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test("[T4] aborted while it subscribes, it ends with the subscription disposed", async () => {
    const setup = new Setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const changes = setup.tail(
      {},
      {
        subscribe: (rooms, inbox) => promise.then(() => setup.broadcaster.subscribe(rooms, inbox)),
      },
    );
    const ended = (async () => {
      for await (const item of changes) expect(item).toHaveLength(1);
    })();
    setup.left.abort("gone");
    resolve();
    await expect(ended).rejects.toBe("gone");
    setup.expectNothingLeft();
  });

  test.each([0, 1, 2])("[T4] left by return() after %i items, it leaves nothing behind", async (items) => {
    const setup = new Setup();
    setup.log.append(1n);
    const changes = setup.tail();
    for (let i = 0; i < items; i++) await changes.next();
    await changes.return(undefined as never);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
    setup.expectNothingLeft();
  });

  test("[T4] throws UNAVAILABLE when it is as old as it may get", async () => {
    const setup = new Setup();
    const changes = setup.tail({ maxAgeMs: 60_000, heartbeatMs: 600_000 });
    await changes.next();
    const waiting = changes.next();
    vi.advanceTimersByTime(59_999);
    setup.broadcaster.publish(setup.log.append(1n));
    expect(seqs(await waiting)).toEqual([1]);
    vi.advanceTimersByTime(1);
    await expect(changes.next()).rejects.toMatchObject({ code: Code.Unavailable });
    setup.expectNothingLeft();
  });

  test("[T4] left before it is as old as it may get, it leaves no timer", async () => {
    const setup = new Setup();
    const changes = setup.tail({ maxAgeMs: 60_000, heartbeatMs: 600_000 });
    await changes.next();
    await changes.return(undefined as never);
    setup.expectNothingLeft();
  });

  test("[T4] throws what the store threw", async () => {
    const setup = new Setup();
    const changes = await setup.following();
    const reason = new Error("the database is away");
    setup.nextRead = () => Promise.reject(reason);
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await expect(changes.next()).rejects.toBe(reason);
    setup.expectNothingLeft();
  });

  test("[T4] throws what the subscriber threw", async () => {
    const setup = new Setup();
    const reason = new Error("no link");
    const changes = setup.tail({}, { subscribe: () => Promise.reject(reason) });
    await expect(changes.next()).rejects.toBe(reason);
    setup.expectNothingLeft();
  });
});
