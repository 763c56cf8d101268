import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import { TypingRelay } from "../../src/chat/typing-relay.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setup(limits?: Limits) {
  const published: News[] = [];
  const relay = new TypingRelay({ publish: (news) => void published.push(news) }, limits);
  const type = (userId: bigint, roomId = 1n, stopped = false) => {
    relay.pass(create(TypingSchema, { roomId, userId, stopped, expiresAt: timestampFromMs(Date.now()) }), 7n);
  };
  return { published, type };
}

test("typing is news of the room, with the member_seq it was asked with", () => {
  const { published, type } = setup();
  type(2n);
  const typing = [create(TypingSchema, { roomId: 1n, userId: 2n, expiresAt: timestampFromMs(Date.now()) })];
  expect(published).toEqual([create(NewsSchema, { roomId: 1n, memberSeq: 7n, typing })]);
});

test("a member's typing is passed on once in typingIntervalMs, whoever else types, and wherever", () => {
  const { published, type } = setup();
  for (let i = 0; i < 10; i++) {
    type(1n);
    type(2n);
    type(1n, 2n);
  }
  expect(published).toHaveLength(3);
  vi.advanceTimersByTime(LIMITS.typingIntervalMs - 1);
  type(1n);
  expect(published).toHaveLength(3);
  vi.advanceTimersByTime(1);
  type(1n);
  type(1n);
  expect(published).toHaveLength(4);
});

test("whoever types all the time is passed on at the interval", () => {
  const { published, type } = setup();
  for (let i = 0; i < 100; i++) {
    type(1n);
    vi.advanceTimersByTime(LIMITS.typingIntervalMs / 10);
  }
  expect(published).toHaveLength(10);
});

test("that a member has stopped, or goes on, is passed on at once, and what repeats it once in typingIntervalMs", () => {
  const { published, type } = setup();
  const told = () => published.splice(0).map(({ typing }) => typing[0]!.stopped);
  for (let i = 0; i < 3; i++) {
    type(1n);
    type(1n);
    type(1n, 1n, true);
    type(1n, 1n, true);
  }
  expect(told()).toEqual([false, true, false, true, false, true]);
  vi.advanceTimersByTime(LIMITS.typingIntervalMs);
  type(1n, 1n, true);
  expect(told()).toEqual([true]);
});

test("at most typingMembers are remembered: beyond it, the one longest ago may type again at once", () => {
  const { published, type } = setup();
  const count = LIMITS.typingMembers + 1;
  for (let i = 1; i <= count; i++) type(BigInt(i));
  expect(published).toHaveLength(count);
  type(2n);
  type(BigInt(count));
  expect(published, "these are remembered").toHaveLength(count);
  type(1n);
  expect(published, "this one isn't").toHaveLength(count + 1);
});

test("how often, and of how many, can be set", () => {
  const { published, type } = setup({ ...LIMITS, typingIntervalMs: 50, typingMembers: 2 });
  for (const userId of [1n, 2n, 2n, 3n, 1n]) type(userId);
  expect(published).toHaveLength(4);
  vi.advanceTimersByTime(50);
  type(1n);
  expect(published).toHaveLength(5);
});

test("a clock that is set back keeps nobody silent", () => {
  const { published, type } = setup();
  type(1n);
  vi.setSystemTime(Date.now() - 60 * 60_000);
  vi.advanceTimersByTime(LIMITS.typingIntervalMs);
  type(1n);
  expect(published).toHaveLength(2);
});
