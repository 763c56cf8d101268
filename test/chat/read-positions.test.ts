import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import { ReadPositions, readsOf } from "../../src/chat/read-positions.ts";

type Positions = Record<string, bigint>;

/** Read positions of memberships with the id 1, or another one, which have moved forward only, or at some revision. */
const at = (messageIds: Positions, { revision, memberId = 1n }: { revision?: bigint; memberId?: bigint } = {}) =>
  Object.fromEntries(
    Object.entries(messageIds).map(([user, messageId]) => [
      user,
      { messageId, memberId, revision: revision ?? messageId },
    ]),
  );
const reads = (messageIds: Positions, readsArePrivate = false, place: Parameters<typeof at>[1] = {}) =>
  create(NewsSchema, { roomId: 1n, memberSeq: 1n, ...readsOf(1n, at(messageIds, place)), readsArePrivate });
const member = (userId: bigint, readMessageId: bigint, memberSeq = 2n, isRemoved = false, id = 1n) => {
  const removedAt = isRemoved ? timestampNow() : undefined;
  const members = [{ id, userId, readMessageId, memberSeq, removedAt }];
  return create(NewsSchema, { roomId: 1n, memberSeq, members });
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
  positions.replace(byUser && at(byUser), memberSeq);
  return positions;
}

test("all are told once the database has told them, and always the same news", () => {
  const positions = new ReadPositions(1n);
  expect([positions.isKnown, positions.all]).toEqual([false, undefined]);
  positions.replace(at({ 1: 5n, 2: 7n }), 3n);
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
  expect(told(positions.replace(at({ 1: 5n, 2: 3n, 3: 1n }), 1n))).toEqual({ 2: 3n });
  expect(told(positions.all)).toEqual({ 1: 6n, 2: 3n, 3: 1n });
});

test("what the database has is told as far as it has moved on", () => {
  const positions = known({ 1: 5n, 2: 7n });
  expect(told(positions.replace(at({ 1: 6n, 2: 7n, 3: 1n }), 1n))).toEqual({ 1: 6n, 3: 1n });
  expect(positions.replace(at({ 1: 6n, 2: 7n, 3: 1n }), 1n)).toBeUndefined();
});

test("they move back as well: the one of the greater revision is the newer", () => {
  const positions = known({ 1: 5n });
  expect(hear(positions, reads({ 1: 3n }, false, { revision: 8n }))).toEqual({ 1: 3n });
  expect(hear(positions, reads({ 1: 4n }, false, { revision: 7n })), "which was overtaken").toBeUndefined();
  expect(told(positions.all)).toEqual({ 1: 3n });
  expect(told(positions.replace(at({ 1: 0n }, { revision: 9n }), 1n))).toEqual({ 1: 0n });
  expect(told(positions.all)).toEqual({ 1: 0n });
});

test("what has another revision, and the position it had, has not moved", () => {
  const positions = known({ 1: 5n });
  expect(positions.replace(at({ 1: 5n }, { revision: 9n }), 1n)).toBeUndefined();
});

test("a rumour of a membership that has ended is none of the next one; a change of the next one doesn't move it", () => {
  const positions = known({ 1: 5n });
  positions.follow(member(1n, 5n, 2n, true));
  positions.follow(member(1n, 7n, 3n, false, 2n));
  expect(hear(positions, reads({ 1: 6n }, false, { revision: 6n }))).toBeUndefined();
  expect(hear(positions, reads({ 1: 4n }, false, { revision: 9n, memberId: 2n }))).toEqual({ 1: 4n });
  positions.follow(member(1n, 7n, 4n, false, 2n));
  expect(told(positions.all)).toEqual({ 1: 4n });
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
  expect(positions.replace(at({ 1: 5n }), 1n)).toBeUndefined();
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
  expect(told(positions.replace(at({ 1: 5n, 2: 6n }), 1n))).toEqual({ 1: 5n, 2: 6n });
  expect(positions.arePrivate).toBe(false);
  for (let i = 3; i <= SHARED_READS_MEMBERS; i++) positions.follow(member(BigInt(i), 1n, BigInt(i)));
  expect(positions.arePrivate).toBe(false);
  positions.follow(member(1_000n, 1n, 1_000n));
  expect(positions.arePrivate).toBe(true);
});
