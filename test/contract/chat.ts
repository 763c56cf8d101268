import { Code } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { type ChatClient, chatClient, type Protocol } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { bodies, codeOf, errorOf, expectDense, newRoom } from "../support/rooms.ts";
import { TestStream } from "../support/test-stream.ts";

/** Rooms, sends and streams of messages; see runtimeContract(). */
export function chatContract(url: () => string, protocols: readonly Protocol[]): void {
  describe("chat", () => {
    test("answers probes on plain HTTP", async () => {
      expect((await fetch(`${url()}/healthz`)).status).toBe(200);
      expect((await fetch(`${url()}/readyz`)).status).toBe(200);
    });

    test("tells who asks elsewhere where the RPCs are", async () => {
      const response = await fetch(`${url()}/nowhere`, { method: "POST" });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        code: "unimplemented",
        message: expect.stringContaining("/chat_grpc"),
      });
    });

    test("is plain HTTP and JSON to those who have no client", async () => {
      const call = async (method: string, body: unknown) => {
        const response = await fetch(`${url()}/chat_grpc.ChatService/${method}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        return { status: response.status, body: (await response.json()) as Record<string, string> };
      };
      const room = await call("CreateChatRoom", { postId: `${freshId()}`, userId: 1 });
      expect(room).toMatchObject({ status: 200, body: { id: expect.stringMatching(/^\d+$/) } });
      const sent = await call("SendMessage", {
        room_id: room.body.id,
        userId: "1",
        body: "hello",
        fieldOfTheFuture: 1,
      });
      expect(sent).toMatchObject({ status: 200, body: { seq: "1", body: "hello", roomId: room.body.id, userId: "1" } });
      expect(await call("SendMessage", { userId: "1" })).toMatchObject({
        status: 400,
        body: { code: "invalid_argument" },
      });
      expect(await call("SendMessage", "?")).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
    });

    if (!protocols.includes("gRPC")) {
      test("refuses gRPC with words, and carries nothing out", async () => {
        const response = await fetch(`${url()}/chat_grpc.ChatService/SendMessage`, {
          method: "POST",
          headers: { "content-type": "application/grpc" },
          body: new Uint8Array([0, 0, 0, 0, 0]),
        });
        expect(response.headers.get("grpc-status")).toBe("12");
        expect(response.headers.get("grpc-message")).toMatch(/Connect or gRPC-Web/);
      });
    }

    for (const protocol of protocols) {
      describe(`over ${protocol}`, () => {
        let client: ChatClient;
        beforeAll(() => void (client = chatClient(protocol, url())));
        rooms(() => client);
        sends(() => client, protocol);
        streams(() => client);
      });
    }
  });
}

function rooms(client: () => ChatClient): void {
  test("CreateChatRoom opens the one room of a post, with its creator as a member", async () => {
    const [postId, userId] = [freshId(), freshId()];
    const before = Date.now();
    const room = await client().createChatRoom({ postId, userId });
    expect(room.id).toBeGreaterThan(0n);
    expect(room.postId).toBe(postId);
    expect(Math.abs(Number(room.createdAt!.seconds) * 1000 - before)).toBeLessThan(60_000);
    expect(room.updatedAt).toEqual(room.createdAt);
    expect(await codeOf(client().createChatRoom({ postId, userId: freshId() }))).toBe("AlreadyExists");
    expect((await client().sendMessage({ roomId: room.id, userId, body: "first" })).seq).toBe(1n);
  });

  test("one of many who open a post's room at once gets it", async () => {
    const postId = freshId();
    const calls = await Promise.allSettled(
      Array.from({ length: 8 }, () => client().createChatRoom({ postId, userId: 1n })),
    );
    expect(calls.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("AddMember lets a user in, once", async () => {
    const { roomId, send } = await newRoom(client());
    const userId = freshId();
    expect(await codeOf(send("knock", userId))).toBe("NotFound");
    expect(await client().addMember({ roomId, userId })).toMatchObject({ roomId, userId });
    expect((await send("hello", userId)).userId).toBe(userId);
    expect(await codeOf(client().addMember({ roomId, userId }))).toBe("AlreadyExists");
    expect(await codeOf(client().addMember({ roomId: freshId(), userId }))).toBe("NotFound");
  });

  test("ids must be positive", async () => {
    expect(await codeOf(client().createChatRoom({ postId: 0n, userId: 1n }))).toBe("InvalidArgument");
    expect(await codeOf(client().createChatRoom({ postId: 1n, userId: -1n }))).toBe("InvalidArgument");
    expect(await codeOf(client().addMember({ roomId: 0n, userId: 1n }))).toBe("InvalidArgument");
    expect(await codeOf(client().addMember({ roomId: 1n }))).toBe("InvalidArgument");
  });
}

function sends(client: () => ChatClient, protocol: Protocol): void {
  test("[P2] sends of a room are numbered 1, 2, 3, … also when they race", async () => {
    const { roomId, owner, send } = await newRoom(client());
    const first = await send("a");
    expect(first).toMatchObject({ roomId, userId: owner, body: "a", seq: 1n, clientMessageId: "" });
    const rest = await Promise.all(Array.from({ length: 50 }, (_, i) => send(`${i}`)));
    expectDense([first, ...rest].sort((a, b) => Number(a.seq - b.seq)));
    expect(new Set([first, ...rest].map(({ id }) => id)).size).toBe(51);
  });

  test("[P5] an unknown room and a foreign room are the same to who is not a member", async () => {
    const { roomId } = await newRoom(client());
    const [unknown, stranger] = [freshId(), freshId()];
    const foreign = await errorOf(client().sendMessage({ roomId, userId: stranger, body: "x" }));
    const missing = await errorOf(client().sendMessage({ roomId: unknown, userId: stranger, body: "x" }));
    expect(foreign.code).toBe("NotFound");
    expect(missing).toEqual({ code: "NotFound", message: foreign.message.replace(`${roomId}`, `${unknown}`) });
  });

  test("a body is 1 to 8,000 characters, without U+0000, and comes back as it was", async () => {
    const { send } = await newRoom(client());
    for (const body of ["x", "🦊".repeat(8000), "\u0001\u200f\"'\\ é ß 漢\r\n\t{}[]", " "])
      expect((await send(body)).body).toBe(body);
    for (const body of ["", "x".repeat(8001), "a\0b"]) expect(await codeOf(send(body))).toBe("InvalidArgument");
  });

  test("a request over 64 KiB is refused", async () => {
    const { send } = await newRoom(client());
    expect(await codeOf(send("x".repeat(70_000)))).toBe("ResourceExhausted");
    expect((await send("and the next one works")).seq).toBe(1n);
  });

  test("[P4] a retry returns the first message, the same id with another body is refused", async () => {
    const member = freshId();
    const { roomId, owner } = await newRoom(client(), member);
    const request = { roomId, userId: owner, body: "once", clientMessageId: crypto.randomUUID() };
    const first = await client().sendMessage(request);
    expect(first.clientMessageId).toBe(request.clientMessageId);
    const retries = await Promise.all(Array.from({ length: 5 }, () => client().sendMessage(request)));
    for (const retry of retries) expect(retry).toEqual(first);
    expect(await codeOf(client().sendMessage({ ...request, body: "twice" }))).toBe("AlreadyExists");
    expect((await client().sendMessage({ ...request, userId: member })).seq).toBe(2n);
    expect(await codeOf(client().sendMessage({ ...request, clientMessageId: "x".repeat(65) }))).toBe("InvalidArgument");
    expect((await client().sendMessage({ ...request, clientMessageId: "" })).seq).toBe(3n);
  });

  test("[P4] the same retries at once are one message", async () => {
    const { roomId, owner } = await newRoom(client());
    const request = { roomId, userId: owner, body: "once", clientMessageId: crypto.randomUUID() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => client().sendMessage(request)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  });

  if (protocol === "Connect JSON") {
    test("a body with half a surrogate pair is refused", async () => {
      const { send } = await newRoom(client());
      expect(await codeOf(send("\ud83e"))).toBe("InvalidArgument");
    });
  }
}

function streams(client: () => ChatClient): void {
  test("[P3] headers come at once in a silent room; what is sent after them arrives, own messages too", async () => {
    const { roomId, owner, send } = await newRoom(client());
    await send("before");
    await using stream = new TestStream(client(), { roomIds: [roomId], userId: owner });
    await stream.live;
    expect(stream.received).toEqual([]);
    const sent = await send("after");
    expect(await stream.take(1)).toEqual([sent]);
  });

  test("[P3] a stream resumes after a cursor; 0 is the beginning", async () => {
    const reader = freshId();
    const { roomId, send } = await newRoom(client(), reader);
    for (const body of ["a", "b", "c"]) await send(body);
    for (const cursor of [0n, 2n, 3n]) {
      await using stream = new TestStream(client(), {
        roomIds: [roomId],
        userId: reader,
        afterSeq: { [`${roomId}`]: cursor },
      });
      await stream.live;
      const live = await send(`after ${cursor}`);
      const received = await stream.take(Number(live.seq - cursor));
      expectDense(received, cursor);
      expect(received.at(-1)).toEqual(live);
    }
  });

  test("[P3] a long log, and what is sent while it is read, arrive in order, once", async () => {
    const { roomId, owner, sendMany } = await newRoom(client());
    await sendMany(600);
    await using fromStart = new TestStream(client(), {
      roomIds: [roomId],
      userId: owner,
      afterSeq: { [`${roomId}`]: 0n },
    });
    const racing = sendMany(300);
    await using fromMiddle = new TestStream(client(), {
      roomIds: [roomId],
      userId: owner,
      afterSeq: { [`${roomId}`]: 300n },
    });
    await racing;
    expectDense(await fromStart.take(900));
    expectDense(await fromMiddle.take(600), 300n);
  });

  test("[P3] one stream follows many rooms, each from its own cursor", async () => {
    const reader = freshId();
    const rooms = await Promise.all(Array.from({ length: 50 }, () => newRoom(client(), reader)));
    await Promise.all(rooms.map(({ send }) => send("old")));
    const [first, second] = rooms;
    const afterSeq = { [`${first!.roomId}`]: 0n, [`${second!.roomId}`]: 1n };
    await using stream = new TestStream(client(), {
      roomIds: rooms.map(({ roomId }) => roomId),
      userId: reader,
      afterSeq,
    });
    await stream.live;
    await Promise.all(
      rooms.map(async ({ send }) => {
        await send("new 1");
        await send("new 2");
      }),
    );
    const byRoom = Map.groupBy(await stream.take(101), ({ roomId }) => roomId);
    for (const { roomId } of rooms) {
      const expected = roomId === first!.roomId ? ["old", "new 1", "new 2"] : ["new 1", "new 2"];
      expect(bodies(byRoom.get(roomId)!)).toEqual(expected);
    }
  });

  test("[P3] several streams of one user each get everything", async () => {
    const { roomId, owner, send } = await newRoom(client());
    await using one = new TestStream(client(), { roomIds: [roomId], userId: owner });
    await using two = new TestStream(client(), { roomIds: [roomId], userId: owner });
    await Promise.all([one.live, two.live]);
    await Promise.all(["a", "b", "c"].map((body) => send(body)));
    expectDense(await one.take(3));
    expect(await two.take(3)).toEqual(one.received);
  });

  test("[P5] one foreign or unknown room refuses the whole stream, before anything is delivered", async () => {
    const { roomId, owner, send } = await newRoom(client());
    await send("secret of a member");
    for (const other of [(await newRoom(client())).roomId, freshId()]) {
      const request = { roomIds: [roomId, other], userId: owner, afterSeq: { [`${roomId}`]: 0n } };
      await using stream = new TestStream(client(), request);
      expect(Code[(await stream.ended)!.code]).toBe("NotFound");
      expect(stream.received).toEqual([]);
    }
  });

  test("a cursor beyond the head is OUT_OF_RANGE, a malformed request INVALID_ARGUMENT", async () => {
    const { roomId, owner, send } = await newRoom(client());
    await send("only one");
    const end = async (request: Parameters<ChatClient["streamMessage"]>[0]) => {
      await using stream = new TestStream(client(), { userId: owner, ...request });
      return Code[(await stream.ended)!.code];
    };
    const key = `${roomId}`;
    expect(await end({ roomIds: [roomId], afterSeq: { [key]: 2n } })).toBe("OutOfRange");
    expect(await end({ roomIds: [roomId], afterSeq: { [key]: -1n } })).toBe("InvalidArgument");
    expect(await end({ roomIds: [roomId], afterSeq: { "999999999": 0n } })).toBe("InvalidArgument");
    expect(await end({ roomIds: [] })).toBe("InvalidArgument");
    expect(await end({ roomIds: [roomId, roomId] })).toBe("InvalidArgument");
    expect(await end({ roomIds: Array.from({ length: 51 }, (_, i) => BigInt(i + 1)) })).toBe("InvalidArgument");
    expect(await end({ roomIds: [0n] })).toBe("InvalidArgument");
  });

  test("a deadline ends a silent stream; one that is too long is refused", async () => {
    const { roomId, owner } = await newRoom(client());
    await using short = new TestStream(client(), { roomIds: [roomId], userId: owner }, { timeoutMs: 300 });
    await short.live;
    expect(Code[(await short.ended)!.code]).toBe("DeadlineExceeded");
    const tooLong = { timeoutMs: 25 * 60 * 60 * 1000 };
    await using refused = new TestStream(client(), { roomIds: [roomId], userId: owner }, tooLong);
    expect(Code[(await refused.ended)!.code]).toBe("InvalidArgument");
  });
}
