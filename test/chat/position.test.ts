import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import { isEmpty, isGap, memberChanges, newOf, after as positionAfter } from "../../src/chat/position.ts";
import { eventsOf } from "../../src/chat/view.ts";

const at = (memberSeq: number) => ({ seq: 0n, memberSeq: BigInt(memberSeq) });
/** Changes of members by their numbers, and of the record. */
const news = (members: number[], record?: number) => {
  return create(NewsSchema, {
    members: members.map((memberSeq) => ({ userId: BigInt(memberSeq), memberSeq: BigInt(memberSeq) })),
    ...(record !== undefined && { room: { memberSeq: BigInt(record) } }),
    memberSeq: BigInt(Math.max(0, record ?? 0, ...members)),
  });
};
const numbers = (of: ReturnType<typeof news>) => memberChanges(of).map(({ memberSeq }) => Number(memberSeq));

describe("a change of the record is one of the members' log", () => {
  test("at its place", () => {
    expect(numbers(news([1, 2], 3))).toEqual([1, 2, 3]);
    expect(numbers(news([1, 3], 2))).toEqual([1, 2, 3]);
    expect(numbers(news([2, 3], 1))).toEqual([1, 2, 3]);
    expect(numbers(news([], 1))).toEqual([1]);
    const events = eventsOf(news([1, 3], 2)).map(({ event }) => event.case);
    expect(events).toEqual(["memberAdded", "roomUpdated", "memberAdded"]);
  });

  test("after which a reader is further", () => {
    expect(positionAfter(at(1), news([2], 3))).toEqual(at(3));
    expect(positionAfter(at(1), news([3], 2))).toEqual(at(3));
    expect(positionAfter(at(1), news([], 2))).toEqual(at(2));
    expect(isEmpty(news([], 2))).toBe(false);
  });

  test("without which something is missing", () => {
    expect(isGap(at(1), news([2], 3))).toBe(false);
    expect(isGap(at(1), news([3], 2))).toBe(false);
    expect(isGap(at(0), news([], 2))).toBe(true);
    expect(isGap(at(0), news([2], 3))).toBe(true);
    expect(isGap(at(2), { ...news([2]), memberSeq: 3n })).toBe(true);
  });

  test("that is known already is not new", () => {
    expect(numbers(newOf(news([1, 3], 2), at(2)))).toEqual([3]);
    expect(numbers(newOf(news([1], 2), at(1)))).toEqual([2]);
    const all = news([2], 3);
    expect(newOf(all, at(1))).toBe(all);
    expect(isEmpty(newOf(news([], 2), at(2)))).toBe(true);
  });
});
