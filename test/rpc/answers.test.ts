import { gunzipSync, gzipSync } from "node:zlib";
import { create, type DescMessage, type Message, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope, type UniversalServerRequest } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { GetRoomReqSchema, ListMessagesResSchema, MessageSchema, RoomSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { trust } from "../../src/auth/trust.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { Quotas } from "../../src/chat/quotas.ts";
import type { ChatParts } from "../../src/chat/service.ts";
import { createInvoke } from "../../src/rpc/invoke.ts";
import { OpenStreams } from "../../src/rpc/open-stream.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { createRpcs } from "../../src/rpc/rpcs.ts";
import { createValidate } from "../../src/rpc/validate.ts";
import { MemoryPresence } from "../support/memory-presence.ts";
import { MemoryUsers } from "../support/memory-users.ts";
import { openGate } from "../support/open-gate.ts";
import { connects, ours, type Pipeline } from "../support/pipelines.ts";
import { BodyReader } from "../support/universal-call.ts";

const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/proto",
  "application/grpc-web",
  "application/grpc-web+json",
  "application/grpc-web+proto",
  "application/grpc",
  "application/grpc+json",
  "application/grpc+proto",
];

const ROOM = create(RoomSchema, {
  id: 7n,
  postId: 2n ** 60n,
  ownerId: 1n,
  createdAt: { seconds: 1n, nanos: 5_000_000 },
});
const MESSAGE = create(MessageSchema, { id: 1n, body: "grüße 🦊", seq: 3n });
const PAGE = create(ListMessagesResSchema, { messages: Array.from({ length: 200 }, () => MESSAGE), hasEarlier: true });

/** The service over a store that gives these answers, and as the pipeline serves it. */
function serve(pipeline: Pipeline, answer: () => Promise<Message>) {
  const store = { getRoom: answer, listMessages: answer } as unknown as ChatParts["store"];
  const rooms = { apply: answer } as unknown as ChatParts["rooms"];
  const users = new MemoryUsers();
  const feeds = () => expect.unreachable("no streams here");
  const rpcs = createRpcs(
    { store, rooms, feeds, changes: feeds, presence: new MemoryPresence(), users, gate: openGate },
    new Readiness(async () => {}),
    "users",
  );
  const invoke = createInvoke({
    identify: trust,
    validate: createValidate(LIMITS, []),
    users,
    quotas: new Quotas(LIMITS),
    openStreams: new OpenStreams(),
    publicStreams: new OpenStreams(),
    gate: openGate,
    limits: LIMITS,
  });
  return pipeline(rpcs, invoke);
}

interface Sent {
  readonly method: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly flags?: number;
  readonly header?: Record<string, string>;
  readonly get?: string;
}

/** All that a client sees of an answer. */
async function answerOf(pipeline: Pipeline, answer: () => Promise<Message>, sent: Sent) {
  const { method, contentType, data, flags = 0, header, get } = sent;
  const path = `/chat_grpc.ChatService/${method}`;
  const request: UniversalServerRequest = {
    httpVersion: "2",
    method: get === undefined ? "POST" : "GET",
    url: `https://localhost${path}${get ?? ""}`,
    header: new Headers({ ...(get === undefined && { "content-type": contentType }), ...header }),
    body: (async function* () {
      if (get === undefined) yield contentType.includes("grpc") ? encodeEnvelope(flags, data) : data;
    })(),
    signal: new AbortController().signal,
  };
  const response = await serve(pipeline, answer).get(path)!(request);
  const body = new BodyReader(response);
  await body.readToEnd();
  const isOwn = (name: string) => ["x-request-id", "cache-control", "content-length"].includes(name);
  return {
    status: response.status,
    header: Object.fromEntries([...response.header!].filter(([name]) => !isOwn(name))),
    trailer: response.trailer && [...response.trailer],
    body: Buffer.from(body.bytes),
  };
}

const encode = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>, contentType: string) =>
  contentType.includes("json") ? Buffer.from(toJsonString(schema, message)) : toBinary(schema, message);

const getRoom = (contentType: string, fields: Partial<Sent> = {}, userId = 1n): Sent => ({
  method: "GetRoom",
  contentType,
  data: encode(
    GetRoomReqSchema,
    create(GetRoomReqSchema, { room: { case: "roomId", value: 7n }, userId }),
    contentType,
  ),
  ...fields,
});

describe.each(CONTENT_TYPES)("an answer in %s is what Connect's own pipeline answers", (contentType) => {
  const both = async (answer: () => Promise<Message>, sent: Sent, options = {}) => {
    const [expected, own] = await Promise.all([
      answerOf(connects(options), answer, sent),
      answerOf(ours, answer, sent),
    ]);
    return { expected, own };
  };

  test("to a call that succeeds", async () => {
    const { expected, own } = await both(async () => ROOM, getRoom(contentType));
    expect(own).toEqual(expected);
    expect(own.status).toBe(200);
  });

  test.each<[string, ConnectError | Error]>([
    ["a refusal", new ConnectError("no room 7", Code.NotFound)],
    ["a refusal without words", new ConnectError("", Code.Aborted)],
    ["a refusal in many languages", new ConnectError("niemand da – 誰もいない 🦊 100%", Code.PermissionDenied)],
    [
      "a refusal with details and headers",
      new ConnectError("slowly", Code.ResourceExhausted, { "retry-after": "5", "x-b": "2" }, [
        { desc: TypingSchema, value: { roomId: 7n, userId: 1n } },
      ]),
    ],
    ["a defect", new TypeError("secret detail")],
  ])("to %s", async (_, error) => {
    const { expected, own } = await both(() => Promise.reject(error), getRoom(contentType));
    expect(own).toEqual(expected);
    expect(JSON.stringify(own)).not.toContain("secret");
  });

  test("to a request that breaks the rules", async () => {
    const { expected, own } = await both(async () => ROOM, getRoom(contentType, {}, 0n));
    expect(own).toEqual(expected);
  });

  test.each(["soon", "-1", "99999999H", "9999999999"])("to the deadline %s", async (timeout) => {
    const header = { "connect-timeout-ms": timeout, "grpc-timeout": timeout };
    const { expected, own } = await both(async () => ROOM, getRoom(contentType, { header }));
    expect(own).toEqual(expected);
  });

  test("to a deadline that is kept", async () => {
    const header = { "connect-timeout-ms": "9000", "grpc-timeout": "9S" };
    const { expected, own } = await both(async () => ROOM, getRoom(contentType, { header }));
    expect(own).toEqual(expected);
  });

  test("to a request in gzip", async () => {
    const { data } = getRoom(contentType);
    const header = { "content-encoding": "gzip", "grpc-encoding": "gzip", "grpc-accept-encoding": "identity" };
    const sent = getRoom(contentType, { data: gzipSync(data), flags: 1, header });
    const options = { acceptCompression: [compressionGzip], compressMinBytes: 1024 };
    const { expected, own } = await both(async () => ROOM, sent, options);
    expect(own.body).toEqual(expected.body);
    expect(own.trailer).toEqual(expected.trailer);
    expect(own.status).toBe(200);
  });

  test("in gzip, when it is long and asked for", async () => {
    const header = { "accept-encoding": "br, gzip;q=0.5", "grpc-accept-encoding": "identity,gzip" };
    const sent = { ...getRoom(contentType, { header }), method: "ListMessages" };
    sent.data = contentType.includes("json") ? Buffer.from('{"roomId":"7","userId":"1"}') : Buffer.from([8, 7, 16, 1]);
    const plain = await answerOf(ours, async () => PAGE, { ...sent, header: {} });
    const own = await answerOf(ours, async () => PAGE, sent);
    const encoding = contentType.includes("grpc") ? "grpc-encoding" : "content-encoding";
    expect(plain.header).not.toHaveProperty(encoding);
    expect(own.header).toMatchObject({ [encoding]: "gzip" });
    expect(own.body.length).toBeLessThan(plain.body.length / 5);
    if (encoding === "content-encoding") expect(gunzipSync(own.body)).toEqual(plain.body);
    else {
      const length = own.body.readUInt32BE(1);
      expect(own.body[0], "the flag of a compressed message").toBe(1);
      const unpacked = gunzipSync(own.body.subarray(5, 5 + length));
      const end = own.body.subarray(5 + length);
      expect(Buffer.concat([encodeEnvelope(0, unpacked), end])).toEqual(plain.body);
    }
  });

  test("not in gzip, when it is short or refused", async () => {
    for (const header of [
      { "accept-encoding": "gzip", "grpc-accept-encoding": "gzip" },
      { "accept-encoding": "gzip;q=0, br", "grpc-accept-encoding": "" },
    ]) {
      const answer = "br" in header ? PAGE : ROOM;
      const own = await answerOf(ours, async () => answer, getRoom(contentType, { header }));
      expect(Object.keys(own.header).filter((name) => name.endsWith("encoding"))).toEqual([]);
    }
  });
});

describe("a GET is answered as Connect's own pipeline answers it", () => {
  const message = encode(
    GetRoomReqSchema,
    create(GetRoomReqSchema, { room: { case: "roomId", value: 7n }, userId: 1n }),
    "",
  );
  const base64 = Buffer.from(message).toString("base64url");
  const json = encodeURIComponent('{"roomId":"7","userId":"1"}');
  const zipped = gzipSync(message).toString("base64url");
  test.each([
    [200, `?connect=v1&encoding=json&message=${json}`],
    [200, `?encoding=json&message=${Buffer.from('{"roomId":7,"userId":1}').toString("base64url")}&base64=1`],
    [200, `?connect=v1&base64=1&encoding=proto&message=${base64}`],
    [200, `?connect=v1&base64=1&compression=gzip&encoding=proto&message=${zipped}`],
    [400, `?connect=v1&encoding=json&message=${encodeURIComponent('{"roomId":"7","userId":"0"}')}`],
  ])("with %s: %s", async (status, get) => {
    const sent = getRoom("", { get });
    const options = { acceptCompression: [compressionGzip] };
    const own = await answerOf(ours, async () => ROOM, sent);
    expect(own).toEqual(await answerOf(connects(options), async () => ROOM, sent));
    expect(own.status).toBe(status);
  });

  test("also when it can't be read, but says INVALID_ARGUMENT", async () => {
    for (const get of [
      "?encoding=json&message=%7B",
      "?encoding=proto&base64=1&message=!!",
      "?encoding=proto&message=%ff",
    ]) {
      const own = await answerOf(ours, async () => ROOM, getRoom("", { get }));
      expect([own.status, JSON.parse(own.body.toString()).code]).toEqual([400, "invalid_argument"]);
    }
  });

  test("only of RPCs that read, and in encodings there are", async () => {
    const refused = async (sent: Sent) => (await answerOf(ours, async () => ROOM, sent)).status;
    expect(await refused({ ...getRoom(""), method: "SendMessage", get: `?encoding=json&message=${json}` })).toBe(405);
    expect(await refused({ ...getRoom(""), method: "StreamMessage", get: `?encoding=json&message=${json}` })).toBe(405);
    expect(await refused(getRoom("", { get: `?encoding=xml&message=${json}` }))).toBe(415);
    expect(await refused(getRoom("", { get: "" }))).toBe(415);
  });
});

test("a request that is no call is told what would be one", async () => {
  const none = async (contentType: string, method = "GetRoom", httpMethod?: string) => {
    const sent = { ...getRoom(contentType), method };
    const { status, header, body } = await answerOf(ours, async () => ROOM, httpMethod ? { ...sent, get: "" } : sent);
    return { status, header, ...JSON.parse(body.toString()) };
  };
  for (const contentType of ["", "application/x-www-form-urlencoded", "application/connect+json"]) {
    expect(await none(contentType)).toMatchObject({
      status: 415,
      header: { "accept-post": "application/json" },
      message: expect.stringContaining("curl needs -H 'content-type: application/json'"),
    });
  }
  expect(await none("application/json", "StreamMessage")).toMatchObject({
    status: 415,
    message: expect.stringContaining("application/connect+json"),
  });
  expect(await none("", "SendMessage", "GET")).toMatchObject({
    status: 405,
    header: { allow: "POST" },
    message: expect.stringContaining("POST"),
  });
});

test("an error's text is bounded, and what is no Unicode in it is replaced", async () => {
  for (const contentType of CONTENT_TYPES) {
    const text = `\ud800${"ü".repeat(60_000)}`;
    const error = new ConnectError(text, Code.NotFound);
    const { header, trailer, body } = await answerOf(ours, () => Promise.reject(error), getRoom(contentType));
    const size = JSON.stringify([header, trailer]).length + body.length;
    expect(size, contentType).toBeLessThan(8 * 1024);
    expect(size, contentType).toBeGreaterThan(LIMITS.errorTextBytes / 2);
  }
});

test("a deadline ends a call that takes longer, and one of 0 is over", async () => {
  const never = () => new Promise<Message>(() => {});
  for (const [contentType, timeout, unit] of [
    ["application/json", "20", ""],
    ["application/grpc", "20", "m"],
    ["application/json", "0", ""],
    ["application/grpc", "0", "n"],
  ] as const) {
    const header = { [unit ? "grpc-timeout" : "connect-timeout-ms"]: timeout + unit };
    const { status, trailer } = await answerOf(ours, never, getRoom(contentType, { header }));
    expect(unit ? Object.fromEntries(trailer!)["grpc-status"] : status).toBe(unit ? "4" : 504);
  }
});

test("a request may ask in gzip for no more than a plain one", async () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000, 0x20));
  for (const contentType of ["application/json", "application/grpc+json"]) {
    const header = { "content-encoding": "gzip", "grpc-encoding": "gzip" };
    const own = await answerOf(ours, async () => ROOM, {
      ...getRoom(contentType),
      method: "SendMessage",
      data: bomb,
      flags: 1,
      header,
    });
    expect(own.trailer ? Object.fromEntries(own.trailer)["grpc-status"] : own.status).toBe(own.trailer ? "8" : 429);
  }
  expect(bomb.length).toBeLessThan(LIMITS.requestBytes);
});
