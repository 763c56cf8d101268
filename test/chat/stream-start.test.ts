import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { EventSchema, StreamEventsReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import type { Position } from "../../src/chat/store.ts";
import { eventStart, messageStart } from "../../src/chat/stream-start.ts";
import { MemoryLog } from "../support/memory-log.ts";

/** Room 1 is at 3 and 2, room 2 at its beginning, and user 2 is in neither. */
function setup() {
  const log = new MemoryLog();
  log.append(1n, 3);
  for (const roomId of [1n, 2n]) log.commit(roomId, [{ kind: "remove", userId: 2n }]);
  log.commit(1n, [{ kind: "read", userId: 1n }]);
  const common = { roomIds: [1n, 2n], userId: 1n };
  return {
    messages: (afterSeq: Record<string, bigint>, userId = 1n) =>
      messageStart(log, create(StreamMessageReqSchema, { ...common, userId, afterSeq })),
    events: (after: Record<string, Partial<Position>>, more: { userId?: bigint; heartbeatSeconds?: number } = {}) =>
      eventStart(log, create(StreamEventsReqSchema, { ...common, ...more, after })),
  };
}

const at = (roomId: bigint, seq: bigint, memberSeq: bigint) => ({
  roomId,
  membershipId: 1n,
  cursor: { seq, memberSeq },
});

test("messages start at their cursors, at now without one, and know all of the members' changes", async () => {
  const { messages } = setup();
  expect(await messages({})).toEqual({ userId: 1n, readers: [at(1n, 3n, 2n), at(2n, 0n, 1n)], endsWhenRemoved: true });
  expect((await messages({ 1: 0n, 2: 0n })).readers).toEqual([at(1n, 0n, 2n), at(2n, 0n, 1n)]);
  expect((await messages({ 1: 3n })).readers[0]).toEqual(at(1n, 3n, 2n));
});

test("messages: a cursor beyond the newest change is OUT_OF_RANGE", async () => {
  await expect(setup().messages({ 1: 4n })).rejects.toMatchObject({ code: Code.OutOfRange });
});

test("events start at their cursors, and at now without one", async () => {
  const { events } = setup();
  expect((await events({})).readers).toEqual([at(1n, 3n, 2n), at(2n, 0n, 1n)]);
  const { readers, opening } = await events({ 1: {}, 2: { memberSeq: 1n } });
  expect(readers).toMatchObject([at(1n, 0n, 0n), at(2n, 0n, 1n)]);
  expect(opening).toEqual([]);
});

test.each([{ seq: 4n }, { seq: 1n, memberSeq: 3n }])(
  "events: a cursor at %o is beyond the head: reset to now",
  async (cursor) => {
    const { readers, opening } = await setup().events({ 1: cursor, 2: {} });
    expect(readers).toMatchObject([at(1n, 3n, 2n), at(2n, 0n, 0n)]);
    const value = { roomId: 1n, cursor: { seq: 3n, memberSeq: 2n } };
    expect(opening).toEqual([create(EventSchema, { event: { case: "reset", value } })]);
  },
);

test("events: the heartbeat's interval is the one asked for, or the usual one", async () => {
  const { events } = setup();
  expect((await events({}, { heartbeatSeconds: 7 })).heartbeatMs).toBe(7_000);
  expect((await events({})).heartbeatMs).toBeUndefined();
});

test("a cursor for a room that is not asked for is INVALID_ARGUMENT, also where the user is a stranger", async () => {
  const { messages, events } = setup();
  for (const userId of [1n, 2n]) {
    await expect(messages({ 3: 0n }, userId)).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(events({ 3: {} }, { userId })).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
});

test("who is not a member is told NOT_FOUND, before anything about cursors", async () => {
  const { messages, events } = setup();
  await expect(messages({ 1: 99n }, 2n)).rejects.toMatchObject({ code: Code.NotFound });
  await expect(events({ 1: { seq: 99n } }, { userId: 2n })).rejects.toMatchObject({ code: Code.NotFound });
});
