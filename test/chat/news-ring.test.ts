import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MemberSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { NewsRing } from "../../src/chat/news-ring.ts";
import type { Position } from "../../src/chat/store.ts";
import { testMessage, testNews } from "../support/memory-log.ts";
import { at } from "../support/memory-store.ts";

const KIB = 1024;
const place = (seq: number, memberSeq = 0): Position => ({ seq: BigInt(seq), memberSeq: BigInt(memberSeq) });

/** A ring, and how many bytes it has said that it keeps. */
function setup() {
  const kept = { bytes: 0 };
  const ring = new NewsRing((bytes) => (kept.bytes += bytes));
  /** One message each. */
  const fill = (first: number, last: number) => {
    for (let seq = first; seq <= last; seq++) ring.push(testNews(1n, seq), place(seq - 1));
  };
  return { ring, kept, fill };
}

function edit(id: number, seq: number): News {
  const message = { ...testMessage(1n, BigInt(id)), seq: BigInt(seq), updatedAt: at(1_000 + seq) };
  return create(NewsSchema, { roomId: 1n, messages: [message] });
}

function record(memberSeq: number): News {
  return create(NewsSchema, { room: { id: 1n, memberSeq: BigInt(memberSeq) } });
}

function member(userId: number, memberSeq: number): News {
  const members = [create(MemberSchema, { roomId: 1n, userId: BigInt(userId), memberSeq: BigInt(memberSeq) })];
  return create(NewsSchema, { roomId: 1n, members, memberSeq: BigInt(memberSeq) });
}

test("news are numbered one after the other, and found by the position before them", () => {
  const { ring, fill } = setup();
  expect([ring.end, ring.start, ring.after(place(0))]).toEqual([0, undefined, undefined]);
  fill(1, 5);
  expect([ring.end, ring.start]).toEqual([5, place(0)]);
  for (let seq = 0; seq < 5; seq++) {
    expect(ring.after(place(seq))).toBe(seq);
    expect(ring.at(seq, place(seq))).toMatchObject({ messages: [{ seq: BigInt(seq + 1) }] });
  }
  expect(ring.at(5, place(5))).toBeUndefined();
});

test("a position within news has them again, and one that is behind in either log has what lies before", () => {
  const { ring } = setup();
  ring.push(testNews(1n, 1, 3), place(0, 0));
  ring.push(member(1, 1), place(3, 0));
  ring.push(testNews(1n, 4), place(3, 1));
  expect(ring.after(place(2, 0))).toBe(0);
  expect(ring.after(place(2, 1))).toBe(0);
  expect(ring.after(place(4, 0))).toBe(1);
  expect(ring.after(place(3, 1))).toBe(2);
});

test("news that move no number are taken by those who wait for them, not by those who come to the same position", () => {
  const { ring } = setup();
  const typing = create(NewsSchema, { roomId: 1n, typing: [create(TypingSchema, { roomId: 1n, userId: 1n })] });
  ring.push(typing, place(0));
  ring.push(testNews(1n, 1), place(0));
  expect(ring.at(0, place(0))).toBe(typing);
  expect(ring.after(place(0))).toBe(1);
});

test("the oldest are let go of until the rest is within a bound", () => {
  const { ring, kept, fill } = setup();
  fill(1, 5);
  const all = kept.bytes;
  ring.trim(all - 1);
  expect([ring.end, ring.at(0, place(0)), ring.start, ring.after(place(0))]).toEqual([
    5,
    undefined,
    place(1),
    undefined,
  ]);
  ring.trim(kept.bytes);
  expect(ring.start, "they fit").toEqual(place(1));
  ring.trim(0);
  expect([ring.end, ring.start, kept.bytes]).toEqual([5, undefined, 0]);
  fill(6, 6);
  expect(ring.at(5, place(5))).toMatchObject({ messages: [{ seq: 6n }] });
});

test("what lies before the oldest is added, if it fits, and no number changes", () => {
  const { ring, kept, fill } = setup();
  fill(6, 7);
  ring.unshift(testNews(1n, 1, 5), place(0), kept.bytes + KIB);
  expect(ring.start, "it doesn't fit").toEqual(place(5));
  ring.unshift(testNews(1n, 1, 5), place(0), 100 * KIB);
  expect([ring.start, ring.end, ring.after(place(0)), ring.after(place(5))]).toEqual([place(0), 2, -1, 0]);
  expect(ring.at(-1, place(0))).toMatchObject({ messages: { length: 5 } });
  expect(ring.at(1, place(6))).toMatchObject({ messages: [{ seq: 7n }] });
});

test("what is added before the rest is not for those who have to take what had its number before", () => {
  const { ring, fill } = setup();
  fill(1, 7);
  ring.trim(0);
  ring.unshift(testNews(1n, 6, 7), place(5), 100 * KIB);
  expect(ring.at(6, place(4)), "who was to take 5, 6 and 7").toBeUndefined();
  expect(ring.at(6, place(6)), "who was to take 7").toMatchObject({ messages: [{ seq: 6n }, { seq: 7n }] });
});

test("a message that was changed is kept in its latest state alone, and nothing before its older one", () => {
  const { ring, fill } = setup();
  fill(1, 5);
  ring.push(edit(3, 6), place(5));
  expect(ring.start).toEqual(place(3));
  ring.push(edit(3, 7), place(6));
  expect(ring.start).toEqual(place(6));
  ring.push(edit(1, 8), place(7));
  expect(ring.start, "of which no older one is kept").toEqual(place(6));
});

test("a member that has changed likewise", () => {
  const { ring } = setup();
  for (let i = 1; i <= 3; i++) ring.push(member(i, i), place(0, i - 1));
  ring.push(member(2, 4), place(0, 3));
  expect(ring.start).toEqual(place(0, 2));
});

test("so does a record", () => {
  const { ring } = setup();
  ring.push(record(1), place(0, 0));
  ring.push(member(1, 2), place(0, 1));
  ring.push(record(3), place(0, 2));
  expect(ring.start).toEqual(place(0, 1));
});

test("news that have the same message or member twice are not kept", () => {
  const twice: News[] = [
    create(NewsSchema, { messages: [testMessage(1n, 2n), ...edit(2, 3).messages] }),
    create(NewsSchema, { members: [...member(1, 1).members, ...member(1, 2).members] }),
  ];
  for (const news of twice) {
    const { ring, kept, fill } = setup();
    fill(1, 1);
    ring.push(news, place(1));
    expect([ring.end, ring.start, ring.at(1, place(1)), kept.bytes]).toEqual([2, undefined, undefined, 0]);
  }
});

test("texts, members, records, typing and read positions count", () => {
  const bytesOf = (news: News) => {
    const { ring, kept } = setup();
    ring.push(news, place(0));
    return kept.bytes;
  };
  const one = bytesOf(create(NewsSchema));
  expect(one).toBeGreaterThanOrEqual(KIB);
  const message = testMessage(1n, 1n, "x".repeat(10_000));
  expect(bytesOf(create(NewsSchema, { messages: [message] }))).toBeGreaterThanOrEqual(one + 40_000);
  expect(bytesOf(member(1, 1))).toBe(one + KIB);
  expect(bytesOf(create(NewsSchema, { typing: [{ roomId: 1n, userId: 1n }] }))).toBe(one + KIB);
  const named = create(NewsSchema, { room: { name: "x".repeat(100), data: { a: "x".repeat(5_000) } } });
  expect(bytesOf(named)).toBeGreaterThanOrEqual(one + KIB + 40_000);
  const readMessageIds = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`, 1n]));
  expect(bytesOf(create(NewsSchema, { reads: { roomId: 1n, readMessageIds } }))).toBeGreaterThan(64 * KIB);
});
