import { join } from "node:path";
import {
  type CallOptions,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Running } from "../../src/node/compose.ts";
import { chatClient } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { startNodeService } from "../support/node-service.ts";

type Row = Record<string, unknown>;

/** A gRPC client by other makers, on the contract as its users have compiled it in. */
interface SeedClient {
  unary(method: "createChatRoom" | "addMember" | "sendMessage", request: Row, options?: CallOptions): Promise<Row>;
  stream(request: Row, options?: CallOptions): ClientReadableStream<Row>;
  close(): void;
}

const definition = loadSync(join(import.meta.dirname, "../seed/chat.proto"), {
  keepCase: true,
  longs: String,
  defaults: true,
});

function seedStub(url: string): InstanceType<ServiceClientConstructor> {
  const { chat_grpc } = loadPackageDefinition(definition) as unknown as {
    chat_grpc: { ChatService: ServiceClientConstructor };
  };
  return new chat_grpc.ChatService(new URL(url).host, credentials.createInsecure());
}

function seedClient(url: string): SeedClient {
  const stub = seedStub(url);
  return {
    unary: (method, request, options = {}) =>
      new Promise((resolve, reject) => {
        const done = (e: ServiceError | null, answer: Row) => (e ? reject(e) : resolve(answer));
        stub[method]!(request, new Metadata(), options, done);
      }),
    stream: (request, options = {}) => stub.streamMessage!(request, new Metadata(), options),
    close: () => stub.close(),
  };
}

let service: Running;
let client: SeedClient;
beforeAll(async () => {
  service = await startNodeService();
  client = seedClient(service.url);
});
afterAll(async () => {
  client?.close();
  await service?.[Symbol.asyncDispose]();
});

const id = () => `${freshId()}`;
const errorOf = (call: Promise<unknown>): Promise<ServiceError> =>
  call.then(
    () => expect.unreachable("it succeeded"),
    (e) => e,
  );

async function newRoom() {
  const owner = id();
  const room = await client.unary("createChatRoom", { post_id: id(), user_id: owner });
  return { roomId: room.id as string, owner };
}

function headersOf(stream: ClientReadableStream<Row>): Promise<Metadata> {
  return new Promise((resolve, reject) => stream.once("metadata", resolve).once("error", reject));
}

function endOf(stream: ClientReadableStream<Row>): Promise<ServiceError> {
  return new Promise((resolve) => stream.on("data", () => {}).once("error", resolve));
}

function take(stream: ClientReadableStream<Row>, count: number): Promise<Row[]> {
  const received: Row[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (row) => received.push(row) === count && resolve(received)).once("error", reject);
  });
}

describe("a @grpc/grpc-js client on the seed's contract", () => {
  test("opens a room, adds a member, sends", async () => {
    const [postId, owner, member] = [id(), id(), id()];
    const room = await client.unary("createChatRoom", { post_id: postId, user_id: owner });
    expect(Object.keys(room).sort()).toEqual(["created_at", "id", "post_id", "updated_at"]);
    expect(room.post_id).toBe(postId);
    const added = await client.unary("addMember", { room_id: room.id, user_id: member });
    expect(added).toMatchObject({
      room_id: room.id,
      user_id: member,
      created_at: { seconds: expect.stringMatching(/^\d+$/) },
    });
    const sent = await client.unary("sendMessage", { room_id: room.id, user_id: member, body: "hello 🦊" });
    expect(sent).toMatchObject({ room_id: room.id, user_id: member, body: "hello 🦊" });
  });

  test("doesn't see the fields that came later", async () => {
    const { roomId, owner } = await newRoom();
    const stream = client.stream({ room_ids: [roomId], user_id: owner });
    await headersOf(stream);
    const request = { roomId: BigInt(roomId), userId: BigInt(owner), body: "x", clientMessageId: "new" };
    await chatClient("gRPC", service.url).sendMessage(request);
    const [message] = await take(stream, 1);
    expect(Object.keys(message!).sort()).toEqual(["body", "created_at", "id", "room_id", "updated_at", "user_id"]);
    stream.cancel();
  });

  test("gets initial metadata at once in a silent room, then every message in order", async () => {
    const { roomId, owner } = await newRoom();
    const stream = client.stream({ room_ids: [roomId], user_id: owner });
    const headers = await headersOf(stream);
    expect(headers.get("x-request-id")).toHaveLength(1);
    const received = take(stream, 200);
    const sends = Array.from({ length: 200 }, (_, i) =>
      client.unary("sendMessage", { room_id: roomId, user_id: owner, body: `${i}` }),
    );
    const sent = await Promise.all(sends);
    const byId = (a: Row, b: Row) => Number(a.id) - Number(b.id);
    expect(await received).toEqual(sent.sort(byId));
    stream.cancel();
  });

  test.each<[string, number, () => Promise<ServiceError>, RegExp]>([
    [
      "a malformed id",
      status.INVALID_ARGUMENT,
      () => errorOf(client.unary("createChatRoom", { post_id: 0, user_id: 1 })),
      /post_id/,
    ],
    [
      "an empty body",
      status.INVALID_ARGUMENT,
      () => errorOf(client.unary("sendMessage", { room_id: 1, user_id: 1 })),
      /body/,
    ],
    [
      "an unknown room",
      status.NOT_FOUND,
      () => errorOf(client.unary("addMember", { room_id: id(), user_id: 1 })),
      /no room \d+/,
    ],
    [
      "a foreign room",
      status.NOT_FOUND,
      async () => endOf(client.stream({ room_ids: [(await newRoom()).roomId], user_id: id() })),
      /no room \d+ with user/,
    ],
    ["no rooms", status.INVALID_ARGUMENT, () => endOf(client.stream({ room_ids: [], user_id: 1 })), /room_ids/],
    [
      "a second membership",
      status.ALREADY_EXISTS,
      async () => {
        const { roomId, owner } = await newRoom();
        return errorOf(client.unary("addMember", { room_id: roomId, user_id: owner }));
      },
      /is a member of room \d+ already/,
    ],
    [
      "too large a request",
      status.RESOURCE_EXHAUSTED,
      () => errorOf(client.unary("sendMessage", { room_id: 1, user_id: 1, body: "x".repeat(70_000) })),
      /larger|size|bytes/,
    ],
  ])("is told about %s with a code and words", async (_, code, call, words) => {
    const error = await call();
    expect(status[error.code]).toBe(status[code]);
    expect(error.details).toMatch(words);
  });

  test("a method that doesn't exist is UNIMPLEMENTED", async () => {
    const stub = seedStub(service.url);
    const call = new Promise((resolve, reject) => {
      const bytes = (b: Buffer) => b;
      stub.makeUnaryRequest("/chat_grpc.ChatService/Nothing", bytes, bytes, Buffer.alloc(0), (e, answer) =>
        e ? reject(e) : resolve(answer),
      );
    });
    const error = await errorOf(call);
    expect(status[error.code]).toBe("UNIMPLEMENTED");
    expect(error.details).toContain("nothing at /chat_grpc.ChatService/Nothing");
    stub.close();
  });

  test("can cancel: its stream is gone on the server too", async () => {
    const { roomId, owner } = await newRoom();
    const before = service.broadcaster.size;
    const stream = client.stream({ room_ids: [roomId], user_id: owner });
    await headersOf(stream);
    expect(service.broadcaster.size).toBe(before + 1);
    const ended = endOf(stream);
    stream.cancel();
    expect(status[(await ended).code]).toBe("CANCELLED");
    await expect.poll(() => service.broadcaster.size).toBe(before);
  });

  test("a deadline ends a stream, and a call that is too late", async () => {
    const { roomId, owner } = await newRoom();
    const stream = client.stream({ room_ids: [roomId], user_id: owner }, { deadline: Date.now() + 300 });
    const ended = endOf(stream);
    await headersOf(stream);
    expect(status[(await ended).code]).toBe("DEADLINE_EXCEEDED");
    const late = client.unary(
      "sendMessage",
      { room_id: roomId, user_id: owner, body: "x" },
      { deadline: Date.now() - 1 },
    );
    expect(status[(await errorOf(late)).code]).toBe("DEADLINE_EXCEEDED");
  });
});
