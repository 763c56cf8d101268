import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { CursorSchema, EventSchema, StreamEventsReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { HEARTBEAT_MS } from "../../src/chat/limits.ts";
import { eventStart, messageStart } from "../../src/chat/stream-start.ts";
import type { TailOptions } from "../../src/chat/tail-options.ts";
import { MemoryLog } from "../support/memory-log.ts";

type CursorInit = MessageInitShape<typeof CursorSchema>;

/** Room 1 is at 3 and 5, room 2 at 0 and 5; user 2 is in neither. */
function setup() {
  const log = new MemoryLog();
  log.append(1n, 3);
  for (const roomId of [1n, 2n]) log.change(roomId, { kind: "remove", userId: 2n });
  const common = { roomIds: [1n, 2n], userId: 1n };
  return {
    log,
    messages: (afterSeq: Record<string, bigint>, more: { userId?: bigint; epoch?: string } = {}) =>
      messageStart(log, create(StreamMessageReqSchema, { ...common, ...more, afterSeq })),
    events: (after: Record<string, CursorInit>, more: { userId?: bigint; heartbeatSeconds?: number } = {}) => {
      const cursors = Object.entries(after).map(([roomId, cursor]) => [roomId, create(CursorSchema, cursor)]);
      const value = { ...common, ...more, after: Object.fromEntries(cursors) };
      return eventStart(log, create(StreamEventsReqSchema, value));
    },
  };
}

/** Where a stream starts, by room, in short. */
function starts({ from }: TailOptions): string[] {
  return [...from].map(([roomId, { seq, memberSeq }]) => `${roomId}/${seq}+${memberSeq}`);
}

const outOfRange = (what: RegExp) => ({ code: Code.OutOfRange, rawMessage: expect.stringMatching(what) });

test("messages start at their cursors, at now without one, and know all of the members' changes", async () => {
  const { log, messages } = setup();
  const now = await messages({});
  expect(now).toEqual({
    userId: 1n,
    memberships: await log.memberships(1n, [1n, 2n]),
    from: new Map(),
    endsWhenRemoved: true,
  });
  expect(now.memberships.of).toMatchObject([
    { head: { seq: 3n, memberSeq: 5n } },
    { head: { seq: 0n, memberSeq: 5n } },
  ]);
  expect(starts(await messages({ 1: 0n, 2: 0n }))).toEqual(["1/0+5", "2/0+5"]);
  expect(starts(await messages({ 1: 3n }))).toEqual(["1/3+5"]);
});

test("messages: a cursor that can't be served is OUT_OF_RANGE, and why is said", async () => {
  const { log, messages } = setup();
  await expect(messages({ 1: 4n })).rejects.toMatchObject(outOfRange(/room 1 has no such change yet, its newest is 3/));
  await expect(messages({ 1: 3n }, { epoch: "another" })).rejects.toMatchObject(outOfRange(/another epoch/));
  log.firstSeqs.set(1n, 3n);
  await expect(messages({ 1: 1n })).rejects.toMatchObject(outOfRange(/keeps changes from 3 on/));
  expect(starts(await messages({ 1: 2n })), "the first one that is kept comes next").toEqual(["1/2+5"]);
});

test("messages: a cursor of the database's epoch is served, and one that names none is believed", async () => {
  const { messages } = setup();
  expect(starts(await messages({ 1: 2n }, { epoch: "memory" }))).toEqual(["1/2+5"]);
  expect(starts(await messages({ 1: 2n }, { epoch: "" }))).toEqual(["1/2+5"]);
  expect(starts(await messages({}, { epoch: "another" })), "without a cursor there is nothing to serve").toEqual([]);
});

test("events start at their cursors, and at now without one", async () => {
  const { log, events } = setup();
  expect(await events({})).toMatchObject({ userId: 1n, memberships: await log.memberships(1n, [1n, 2n]), opening: [] });
  expect(starts(await events({}))).toEqual([]);
  const start = await events({ 1: {}, 2: { memberSeq: 1n, epoch: "memory" } });
  expect(starts(start)).toEqual(["1/0+0", "2/0+1"]);
  expect(start.opening).toEqual([]);
  expect(start.endsWhenRemoved ?? false, "they can be told").toBe(false);
});

test.each<[string, CursorInit]>([
  ["beyond the newest message", { seq: 4n }],
  ["beyond the newest change of the members", { seq: 1n, memberSeq: 6n }],
  ["of another epoch", { seq: 1n, epoch: "another" }],
  ["before what is kept", { memberSeq: 5n }],
])(
  "events: a cursor %s can't be served: the room is reset to now, the others start where they should",
  async (_, cursor) => {
    const { log, events } = setup();
    log.firstSeqs.set(1n, 2n);
    const start = await events({ 1: cursor, 2: {} });
    expect(starts(start)).toEqual(["2/0+0"]);
    const value = { roomId: 1n, cursor: { seq: 3n, memberSeq: 5n, epoch: "memory" } };
    expect(start.opening).toEqual([create(EventSchema, { event: { case: "reset", value } })]);
  },
);

test("events: the heartbeat's interval is the one asked for, or the usual one", async () => {
  const { events } = setup();
  expect((await events({}, { heartbeatSeconds: 7 })).heartbeatMs).toBe(7_000);
  expect((await events({})).heartbeatMs).toBe(HEARTBEAT_MS);
});

test("a cursor for a room that is not asked for is INVALID_ARGUMENT, also where the user is a stranger", async () => {
  const { messages, events } = setup();
  for (const userId of [1n, 2n]) {
    await expect(messages({ 3: 0n }, { userId })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(events({ 3: {} }, { userId })).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
});

test("who is not a member is told NOT_FOUND, before anything about cursors", async () => {
  const { messages, events } = setup();
  await expect(messages({ 1: 99n }, { userId: 2n })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(messages({ 1: 1n }, { userId: 2n, epoch: "another" })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(events({ 1: { seq: 99n } }, { userId: 2n })).rejects.toMatchObject({ code: Code.NotFound });
});
