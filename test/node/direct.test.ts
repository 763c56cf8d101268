import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ListMessagesReqSchema,
  SendMessageReqSchema,
  StreamEventsReqSchema,
  StreamMessageReqSchema,
} from "../../gen/chat_pb.ts";
import type { Running } from "../../src/node/serve.ts";
import { type ChatClient, chatClient, freshId } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { envelope, http1 } from "./raw.ts";

// Plain calls of Connect over HTTP/1.1 are answered without Connect; a deadline makes the same call one of Connect's.

let service: Running;
let client: ChatClient;
beforeAll(async () => {
  service = await startNodeService();
  client = chatClient("gRPC", service.url);
});
afterAll(() => service?.[Symbol.asyncDispose]());

const DEADLINE = { "connect-timeout-ms": "3600000" };

/** All of a response, but when it was made. */
async function call(method: string, contentType: string, body: Uint8Array, more: Record<string, string> = {}) {
  const headers = { "content-type": contentType, "content-length": `${body.length}`, "x-request-id": "same", ...more };
  const response = await http1(service.url, { path: `/chat_grpc.ChatService/${method}`, headers, body });
  const { date, ...rest } = response.headers;
  expect(date).toBeDefined();
  return { status: response.status, headers: rest, body: response.body.toString("latin1") };
}

function encoder(isJson: boolean) {
  return <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const message = create(schema, init);
    return isJson ? Buffer.from(toJsonString(schema, message)) : Buffer.from(toBinary(schema, message));
  };
}

describe.each([
  ["application/json", true],
  ["application/proto", false],
])("a direct answer in %s is what Connect answers", (contentType, isJson) => {
  const encode = encoder(isJson);
  const answers = async (method: string, body: Uint8Array) => {
    const direct = await call(method, contentType, body);
    expect(await call(method, contentType, body, DEADLINE)).toEqual(direct);
    return direct.status;
  };

  test("to calls that succeed, and to calls that are refused", async () => {
    const userId = freshId();
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId });
    const send = (fields: MessageInitShape<typeof SendMessageReqSchema>) => {
      return answers("SendMessage", encode(SendMessageReqSchema, { roomId, userId, body: "ä", ...fields }));
    };
    expect(await send({ clientMessageId: "1" })).toBe(200);
    expect(await send({ clientMessageId: "1", body: "another" })).toBe(409);
    expect(await send({ userId: freshId() })).toBe(404);
    expect(await send({ body: "" })).toBe(400);
    expect(await answers("SendMessage", Buffer.from("{"))).toBe(400);
    expect(await answers("ListMessages", encode(ListMessagesReqSchema, { roomId, userId }))).toBe(200);
  });
});

describe.each([
  ["application/connect+json", true],
  ["application/connect+proto", false],
])("a direct stream in %s is what Connect answers", (contentType, isJson) => {
  const encode = encoder(isJson);
  const both = async (method: string, body: Uint8Array) => {
    const [direct, throughConnect] = await Promise.all([
      call(method, contentType, body),
      call(method, contentType, body, DEADLINE),
    ]);
    expect(throughConnect).toEqual(direct);
    return direct;
  };

  test("from its headers to its end", async () => {
    const [owner, userId] = [freshId(), freshId()];
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId: owner });
    await client.addMember({ roomId, userId });
    for (const body of ["a", "b", "ü"]) await client.sendMessage({ roomId, userId: owner, body });
    const request = { roomIds: [roomId], userId, afterSeq: { [`${roomId}`]: 0n } };
    const streams = both("StreamMessage", envelope(encode(StreamMessageReqSchema, request)));
    await expect.poll(() => service.broadcaster.size).toBe(1);
    for (const body of ["c", "d"]) await client.sendMessage({ roomId, userId: owner, body });
    await client.removeMember({ roomId, userId, actorId: owner });
    const { status, body } = await streams;
    expect(status).toBe(200);
    expect(body).toContain('"code":"not_found"');
    await expect.poll(() => service.broadcaster.size).toBe(0);
  });

  test.each<[string, (roomId: bigint, userId: bigint) => [string, Uint8Array], string]>([
    [
      "of a stranger",
      (roomId) => ["StreamMessage", envelope(encode(StreamMessageReqSchema, { roomIds: [roomId], userId: freshId() }))],
      "not_found",
    ],
    [
      "for no room",
      (_, userId) => ["StreamEvents", envelope(encode(StreamEventsReqSchema, { roomIds: [], userId }))],
      "invalid_argument",
    ],
    ["that is none", () => ["StreamEvents", envelope(Buffer.from("{{{"))], "invalid_argument"],
    ["that is cut short", () => ["StreamEvents", Buffer.from([0, 0, 0, 0, 9, 1])], "invalid_argument"],
    ["that is empty", () => ["StreamMessage", Buffer.alloc(0)], ""],
    [
      "with two messages",
      (roomId, userId) => {
        const one = envelope(encode(StreamMessageReqSchema, { roomIds: [roomId], userId }));
        return ["StreamMessage", Buffer.concat([one, one])];
      },
      "",
    ],
  ])("to a request %s", async (_, request, code) => {
    const userId = freshId();
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId });
    const { body } = await both(...request(roomId, userId));
    expect(body).toContain(`"code":"${code}`);
  });
});
