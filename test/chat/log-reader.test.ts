import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import { LogReader } from "../../src/chat/log-reader.ts";
import type { LogPage, LogPlace, PageSize } from "../../src/chat/store.ts";
import { nextTurn } from "../support/stream-setup.ts";

const at = (roomId: number, seq = 0): LogPlace => ({
  roomId: BigInt(roomId),
  after: { seq: BigInt(seq), memberSeq: 0n },
});

interface Read {
  readonly rooms: readonly number[];
  readonly size: PageSize;
  succeed(): void;
  fail(reason: unknown): void;
}

/** A reader of a log whose reads end when the test says so. */
function setup(limits: Partial<Limits> = {}) {
  const reads: Read[] = [];
  const readLogs = (places: readonly LogPlace[], size: PageSize) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly (LogPage | undefined)[]>();
    const pages = places.map(({ roomId, after }) => {
      if (roomId === 404n) return undefined;
      return { news: create(NewsSchema, { roomId }), head: after, firstSeq: 1n };
    });
    const rooms = places.map(({ roomId }) => Number(roomId));
    reads.push({ rooms, size, succeed: () => resolve(pages), fail: reject });
    return promise;
  };
  return { reads, log: new LogReader({ readLogs }, { ...LIMITS, ...limits }) };
}

test("those who ask in the same turn share a read, and for the same place the same page", async () => {
  const { reads, log } = setup();
  const pages = [at(1), at(2), at(1), at(1, 5), at(404)].map((place) => log.read(place));
  await nextTurn();
  expect(reads).toMatchObject([{ rooms: [1, 2, 1, 404] }]);
  expect(reads[0]!.size).toEqual({ changes: LIMITS.logPageChanges, bytes: LIMITS.logPageBytes });
  reads[0]!.succeed();
  const [one, two, same, later, none] = await Promise.all(pages);
  expect([one!.news.roomId, two!.news.roomId, later!.news.roomId, none]).toEqual([1n, 2n, 1n, undefined]);
  expect(same).toBe(one);
  expect(later).not.toBe(one);
});

test("what is asked while a read is under way is not answered by it, since its snapshot is older", async () => {
  const { reads, log } = setup();
  const first = log.read(at(1));
  await nextTurn();
  const second = log.read(at(1));
  await nextTurn();
  expect(reads).toHaveLength(2);
  for (const read of reads) read.succeed();
  expect(await second).not.toBe(await first);
});

test("logReads reads are under way at a time; what waits shares the next one", async () => {
  const { reads, log } = setup({ logReads: 2 });
  for (const room of [1, 2]) {
    void log.read(at(room));
    await nextTurn();
  }
  const waiting = [3, 4, 3].map((room) => log.read(at(room)));
  await nextTurn();
  expect(reads).toHaveLength(2);
  reads[1]!.succeed();
  await nextTurn();
  expect(reads.map(({ rooms }) => rooms)).toEqual([[1], [2], [3, 4]]);
  reads[2]!.succeed();
  expect((await Promise.all(waiting)).map((page) => page!.news.roomId)).toEqual([3n, 4n, 3n]);
});

test("a read has logReadPages at most; the rest goes into others, in the order of asking", async () => {
  const { reads, log } = setup({ logReads: 2, logReadPages: 3 });
  for (let room = 1; room <= 8; room++) void log.read(at(room));
  await nextTurn();
  expect(reads.map(({ rooms }) => rooms)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  reads[0]!.succeed();
  await nextTurn();
  expect(reads[2]).toMatchObject({ rooms: [7, 8] });
});

test("a read that fails rejects those who share it alone, and the next ones are read", async () => {
  const { reads, log } = setup({ logReads: 1 });
  const failing = [1, 2].map((room) => log.read(at(room)));
  await nextTurn();
  const waiting = log.read(at(1));
  reads[0]!.fail("away");
  expect(await Promise.allSettled(failing)).toMatchObject([{ reason: "away" }, { reason: "away" }]);
  reads[1]!.succeed();
  expect((await waiting)!.news.roomId).toBe(1n);
});

test("a log that throws instead of rejecting fails too", async () => {
  let works = false;
  const readLogs = () => {
    if (!works) throw new Error("thrown at once");
    return Promise.resolve([undefined]);
  };
  const log = new LogReader({ readLogs }, { ...LIMITS, logReads: 1 });
  await expect(log.read(at(1))).rejects.toThrow("thrown at once");
  works = true;
  expect(await log.read(at(1))).toBeUndefined();
});
