import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { ViolationsSchema } from "../../gen/buf/validate/validate_pb.ts";
import { ListMessagesReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { chatClient } from "../support/clients.ts";
import { newRoom } from "../support/rooms.ts";
import { startServerProcess } from "../support/server-process.ts";
import { TestStream } from "../support/test-stream.ts";
import { envelope, http1, http2, openSocket, outcome, socketExchange } from "./raw.ts";

// [P7] Callers who try to make the server grow, or to keep it from others.

const path = (method: string) => `/chat_grpc.ChatService/${method}`;

describe("a request of 60,000 items", () => {
  const roomIds = Array<bigint>(60_000).fill(0n);
  const binary = Buffer.from(toBinary(StreamMessageReqSchema, create(StreamMessageReqSchema, { roomIds, userId: 1n })));
  const json = Buffer.from(`{"roomIds":[${Array(30_000).fill(0)}],"userId":1}`);
  const cursors = Buffer.from(
    `{"roomIds":[1],"userId":1,"afterSeq":{${Array.from({ length: 5_000 }, (_, i) => `"${i}":-1`)}}}`,
  );

  test.each([
    ["Connect", http1, "application/connect+proto", binary],
    ["Connect JSON", http1, "application/connect+json", json],
    ["Connect JSON, as a map", http1, "application/connect+json", cursors],
    ["gRPC-Web", http1, "application/grpc-web+proto", binary],
    ["gRPC", http2, "application/grpc", binary],
    ["gRPC JSON", http2, "application/grpc+json", cursors],
  ] as const)("is refused in few words over %s", async (_, send, contentType, message) => {
    await using service = await startServerProcess();
    const headers = { "content-type": contentType, te: "trailers" };
    const answer = await send(service.url, { path: path("StreamMessage"), headers, body: envelope(message) });
    expect(outcome(answer)).toBe("invalid_argument");
    const size = answer.body.length + JSON.stringify(answer.trailers).length;
    expect(size).toBeLessThan(8 * 1024);
    const details = /grpc-status-details-bin["']?: ?"?([^\r\n",]+)/.exec(
      contentType.includes("web") ? answer.body.toString() : JSON.stringify(answer.trailers),
    )?.[1];
    if (contentType.includes("grpc")) expect(details, "the details fit in").toBeDefined();
  });

  test("and no more than ten of its faults are told, in words that the repository can read", async () => {
    await using service = await startServerProcess();
    const body = Buffer.from(`{"roomIds":[${Array.from({ length: 50 }, (_, i) => -i)}],"userId":1}`);
    const headers = { "content-type": "application/connect+json" };
    const answer = await http1(service.url, { path: path("StreamMessage"), headers, body: envelope(body) });
    const { error } = JSON.parse(answer.body.subarray(5).toString());
    const { violations } = fromBinary(ViolationsSchema, Buffer.from(error.details[0].value, "base64"));
    expect(violations).toHaveLength(LIMITS.violations);
    expect(violations[0]).toMatchObject({ ruleId: "int64.gte", field: { elements: [{ fieldName: "room_ids" }] } });
  });
});

test("a request in 60,000 chunks of a byte is taken as any other", async () => {
  await using service = await startServerProcess();
  const socket = await openSocket(service.url);
  const message = JSON.stringify({ roomId: "1", userId: "1", body: "x".repeat(59_000) });
  const chunks = [...message].map((char) => `1\r\n${char}\r\n`).join("");
  socket.write(
    `POST ${path("SendMessage")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  );
  const answer = await new Promise<string>((resolve) => socket.once("data", (bytes) => resolve(bytes.toString())));
  expect(answer, "too long a body").toMatch(/^HTTP\/1.1 400 /);
  socket.destroy();
});

test("names of thousands of parts are not looked for", async () => {
  await using service = await startServerProcess();
  const reflection = createClient(ServerReflection, createGrpcTransport({ baseUrl: service.url }));
  const names = [
    `${".".repeat(20_000)}a`,
    "a.".repeat(8_000),
    "x".repeat(60_000),
    "chat_grpc.ChatService.SendMessage.x.y",
    "buf.validate.Violations",
  ];
  async function* requests() {
    for (const value of names) yield { messageRequest: { case: "fileContainingSymbol", value } as const };
  }
  const answers = [];
  for await (const { messageResponse } of reflection.serverReflectionInfo(requests()))
    answers.push(messageResponse.case);
  const found = "fileDescriptorResponse";
  expect(answers).toEqual(["errorResponse", "errorResponse", "errorResponse", found, found]);
});

test("requests that don't arrive as a whole take so many bytes together", async () => {
  await using service = await startServerProcess({ LIMIT_ARRIVING_BYTES: "100000" });
  const head = `POST ${path("SendMessage")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n`;
  const sockets: Socket[] = [];
  const send = async () => {
    const socket = await openSocket(service.url);
    sockets.push(socket);
    socket.write(head + " ".repeat(40_000));
    return socket;
  };
  await send();
  await send();
  const answered = new Promise<string>((resolve) => {
    void (async () => {
      // The others have arrived when this one is refused, or one of them was, which is as good.
      for (const socket of [...sockets, await send()]) socket.once("data", (bytes) => resolve(bytes.toString()));
    })();
  });
  expect(await answered).toMatch(/^HTTP\/1.1 503 .*"unavailable"/s);
  for (const socket of sockets) socket.destroy();
  const client = chatClient("Connect JSON", service.url);
  await expect.poll(() => client.isMember({ roomId: 1n, userId: 1n })).toMatchObject({ isMember: false });
});

test("tiny chunks of a request take no more than its bytes", async () => {
  await using service = await startServerProcess();
  const before = (await service.server.memory()).now;
  const head = `POST ${path("SendMessage")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(service.url)));
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.write(head + "1\r\n \r\n".repeat(60_000), resolve))),
  );
  await fetch(`${service.url}/readyz`);
  expect((await service.server.memory()).peak - before).toBeLessThan(100);
  for (const socket of sockets) socket.destroy();
});

test("of many requests on a connection some wait, and one is told that it can't", async () => {
  await using service = await startServerProcess();
  const body = '{"roomId":1,"userId":1}';
  const request = `POST ${path("IsMember")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answers = (await socketExchange(service.url, [request.repeat(40)])).toString();
  const statuses = answers.match(/HTTP\/1\.1 \d+/g)!.map((status) => Number(status.slice(9)));
  expect(statuses).toEqual([...Array(LIMITS.pipelinedRequests + 1).fill(200), 503]);
  expect(answers).toContain("too many requests wait on this connection");
});

test("a request that is reset is not carried out, whatever the reason it gives", async () => {
  await using service = await startServerProcess();
  const session = connectHttp2(service.url);
  const headers = { ":method": "POST", ":path": path("CreateChatRoom"), "content-type": "application/proto" };
  const call = session.request(headers);
  call.on("error", () => {}).write(Buffer.from([8, 7, 16, 1]));
  await new Promise((resolve) => session.ping(resolve as never));
  call.close(0);
  await new Promise((resolve) => session.ping(resolve as never));
  session.destroy();
  const created = await chatClient("Connect JSON", service.url).createChatRoom({ postId: 7n, userId: 1n });
  expect(created.postId).toBe(7n);
});

test("so many streams are open in the process", async () => {
  await using service = await startServerProcess({ LIMIT_OPEN_STREAMS: "2" });
  const client = chatClient("gRPC", service.url);
  const { roomId, owner } = await newRoom(client);
  const open = () => new TestStream(client, { roomIds: [roomId], userId: owner });
  await using first = open();
  await using second = open();
  await Promise.all([first.live, second.live]);
  await using third = open();
  expect(await third.ended).toMatchObject({ rawMessage: expect.stringContaining("too many streams") });
  await first[Symbol.asyncDispose]();
  await expect
    .poll(async () => {
      await using next = open();
      return await next.live.then(
        () => "live",
        () => "refused",
      );
    })
    .toBe("live");
});

test("so many calls are under way on a connection, and further ones wait or are refused", async () => {
  await using service = await startServerProcess({ LIMIT_CONNECTION_CALLS: "10" });
  const session = connectHttp2(service.url);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const watch = () => {
    const headers = { ":method": "POST", ":path": "/grpc.health.v1.Health/Watch", "content-type": "application/grpc" };
    const call = session.request(headers);
    call.end(envelope(Buffer.alloc(0)));
    const state = new Promise<string>((resolve) => {
      call.once("response", () => resolve("live")).once("error", () => resolve("refused"));
      setTimeout(() => resolve("waits"), 500);
    });
    return { call, state };
  };
  const calls = Array.from({ length: 10 }, watch);
  expect(await Promise.all(calls.map(({ state }) => state))).toEqual(calls.map(() => "live"));
  const next = watch();
  expect(await next.state).toBe("waits");
  next.call.close(8);
  calls[0]!.call.close(8);
  await expect.poll(() => watch().state, { timeout: 10_000 }).toBe("live");
  session.destroy();
});

test("a client that keeps to 250 calls on a connection, and replaces fifty at a time, is never refused", async () => {
  await using service = await startServerProcess();
  const { roomId, owner } = await newRoom(chatClient("gRPC", service.url));
  const request = create(StreamMessageReqSchema, { roomIds: [roomId], userId: owner });
  const body = envelope(Buffer.from(toBinary(StreamMessageReqSchema, request)));
  const session = connectHttp2(service.url);
  const open = () => {
    const call = session.request({
      ":method": "POST",
      ":path": path("StreamMessage"),
      "content-type": "application/grpc",
    });
    call.end(body);
    const live = new Promise<void>((resolve, reject) => call.once("response", () => resolve()).once("error", reject));
    return { call, live };
  };
  const calls = Array.from({ length: 250 }, open);
  await Promise.all(calls.map(({ live }) => live));
  for (let replaced = 0; replaced < 1_000; replaced += 50) {
    for (const { call } of calls.splice(0, 50)) call.close(8);
    const next = Array.from({ length: 50 }, open);
    calls.push(...next);
    await Promise.all(next.map(({ live }) => live));
  }
  session.destroy();
});

describe("callers who take nothing", () => {
  /** A room whose texts take six times their size in JSON, the worst there is. */
  async function crowdedRoom(url: string) {
    const { roomId, owner, send } = await newRoom(chatClient("gRPC", url));
    for (let sent = 0; sent < 300; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => send("\u0001".repeat(8_000))));
    }
    return { roomId, owner };
  }

  test("make the server grow by less than 200 MB, all of them together", async () => {
    await using service = await startServerProcess({ LIMIT_STALL_MS: "600000" });
    const { roomId, owner } = await crowdedRoom(service.url);
    const page = { roomId: `${roomId}`, userId: `${owner}`, limit: 200 };
    const before = (await service.server.memory()).now;
    const sockets: Socket[] = [];
    const sessions: ClientHttp2Session[] = [];
    const stall = async (requests: string) => {
      const socket = await openSocket(service.url);
      sockets.push(socket.pause());
      socket.write(requests);
    };
    const http1Request = (method: string, type: string, body: Buffer) =>
      `POST ${path(method)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString("latin1")}`;
    const stream = envelope(
      Buffer.from(JSON.stringify({ roomIds: [`${roomId}`], userId: `${owner}`, afterSeq: { [`${roomId}`]: "0" } })),
    );
    for (let i = 0; i < 400; i++) await stall(http1Request("StreamMessage", "application/connect+json", stream));
    const list = http1Request("ListMessages", "application/json", Buffer.from(JSON.stringify(page)));
    for (let i = 0; i < 100; i++) await stall(list.repeat(16));
    const binary = Buffer.from(
      toBinary(ListMessagesReqSchema, create(ListMessagesReqSchema, { roomId, userId: owner, limit: 200 })),
    );
    for (let i = 0; i < 2; i++) {
      const session = connectHttp2(service.url, { settings: { initialWindowSize: 0 } });
      sessions.push(session);
      for (let n = 0; n < 100; n++) {
        const call = session.request({
          ":method": "POST",
          ":path": path("ListMessages"),
          "content-type": "application/grpc",
        });
        call.on("error", () => {}).end(envelope(binary));
      }
    }
    // They have their turn when an innocent caller has had several, and the server has come to rest.
    for (let settled = 0, last = 0; settled < 5; ) {
      await chatClient("gRPC", service.url).isMember({ roomId, userId: owner });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { peak } = await service.server.memory();
      settled = peak === last ? settled + 1 : 0;
      last = peak;
    }
    const { peak } = await service.server.memory();
    for (const socket of sockets) socket.destroy();
    for (const session of sessions) session.destroy();
    expect(peak - before).toBeLessThan(200);
    expect(service.server.faults).toEqual([]);
  });

  test("are hung up on after a while", async () => {
    await using service = await startServerProcess({ LIMIT_STALL_MS: "500", LIMIT_OPEN_STREAMS: "2" });
    const { roomId, owner } = await crowdedRoom(service.url);
    const from = { roomIds: [`${roomId}`], userId: `${owner}`, afterSeq: { [`${roomId}`]: "0" } };
    const body = envelope(Buffer.from(JSON.stringify(from)));
    const socket = await openSocket(service.url);
    socket
      .pause()
      .write(
        `POST ${path("StreamMessage")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/connect+json\r\nContent-Length: ${body.length}\r\n\r\n${body.toString("latin1")}`,
      );
    const session = connectHttp2(service.url, { settings: { initialWindowSize: 0 } }).on("error", () => {});
    const call = session.request({
      ":method": "POST",
      ":path": path("StreamMessage"),
      "content-type": "application/grpc+json",
    });
    call.on("error", () => {}).end(body);
    // Each of them holds one of the two streams there may be.
    const client = chatClient("Connect binary", service.url);
    for (const _ of [1, 2]) {
      await expect
        .poll(
          async () => {
            await using one = new TestStream(client, { roomIds: [roomId], userId: owner });
            await using two = new TestStream(client, { roomIds: [roomId], userId: owner });
            return await Promise.all([one.live, two.live]).then(
              () => "both",
              () => "refused",
            );
          },
          { timeout: 60_000 },
        )
        .toBe("both");
    }
    await expect.poll(() => call.closed || call.destroyed, { timeout: 10_000 }).toBe(true);
    socket.destroy();
    session.destroy();
  });
});
