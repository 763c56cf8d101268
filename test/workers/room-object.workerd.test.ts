import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { MessageSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, NewsSchema, OutcomeSchema } from "../../gen/room/room_pb.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { Tail } from "../../src/chat/tail.ts";
import { messagesOf } from "../../src/chat/view.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { DatabaseStubs } from "../../src/workers/database-stubs.ts";
import { ObjectDatabase } from "../../src/workers/object-database.ts";
import { SocketSubscriber } from "../../src/workers/room-socket.ts";
import { workerConfig } from "../../src/workers/worker-config.ts";
import { freshId } from "../support/fresh-id.ts";
import { expectDense, newRoom } from "../support/rooms.ts";
import { TestEvents, TestStream } from "../support/test-stream.ts";
import { client } from "./client.workerd.ts";
import { constructions } from "./main.workerd.ts";

/** A new room, its object, and ways around it. */
async function newRoomObject() {
  const { roomId, owner, asOwner, send } = await newRoom(client);
  const follow = (after?: bigint) => {
    return new TestStream(client, {
      roomIds: [roomId],
      userId: owner,
      afterSeq: after === undefined ? {} : { [`${roomId}`]: after },
    });
  };
  /** Commits through another object than the room's own, so that no reader hears of it. */
  const sendUnheard = async (body: string) => {
    const change = create(ChangeSchema, { change: { case: "sendMessage", value: { ...asOwner, body } } });
    const { outcome } = fromBinary(
      OutcomeSchema,
      await env.ROOMS.getByName(`not ${roomId}`).apply(toBinary(ChangeSchema, change)),
    );
    return outcome;
  };
  return { roomId, owner, object: env.ROOMS.getByName(`${roomId}`), send, follow, sendUnheard };
}

const attachmentOf = (socket: WebSocket): unknown => socket.deserializeAttachment();

describe("a room object", () => {
  test("tells its readers of the record, and of its end", async () => {
    const { roomId, owner, asOwner } = await newRoom(client);
    await using stream = new TestEvents(client, { roomIds: [roomId], userId: owner });
    await stream.live;
    const updated = await client.updateRoom({ roomId, actorId: owner, name: "new" });
    const { members } = await client.addMembers({ roomId, actorId: owner, userIds: [freshId(), freshId()] });
    await client.deleteRoom({ roomId, actorId: owner });
    await stream.takeOf("roomDeleted", 1);
    const expected = [
      { case: "roomUpdated", value: updated },
      ...members.map((value) => ({ case: "memberAdded", value })),
      { case: "roomDeleted", value: { roomId } },
    ];
    expect(stream.facts).toMatchObject(expected);
    await expect(client.listMessages(asOwner)).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("sleeps while readers wait, and wakes with their sockets", async () => {
    const { object, send, follow } = await newRoomObject();
    await using stream = follow();
    await stream.live;
    await send("awake");
    await stream.take(1);
    await runInDurableObject(object, (_, state) => state.getWebSockets().forEach((s) => s.serializeAttachment("kept")));
    const before = constructions;

    await evictDurableObject(object);
    await send("woken");

    expect((await stream.take(2)).map(({ body }) => body)).toEqual(["awake", "woken"]);
    expect(constructions).toBe(before + 1);
    const kept = await runInDurableObject(object, (_, state) =>
      state.getWebSockets().map((s) => s.deserializeAttachment()),
    );
    expect(kept).toEqual(["kept"]);
  });

  test("leaves no timer behind that would keep it awake", async () => {
    const { object, send, follow } = await newRoomObject();
    await using stream = follow();
    await stream.live;
    await send("something to do");
    // An eviction waits for everything that is still to happen in the object.
    await evictDurableObject(object);
    await send("and again");
    expectDense(await stream.take(2));
  });

  for (const [what, end] of [
    ["aborted", () => abortAllDurableObjects()],
    ["evicted with its sockets", (object: DurableObjectStub) => evictDurableObject(object, { webSockets: "close" })],
  ] as const) {
    test(`[P3] that is ${what} in the middle of a stream costs no message, and the client doesn't notice`, async () => {
      const { object, send, follow } = await newRoomObject();
      await using stream = follow();
      await stream.live;
      for (let i = 0; i < 3; i++) {
        await send("before");
        await end(object);
        await send("after");
      }
      expectDense(await stream.take(6));
      await send("live again");
      await stream.take(7);
    });
  }

  test("[P3] a notification that is lost is made up for by the next one", async () => {
    const { send, follow, sendUnheard } = await newRoomObject();
    await using stream = follow();
    await stream.live;
    await send("heard");
    expect((await sendUnheard("unheard")).case).toBe("message");
    await send("heard");
    expect((await stream.take(3)).map(({ body }) => body)).toEqual(["heard", "unheard", "heard"]);
  });

  test("[P3] a lost last notification is found by the next look at the heads; the socket stays the same", async () => {
    const { roomId, owner, object, sendUnheard } = await newRoomObject();
    const config = workerConfig(env);
    await using store = new LibsqlStore(new ObjectDatabase(new DatabaseStubs(env.DATABASES, config), config.limits));
    const feeds = new Feeds({ store, subscriber: new SocketSubscriber(env.ROOMS), watchMs: 200 });
    const memberships = await store.memberships(owner, [roomId]);
    const tail = await Tail.open(feeds, { userId: owner, memberships, from: new Map() });
    await tail.next();
    const attachments = () => runInDurableObject(object, (_, state) => state.getWebSockets().map(attachmentOf));
    await runInDurableObject(object, (_, state) =>
      state.getWebSockets().forEach((s) => s.serializeAttachment("first")),
    );
    await sendUnheard("nothing follows");
    const [news] = await tail.next();
    expect(messagesOf(news!)).toMatchObject([{ body: "nothing follows" }]);
    expect(await attachments()).toEqual(["first"]);
    tail.close(new Error("done"));
  });

  test("[P2] two hosts that race for one room number it without a hole", async () => {
    const { send, follow, sendUnheard } = await newRoomObject();
    await using stream = follow(0n);
    await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? send(`${i}`) : sendUnheard(`${i}`))));
    await send("last");
    expectDense(await stream.take(61));
  });

  test("tells the caller why a send was refused", async () => {
    const { roomId } = await newRoom(client);
    const refused = client.sendMessage({ roomId, userId: freshId(), body: "let me in" });
    await expect(refused).rejects.toMatchObject({ code: Code.NotFound });
  });
});

test("an isolate survives 200 requests at once, and 100 after them", async () => {
  const { send } = await newRoom(client);
  const sent = await Promise.all(Array.from({ length: 200 }, (_, i) => send(`${i}`)));
  for (let i = 0; i < 100; i++) sent.push(await send(`${i}`));
  expectDense(sent.sort((a, b) => Number(a.seq - b.seq)));
});

test("nothing that a client sends reaches an object but through the RPCs", async () => {
  const { roomId } = await newRoom(client);
  for (const path of ["/", `/${roomId}`, "/room", "/chat_grpc.ChatService/StreamMessage"]) {
    for (const host of ["https://roomlog.test", "https://room"]) {
      const response = await exports.default.fetch(new Request(host + path, { headers: { upgrade: "websocket" } }));
      expect(response.webSocket ?? null).toBeNull();
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  }
});

test("news of a later version, with more in them, are understood", () => {
  const message = toBinary(MessageSchema, create(MessageSchema, { seq: 7n, body: "hello" }));
  const unknownField = new Uint8Array([0xfa, 0x3f, 3, 1, 2, 3]);
  const frame = new Uint8Array([0x08, 5, 0x12, message.length + 6, ...message, ...unknownField, ...unknownField]);
  expect(fromBinary(NewsSchema, frame)).toMatchObject({ roomId: 5n, messages: [{ seq: 7n, body: "hello" }] });
});

test("a change of a later version is refused with UNAVAILABLE", async () => {
  const { object } = await newRoomObject();
  const { outcome } = fromBinary(OutcomeSchema, await object.apply(new Uint8Array([0xfa, 0x3f, 3, 1, 2, 3])));
  expect(outcome).toMatchObject({ case: "failure", value: { code: Code.Unavailable } });
});
