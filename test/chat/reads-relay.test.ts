import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type News, ReadMarkSchema } from "../../gen/room/room_pb.ts";
import { LIMITS, SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import { ReadsRelay } from "../../src/chat/reads-relay.ts";

const { readsIntervalMs: INTERVAL } = LIMITS;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup(limits?: typeof LIMITS) {
  const published: News[] = [];
  const relay = new ReadsRelay({ publish: (news) => void published.push(news) }, limits);
  const read = (user: number, message: number, { roomId = 1n, memberSeq = 7n, members = 3 } = {}) => {
    relay.pass(
      create(ReadMarkSchema, { roomId, userId: BigInt(user), messageId: BigInt(message), memberSeq, members }),
    );
  };
  /** What has been published since it was asked last, in short. */
  const told = () =>
    published.splice(0).map(({ roomId, reads }) => {
      expect(reads!.roomId).toBe(roomId);
      return Object.entries(reads!.readMessageIds).map(([user, id]) => `${roomId}: ${user} read ${id}`);
    });
  return { published, read, told };
}

test("the first is told at once, what comes soon after it together, and only the newest of each member", () => {
  const { read, told } = setup();
  read(1, 10);
  expect(told()).toEqual([["1: 1 read 10"]]);
  for (let message = 11; message <= 20; message++) for (const user of [1, 2]) read(user, message);
  vi.advanceTimersByTime(INTERVAL - 1);
  expect(told()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told()).toEqual([["1: 1 read 20", "1: 2 read 20"]]);
});

test("a room in which members read all the time is told once an interval", () => {
  const { read, told } = setup();
  for (let message = 1; message <= 100; message++) {
    read(1, message);
    vi.advanceTimersByTime(INTERVAL / 10);
  }
  expect(told().length).toBeLessThanOrEqual(11);
  vi.advanceTimersByTime(INTERVAL);
  const last = told();
  expect(last.at(-1) ?? ["1: 1 read 100"], "the last one is told in the end").toEqual(["1: 1 read 100"]);
});

test("rooms don't wait for one another", () => {
  const { read, told } = setup();
  read(1, 10);
  read(1, 20, { roomId: 2n });
  expect(told()).toEqual([["1: 1 read 10"], ["2: 1 read 20"]]);
});

test("after a silent interval the next is told at once, and nothing is kept of a silent room", () => {
  const { read, told } = setup();
  read(1, 10);
  read(1, 11);
  vi.advanceTimersByTime(2 * INTERVAL);
  expect(told()).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(0);
  read(1, 12);
  expect(told()).toEqual([["1: 1 read 12"]]);
});

test("news have the member_seq of the newest position, and say whether the room is too large to tell all", () => {
  const { published, read } = setup();
  read(1, 10, { memberSeq: 3n, members: SHARED_READS_MEMBERS });
  read(1, 11, { memberSeq: 3n });
  read(2, 11, { memberSeq: 4n });
  read(1, 12, { memberSeq: 5n, members: SHARED_READS_MEMBERS + 1 });
  vi.advanceTimersByTime(INTERVAL);
  expect(published).toMatchObject([
    { memberSeq: 3n, readsArePrivate: false },
    { memberSeq: 5n, readsArePrivate: true },
  ]);
});

test("how often can be set", () => {
  const { read, told } = setup({ ...LIMITS, readsIntervalMs: 50 });
  read(1, 10);
  read(1, 11);
  vi.advanceTimersByTime(50);
  expect(told()).toHaveLength(2);
});
