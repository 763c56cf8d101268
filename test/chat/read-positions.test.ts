import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import { ReadPositions } from "../../src/chat/read-positions.ts";

type Positions = Record<string, bigint>;

const reads = (readMessageIds: Positions, readsArePrivate = false) =>
  create(NewsSchema, { roomId: 1n, memberSeq: 1n, reads: { roomId: 1n, readMessageIds }, readsArePrivate });
const member = (userId: bigint, readMessageId: bigint, memberSeq = 2n, isRemoved = false) => {
  const removedAt = isRemoved ? timestampNow() : undefined;
  return create(NewsSchema, { roomId: 1n, memberSeq, members: [{ userId, readMessageId, memberSeq, removedAt }] });
};

/** What news tell of read positions. */
const told = (news: News | undefined) => news?.reads?.readMessageIds;

/** What a feed does with what it hears; what is told of it. */
function hear(positions: ReadPositions, news: News): Positions | undefined {
  const next = positions.newOf(news);
  positions.follow(next);
  return told(next);
}

function known(byUser: Positions | undefined, memberSeq = 1n) {
  const positions = new ReadPositions(1n);
  positions.replace(byUser, memberSeq);
  return positions;
}

test("all are told once the database has told them, and always the same news", () => {
  const positions = new ReadPositions(1n);
  expect([positions.isKnown, positions.all]).toEqual([false, undefined]);
  positions.replace({ 1: 5n, 2: 7n }, 3n);
  expect(positions.isKnown).toBe(true);
  expect(positions.all).toMatchObject({ roomId: 1n, memberSeq: 3n, reads: { roomId: 1n } });
  expect(told(positions.all)).toEqual({ 1: 5n, 2: 7n });
  expect(positions.all).toBe(positions.all);
});

test("where nobody has read anything there is nothing to tell", () => {
  expect(known({}).all).toBeUndefined();
});

test("they move on with what is heard, and what is behind is no news", () => {
  const positions = known({ 1: 5n });
  const news = reads({ 1: 6n, 2: 3n });
  expect(positions.newOf(news), "the same, so that it is encoded once").toBe(news);
  expect(hear(positions, news)).toEqual({ 1: 6n, 2: 3n });
  expect(told(positions.all)).toEqual({ 1: 6n, 2: 3n });
  expect(hear(positions, reads({ 1: 4n, 2: 4n }))).toEqual({ 2: 4n });
  expect(hear(positions, reads({ 1: 6n }))).toBeUndefined();
  expect(told(positions.all)).toEqual({ 1: 6n, 2: 4n });
});

test("news keep what else they tell", () => {
  const news = create(NewsSchema, { ...reads({ 1: 4n }), typing: [create(TypingSchema, { userId: 2n })] });
  expect(known({ 1: 5n }).newOf(news)).toMatchObject({ reads: undefined, typing: [{ userId: 2n }] });
});

test("what is heard before the database has told them stays, where it is further", () => {
  const positions = new ReadPositions(1n);
  expect(hear(positions, reads({ 1: 6n, 2: 2n }))).toEqual({ 1: 6n, 2: 2n });
  expect(hear(positions, reads({ 1: 5n }))).toBeUndefined();
  expect(positions.all).toBeUndefined();
  expect(told(positions.replace({ 1: 5n, 2: 3n, 3: 1n }, 1n))).toEqual({ 2: 3n });
  expect(told(positions.all)).toEqual({ 1: 6n, 2: 3n, 3: 1n });
});

test("what the database has is told as far as it has moved on", () => {
  const positions = known({ 1: 5n, 2: 7n });
  expect(told(positions.replace({ 1: 6n, 2: 7n, 3: 1n }, 1n))).toEqual({ 1: 6n, 3: 1n });
  expect(positions.replace({ 1: 6n, 2: 7n, 3: 1n }, 1n)).toBeUndefined();
});

test("members come with the position they have, and leave with theirs", () => {
  const positions = known({ 1: 5n });
  positions.follow(member(2n, 4n));
  positions.follow(member(3n, 0n, 3n));
  expect(told(positions.all)).toEqual({ 1: 5n, 2: 4n });
  positions.follow(member(1n, 5n, 4n, true));
  expect(told(positions.all)).toEqual({ 2: 4n });
  expect(positions.all).toMatchObject({ memberSeq: 4n });
});

test("who had read nothing when the database was asked, and has since, stays", () => {
  const positions = new ReadPositions(1n);
  hear(positions, reads({ 2: 7n }));
  expect(positions.replace({ 1: 5n }, 1n)).toBeUndefined();
  expect(told(positions.all)).toEqual({ 1: 5n, 2: 7n });
});

test("of a large room none are kept, and all news are passed on", () => {
  const positions = known(undefined);
  expect([positions.isKnown, positions.arePrivate, positions.all]).toEqual([true, true, undefined]);
  for (let i = 0; i < 2; i++) expect(hear(positions, reads({ 1: 5n }, true))).toEqual({ 1: 5n });
  positions.follow(member(2n, 4n));
  expect(positions.all).toBeUndefined();
});

test("a room becomes large when it is said so, or when its members are too many; and small when the database has them", () => {
  const positions = known({ 1: 5n });
  hear(positions, reads({ 2: 6n }, true));
  expect([positions.arePrivate, positions.all]).toEqual([true, undefined]);
  expect(told(positions.replace({ 1: 5n, 2: 6n }, 1n))).toEqual({ 1: 5n, 2: 6n });
  expect(positions.arePrivate).toBe(false);
  for (let i = 3; i <= SHARED_READS_MEMBERS; i++) positions.follow(member(BigInt(i), 1n, BigInt(i)));
  expect(positions.arePrivate).toBe(false);
  positions.follow(member(1_000n, 1n, 1_000n));
  expect(positions.arePrivate).toBe(true);
});
