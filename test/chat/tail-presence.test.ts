import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import type { Visit } from "../../src/chat/presence.ts";
import { Tail } from "../../src/chat/tail.ts";
import { eventsOf } from "../../src/chat/view.ts";
import { type Following, TailSetup } from "../support/tail-setup.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Rooms that are followed by readers who say so. */
function setUp() {
  const visits = new Set<Visit>();
  const presence = {
    enter(visit: Visit): Disposable {
      visits.add(visit);
      return { [Symbol.dispose]: () => void visits.delete(visit) };
    },
  };
  const setup = new TailSetup({}, undefined, { presence });
  const follow = (options: Following, watches: boolean) => setup.following({ ...options, visit: { watches } });
  const publish = (userIds: bigint[], memberSeq = setup.log.head(1n).memberSeq) => {
    const told = { roomId: 1n, userIds, count: userIds.length };
    setup.broadcaster.publish(create(NewsSchema, { roomId: 1n, memberSeq, presence: told }));
  };
  return { setup, visits, follow, publish };
}

/** What a reader is told next. */
async function told(tail: Tail): Promise<unknown[]> {
  const events = (await tail.next()).flatMap(eventsOf);
  return events.map(({ event }) => (event.case === "presence" ? event.value.userIds : event.case));
}

describe("[T8] who is here", () => {
  test("is told to those who asked, and to no others", async () => {
    const { setup, follow, publish } = setUp();
    const [asked, silent] = [await follow({}, true), await follow({ userId: 2n }, false)];
    publish([1n, 2n]);
    setup.send();
    expect(await told(asked)).toEqual(["message", [1n, 2n]]);
    expect(await told(silent)).toEqual(["message"]);
  });

  test("is told as it is by now to a reader that comes later, or was slow", async () => {
    const { follow, publish } = setUp();
    const first = await follow({}, true);
    for (const userIds of [[1n], [1n, 2n], [1n, 2n, 3n]]) publish(userIds);
    const second = await follow({ userId: 2n }, true);
    expect(await told(first)).toEqual([[1n, 2n, 3n]]);
    first.close(new Error("leaves"));
    publish([2n]);
    expect(await told(second)).toEqual([[2n]]);
  });

  test("comes at once to a reader that is the second one to ask", async () => {
    const { setup, follow, publish } = setUp();
    await follow({}, true);
    publish([1n]);
    const second = await setup.tail({ userId: 2n, visit: { watches: true } });
    expect(await told(second)).toEqual(["caughtUp", [1n]]);
  });

  test("is forgotten when nobody is told of it any more", async () => {
    const { follow, publish, setup } = setUp();
    const [first] = [await follow({}, true), await follow({ userId: 3n }, false)];
    publish([1n]);
    first!.close(new Error("leaves"));
    const second = await setup.tail({ userId: 2n, visit: { watches: true } });
    expect(await told(second)).toEqual(["caughtUp"]);
  });

  test("[P5] is not told before the log has shown that the reader is still a member", async () => {
    const { setup, visits, follow, publish } = setUp();
    const [removed, stays] = [await follow({ userId: 2n }, true), await follow({ userId: 3n }, true)];
    expect(visits.size).toBe(2);
    setup.log.change(1n, { kind: "remove", userId: 2n }); // nobody is told
    publish([2n, 3n]);
    expect(await told(removed)).toEqual(["memberRemoved"]);
    expect([...visits]).toEqual([{ roomId: 1n, userId: 3n, watches: true }]);
    const got = [];
    while (got.length < 2) got.push(...(await told(stays)));
    expect(got).toEqual(["memberRemoved", [2n, 3n]]);
    removed.close(new Error("leaves"));
    stays.close(new Error("leaves"));
    expect(visits.size).toBe(0);
    await setup.expectNothingLeft();
  });

  test("counts members, and not those who read by right, nor those who don't say that they are here", async () => {
    const { setup, visits, follow } = setUp();
    await follow({}, false);
    await setup.following({ userId: 2n });
    const memberships = await setup.log.memberships(0n, [], [1n]);
    await Tail.open(setup.feeds, { userId: 0n, memberships, from: new Map(), visit: { watches: true } });
    expect([...visits]).toEqual([
      { roomId: 1n, userId: 1n, watches: false },
      { roomId: 1n, userId: 0n, watches: true },
    ]);
  });
});
