import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { trust } from "../../src/auth/trust.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { createApp } from "../../src/http/app.ts";
import { Door } from "../../src/http/door.ts";
import type { Running } from "../../src/node/compose.ts";
import { createEndpoints, type EndpointParts } from "../../src/rpc/endpoints.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { type Carrier, carriers, envelope, outcome, PAGE, type RawRequest } from "../node/raw.ts";
import { type ChatClient, chatClient, type Protocol, transports } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { startNodeService } from "../support/node-service.ts";
import { TestStream } from "../support/test-stream.ts";

const records: LogRecord[] = [];
const calls = () => records.filter(({ rawMessage }) => rawMessage === "call");
const lines = () => calls().map(({ properties }) => properties);
const codes = () => lines().map(({ code }) => code);

let service: Running;
let client: ChatClient;
beforeAll(async () => {
  configureSync({
    sinks: { memory: (record) => void records.push(record) },
    loggers: [
      { category: "roomlog", lowestLevel: "trace", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: [] },
    ],
  });
  service = await startNodeService({ CORS_ORIGINS: PAGE });
  client = chatClient("gRPC", service.url);
});
afterEach(() => void records.splice(0));
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  resetSync();
});

async function newRoom() {
  const userId = freshId();
  return { userId, roomId: (await client.createChatRoom({ postId: freshId(), userId })).id };
}

/** Sends the bytes as they are, as a message to SendMessage. */
function send(
  carrier: Carrier,
  message: Uint8Array,
  headers: Record<string, string> = {},
  rest: Partial<RawRequest> = {},
) {
  const { contentType, send } = carriers[carrier];
  const body = /grpc/.test(contentType) ? envelope(message) : message;
  return send(service.url, {
    path: "/chat_grpc.ChatService/SendMessage",
    body,
    ...rest,
    headers: { "content-type": contentType, ...headers },
  });
}

describe.each(Object.keys(transports) as Protocol[])("over %s", (protocol) => {
  test("a call is one line, with method, code, milliseconds and request id", async () => {
    const client = chatClient(protocol, service.url);
    const room = await newRoom();
    await client.sendMessage({ ...room, body: "x" });
    await client.sendMessage({ ...room, userId: freshId(), body: "x" }).catch(() => {});
    await client.sendMessage({ ...room, body: "" }).catch(() => {});
    const line = (method: string, code: string) => ({
      method: `chat_grpc.ChatService/${method}`,
      code,
      ms: expect.toSatisfy((ms: number) => ms >= 0 && ms < 60_000),
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(lines()).toMatchObject([
      line("CreateChatRoom", "ok"),
      line("SendMessage", "ok"),
      line("SendMessage", "not_found"),
      line("SendMessage", "invalid_argument"),
    ]);
    expect(new Set(lines().map(({ requestId }) => requestId)).size).toBe(4);
    expect(new Set(calls().map(({ level }) => level))).toEqual(new Set(["info"]));
  });

  test("a stream is one line, once it has ended", async () => {
    const room = await newRoom();
    const begun = performance.now();
    const stream = new TestStream(chatClient(protocol, service.url), { roomIds: [room.roomId], userId: room.userId });
    await stream.live;
    await client.sendMessage({ ...room, body: "x" });
    await stream.take(1);
    expect(lines().map(({ method }) => method)).not.toContain("chat_grpc.ChatService/StreamMessage");
    const lasted = performance.now() - begun;
    await stream[Symbol.asyncDispose]();
    await expect.poll(() => lines()).toHaveLength(3);
    const line = lines()[2]!;
    expect(line).toMatchObject({ method: "chat_grpc.ChatService/StreamMessage", code: "canceled" });
    expect(line.ms).toBeGreaterThan(lasted / 2);
  });

  test("a stream that is refused, or reaches its deadline, is one line", async () => {
    const room = await newRoom();
    const request = { roomIds: [room.roomId], userId: room.userId };
    await using refused = new TestStream(chatClient(protocol, service.url), { ...request, userId: freshId() });
    await refused.ended;
    await using late = new TestStream(chatClient(protocol, service.url), request, { timeoutMs: 100 });
    await late.ended;
    // The client has the same deadline, and may be the first to act on it.
    await expect.poll(codes).toEqual(["ok", "not_found", expect.stringMatching(/^(deadline_exceeded|canceled)$/)]);
  });
});

describe.each(Object.keys(carriers) as Carrier[])("over %s", (carrier) => {
  test.each<[string, Buffer, Record<string, string>]>([
    ["invalid_argument", Buffer.alloc(9, 0xff), {}],
    ["resource_exhausted", Buffer.alloc(70_000), {}],
    [
      "unimplemented",
      Buffer.alloc(0),
      { "content-encoding": "br", "grpc-encoding": "br", "connect-content-encoding": "br" },
    ],
    ["invalid_argument", Buffer.alloc(0), { "connect-timeout-ms": "x", "grpc-timeout": "x" }],
  ])("a call that is refused as %s before it is one is one line", async (code, message, headers) => {
    const answer = await send(carrier, message, headers);
    expect(outcome(answer)).toBe(code);
    expect(lines()).toMatchObject([
      { method: "chat_grpc.ChatService/SendMessage", code, requestId: answer.headers["x-request-id"] },
    ]);
  });

  test("a request that is no call is one line", async () => {
    await send(carrier, Buffer.alloc(0), { "content-type": "text/plain" });
    await send(carrier, Buffer.alloc(0), {}, { method: "PUT" });
    expect(codes()).toEqual(["unsupported_media_type", "method_not_allowed"]);
  });

  test("the caller's request id comes back, if it is one", async () => {
    const echo = async (id: string) =>
      (await send(carrier, Buffer.alloc(0), { "x-request-id": id })).headers["x-request-id"];
    for (const id of ["a", "trace/7:b.c+d=", "x".repeat(64)]) expect(await echo(id)).toBe(id);
    for (const id of ["", "a b", "x".repeat(65), "{}", "é", '"quoted"', "<script>"]) {
      expect(await echo(id)).toMatch(/^[\da-f-]{36}$/);
    }
    expect(JSON.stringify(lines())).not.toMatch(/<script>|quoted|\{\}/);
  });
});

test("probes are no calls", async () => {
  for (const path of ["/healthz", "/readyz", "/nothing"]) await fetch(service.url + path);
  expect(records).toEqual([]);
});

test("neither bodies nor tokens are logged", async () => {
  const room = await newRoom();
  const secrets = { authorization: "Bearer s3cret", cookie: "session=s3cret", "x-api-key": "s3cret" };
  const message = (fields: object) =>
    Buffer.from(JSON.stringify({ roomId: `${room.roomId}`, userId: `${room.userId}`, ...fields }));
  for (const carrier of ["Connect JSON", "gRPC JSON", "gRPC-Web JSON"] as const) {
    await send(carrier, message({ body: "s3cret" }), secrets);
    await send(carrier, message({ body: "s3cret\0" }), secrets);
    await send(carrier, message({ body: "s3cret".repeat(3_000) }), secrets);
    await send(carrier, message({ body: "s3cret", clientMessageId: "s3cret".repeat(20) }), secrets);
    await send(carrier, message({ body: { s3cret: 1 } }), secrets);
    await send(carrier, message({ body: "s3cret", userId: "s3cret" }), secrets);
    await send(carrier, Buffer.from('{"body":"s3cret'), secrets);
    await send(carrier, message({ body: "s3cret", userId: `${freshId()}` }), secrets);
  }
  expect(codes().filter((code) => code === "ok")).toHaveLength(4);
  expect(codes().filter((code) => code !== "ok")).toHaveLength(21);
  const shown = records.map(({ properties, message, rawMessage }) => JSON.stringify([properties, message, rawMessage]));
  for (const text of shown) expect(text).not.toContain("s3cret");
});

test("what is nobody's fault but ours is logged with its stack, and not shown", async () => {
  const fail = () => Promise.reject(new TypeError("secret detail"));
  const readiness = new Readiness(fail);
  const parts = { store: { createRoom: fail }, readiness, identify: trust } as unknown as EndpointParts;
  const door = new Door({ corsOrigins: [], isLoopback: false });
  const app = createApp({ door, readiness, limits: LIMITS, endpoints: createEndpoints(parts) });
  const answer = await app.request("/chat_grpc.ChatService/CreateChatRoom", {
    method: "POST",
    headers: { "content-type": "application/json", "x-request-id": "id-7" },
    body: '{"postId":1,"userId":1}',
  });
  expect(answer.status).toBe(500);
  expect(answer.headers.get("x-request-id")).toBe("id-7");
  expect(await answer.text()).toBe('{"code":"internal","message":"internal error"}');
  expect(records).toMatchObject([
    {
      level: "error",
      properties: {
        code: "internal",
        requestId: "id-7",
        error: expect.stringMatching(/^TypeError: secret detail\n +at /),
      },
    },
  ]);
});
