import { Code } from "@connectrpc/connect";
import { createClient, type InValue } from "@libsql/client/sqlite3";
import { expect, test } from "vitest";
import { chatClient } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { bodies, newRoom } from "../support/rooms.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestEvents, TestStream } from "../support/test-stream.ts";

/** A service, a room of three messages, and a way to do to the database what no RPC does. */
async function setup() {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const url = `file:${path}/roomlog.db`;
  const service = stack.use(await startNodeService({ DATABASE_URL: url }));
  const client = chatClient("gRPC", service.url);
  const room = await newRoom(client);
  for (const body of ["1", "2", "3"]) await room.send(body);
  const { head } = await client.listMessages(room.asOwner);
  const execute = async (sql: string, args: InValue[]) => {
    const database = createClient({ url, timeout: 5_000 });
    await database.execute({ sql, args });
    database.close();
  };
  const { roomId, owner: userId } = room;
  const key = `${roomId}`;
  const messages = (afterSeq: bigint, epoch = "") => {
    return new TestStream(client, { roomIds: [roomId], userId, afterSeq: { [key]: afterSeq }, epoch });
  };
  const events = (after: { seq?: bigint; memberSeq?: bigint; epoch?: string }) => {
    return new TestEvents(client, { roomIds: [roomId], userId, after: { [key]: after } });
  };
  const resources = stack.move();
  return { ...room, head: head!, execute, messages, events, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

test("[P3] a cursor before the oldest change that is kept is refused, or reset", async () => {
  await using room = await setup();
  const { roomId, execute, messages, events, send } = room;
  await execute("UPDATE rooms SET first_seq = 3 WHERE id = ?", [roomId]);
  for (const seq of [0n, 1n]) {
    await using stream = messages(seq);
    expect(Code[(await stream.ended)!.code]).toBe("OutOfRange");
    await using feed = events({ seq, memberSeq: 1n });
    expect(await feed.takeFacts(1)).toMatchObject([{ case: "reset", value: { roomId, cursor: { memberSeq: 1n } } }]);
    const live = await send("live");
    expect(await feed.takeOf("message", 1)).toEqual([live]);
  }
  await using stream = messages(2n);
  expect(bodies(await stream.take(3))).toEqual(["3", "live", "live"]);
  await using feed = events({ seq: 2n, memberSeq: 1n });
  expect(bodies(await feed.takeOf("message", 3))).toEqual(["3", "live", "live"]);
  expect(feed.all("reset")).toEqual([]);
});

test("[P3] once the database has another epoch, streams end, and cursors of before are refused, or reset", async () => {
  await using room = await setup();
  const { roomId, head, execute, messages, events, send } = room;
  await using stream = messages(head.seq, head.epoch);
  await using feed = events(head);
  await Promise.all([stream.live, feed.live]);
  await execute("UPDATE log_state SET epoch = ?", ["restored"]);
  for (const { ended } of [stream, feed]) expect(Code[(await ended)!.code]).toBe("Unavailable");

  await using refused = messages(head.seq, head.epoch);
  expect(Code[(await refused.ended)!.code]).toBe("OutOfRange");
  await using reset = events(head);
  const cursor = { ...head, epoch: "restored" };
  expect(await reset.takeFacts(1)).toEqual([{ case: "reset", value: expect.objectContaining({ roomId, cursor }) }]);
  const live = await send("live");
  expect(await reset.takeOf("message", 1)).toEqual([live]);
  await using served = messages(head.seq, "restored");
  expect(await served.take(1)).toEqual([live]);
});
