import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatService, SendMessageReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { chatClient, freshId } from "../support/clients.ts";
import { startServerProcess } from "../support/server-process.ts";
import { type Carrier, carriers, envelope, outcome, PAGE, type RawRequest, type RawResponse } from "./raw.ts";

// A malformed message is refused with a code that blames the caller. Nothing of it is stored, nothing is logged as a
// fault of the server, and the server goes on. Malformed framing is the business of framing.test.ts.

let service: Awaited<ReturnType<typeof startServerProcess>>;
let url: string;
/** A room where everything well-formed would be stored. */
let member: { roomId: bigint; userId: bigint };
/** Calls that were well-formed after all. */
let stored = 0;

beforeAll(async () => {
  service = await startServerProcess({ LOG_LEVEL: "debug", CORS_ORIGINS: PAGE });
  url = service.url;
  const userId = freshId();
  member = { roomId: (await chatClient("gRPC", url).createChatRoom({ postId: freshId(), userId })).id, userId };
});

afterAll(async () => {
  await using _service = service;
  const client = chatClient("gRPC", url);
  const { seq } = await client.sendMessage({ ...member, body: "and it goes on" });
  expect(seq).toBe(BigInt(stored + 1));
  expect(service.server.faults).toEqual([]);
});

const SEND = "/chat_grpc.ChatService/SendMessage";
const STREAM = "/chat_grpc.ChatService/StreamMessage";

/** A well-formed call that only needs to be spoilt. */
class Call {
  readonly carrier: Carrier;
  readonly path: string;
  readonly contentType: string;
  readonly isEnveloped: boolean;
  readonly isJson: boolean;

  constructor(carrier: Carrier, path: string, isStream = path === STREAM) {
    this.carrier = carrier;
    this.path = path;
    this.contentType = carriers[carrier][isStream ? "streamType" : "contentType"];
    this.isEnveloped = /grpc|connect/.test(this.contentType);
    this.isJson = this.contentType.includes("json");
  }

  /** A request that would be carried out. */
  get message(): Buffer {
    const { roomId, userId } = member;
    const [schema, message] =
      this.path === SEND
        ? ([SendMessageReqSchema, create(SendMessageReqSchema, { roomId, userId, body: "unheard of" })] as const)
        : ([StreamMessageReqSchema, create(StreamMessageReqSchema, { roomIds: [roomId], userId })] as const);
    return Buffer.from(this.isJson ? toJsonString(schema, message as never) : toBinary(schema, message as never));
  }

  wrap(message: Uint8Array): Uint8Array {
    return this.isEnveloped ? envelope(message) : message;
  }

  /** Name of the header for the deadline, and for the encoding. */
  get timeoutHeader(): string {
    return this.contentType.includes("grpc") ? "grpc-timeout" : "connect-timeout-ms";
  }

  get encodingHeader(): string {
    if (this.contentType.includes("grpc")) return "grpc-encoding";
    return this.isEnveloped ? "connect-content-encoding" : "content-encoding";
  }

  send({ headers, ...spoilt }: Partial<RawRequest>): Promise<RawResponse> {
    const all = { "content-type": this.contentType, te: "trailers", ...headers };
    return carriers[this.carrier].send(url, { path: this.path, ...spoilt, headers: all });
  }
}

const calls = (Object.keys(carriers) as Carrier[]).flatMap((carrier) => [
  new Call(carrier, SEND),
  new Call(carrier, STREAM),
]);

describe("a message that is", () => {
  const bytes = (text: string) => Buffer.from(text);
  const manyBrackets = 30_000;

  /** What spoils the request, where it applies, and the codes it may get. */
  const cases: Record<string, { codes: string[]; spoil: (call: Call) => Partial<RawRequest> | false }> = {
    "cut short": { codes: ["invalid_argument"], spoil: (call) => ({ body: call.wrap(call.message.subarray(0, -2)) }) },
    garbage: { codes: ["invalid_argument"], spoil: (call) => ({ body: call.wrap(Buffer.alloc(12, 0xff)) }) },
    "not UTF-8": {
      codes: ["invalid_argument"],
      spoil: (call) => {
        if (call.path !== SEND) return false;
        const body = call.message;
        body[body.indexOf("unheard")] = 0xff;
        return { body: call.wrap(body) };
      },
    },
    "not UTF-8, and called unencoded": {
      codes: ["invalid_argument"],
      spoil: (call) => ({ headers: { [call.encodingHeader]: "identity" }, body: call.wrap(Buffer.alloc(12, 0xff)) }),
    },
    empty: { codes: ["invalid_argument"], spoil: (call) => ({ body: call.wrap(bytes("")) }) },
    missing: { codes: ["invalid_argument", "unimplemented"], spoil: () => ({ body: bytes("") }) },
    "of other types": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isJson && { body: call.wrap(bytes('{"userId":{},"roomIds":"x"}')) },
    },
    "with an id that doesn't fit": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isJson && { body: call.wrap(bytes('{"userId":"9223372036854775808"}')) },
    },
    "not an object": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isJson && { body: call.wrap(bytes("[null]")) },
    },
    "JSON with a field twice": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isJson && { body: call.wrap(bytes('{"userId":1,"user_id":2}')) },
    },
    "JSON with half a surrogate pair": {
      codes: ["invalid_argument"],
      spoil: (call) => {
        if (!call.isJson || call.path !== SEND) return false;
        return { body: call.wrap(bytes(`${call.message}`.replace("unheard", "\\ud83e"))) };
      },
    },
    "very deep JSON": {
      codes: ["invalid_argument"],
      spoil: (call) =>
        call.isJson && { body: call.wrap(bytes(`{"x":${"[".repeat(manyBrackets)}${"]".repeat(manyBrackets)}}`)) },
    },
    "very deep protobuf": {
      codes: ["invalid_argument"],
      spoil: (call) => !call.isJson && { body: call.wrap(Buffer.alloc(60_000, 0x2b)) },
    },
    "too large": { codes: ["resource_exhausted"], spoil: (call) => ({ body: call.wrap(Buffer.alloc(70_000, " ")) }) },
    "of a claimed length of 4 GiB": {
      codes: ["resource_exhausted"],
      spoil: (call) => call.isEnveloped && { body: envelope(call.message, 0, 0xffffffff) },
    },
    "longer than its envelope": {
      codes: ["invalid_argument", "resource_exhausted"],
      spoil: (call) => call.isEnveloped && { body: envelope(call.message, 0, 2) },
    },
    "longer than its envelope, which is good only as a whole": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isEnveloped && { body: envelope(call.message, 0, call.message.length - 1) },
    },
    "shorter than its envelope": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isEnveloped && { body: envelope(call.message, 0, 1000) },
    },
    "half an envelope": { codes: ["invalid_argument"], spoil: (call) => call.isEnveloped && { body: Buffer.alloc(3) } },
    "followed by another": {
      codes: ["invalid_argument", "unimplemented"],
      spoil: (call) => call.isEnveloped && { body: Buffer.concat([envelope(call.message), envelope(call.message)]) },
    },
    "followed by a byte": {
      codes: ["invalid_argument"],
      spoil: (call) => call.isEnveloped && { body: Buffer.concat([envelope(call.message), Buffer.alloc(1)]) },
    },
    "not in gzip, as it says": {
      codes: ["invalid_argument"],
      spoil: (call) => ({
        headers: { [call.encodingHeader]: "gzip" },
        body: call.isEnveloped ? envelope(call.message, 1) : call.message,
      }),
    },
    "in gzip that is cut short": {
      codes: ["invalid_argument"],
      spoil: (call) => {
        const zipped = gzipSync(call.message).subarray(0, -9);
        return { headers: { [call.encodingHeader]: "gzip" }, body: call.isEnveloped ? envelope(zipped, 1) : zipped };
      },
    },
    "too large once it is unpacked": {
      codes: ["resource_exhausted"],
      spoil: (call) => {
        const zipped = gzipSync(Buffer.alloc(70_000, " "));
        return { headers: { [call.encodingHeader]: "gzip" }, body: call.isEnveloped ? envelope(zipped, 1) : zipped };
      },
    },
    "with ids as numbers that lose digits": {
      codes: ["invalid_argument"],
      spoil: (call) => {
        const { roomId, userId } = member;
        const text = `{"roomId":${roomId},"userId":${userId},"body":"x","replyToId":9007199254740993}`;
        const stream = `{"roomIds":[${roomId}],"userId":${userId},"afterSeq":{"${roomId}":9007199254740993}}`;
        return call.isJson && { body: call.wrap(bytes(call.path === SEND ? text : stream)) };
      },
    },
    "with ids in hexadecimal, or in blanks": {
      codes: ["invalid_argument"],
      spoil: (call) => {
        const { roomId, userId } = member;
        const text = `{"roomId":"0x${roomId.toString(16)}","userId":"${userId}","body":"x"}`;
        const stream = `{"roomIds":["${roomId}"],"userId":"${userId}","afterSeq":{" ${roomId} ":"0"}}`;
        return call.isJson && { body: call.wrap(bytes(call.path === SEND ? text : stream)) };
      },
    },
    "in an unknown encoding": {
      codes: ["unimplemented"],
      spoil: (call) => ({ headers: { [call.encodingHeader]: "nonsense" }, body: call.wrap(call.message) }),
    },
  };
  for (const flags of [1, 2, 4, 0x80, 0xff]) {
    cases[`flagged with ${flags}`] = {
      codes: ["invalid_argument"],
      spoil: (call) => call.isEnveloped && { body: envelope(call.message, flags) },
    };
  }
  for (const timeout of ["9999999999", "99999999H", "-1", "soon", "", "1e3", "99999999999"]) {
    cases[`given the timeout "${timeout}"`] = {
      codes: ["invalid_argument"],
      spoil: (call) => ({ headers: { [call.timeoutHeader]: timeout }, body: call.wrap(call.message) }),
    };
  }
  for (const type of [
    "",
    "text/plain",
    "application/json; charset=latin1",
    "application/connect+xml",
    "application/grpc-web-text",
    "application/grpc+xml",
    "multipart/form-data",
  ]) {
    cases[`of the content type "${type}"`] = {
      codes: ["unimplemented", "http 404"],
      spoil: (call) => ({ headers: { "content-type": type }, body: call.wrap(call.message) }),
    };
  }
  for (const method of ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH"]) {
    const query = (call: Call) => `?connect=v1&encoding=json&message=${encodeURIComponent(`${call.message}`)}`;
    cases[`sent by ${method}`] = {
      codes: ["unimplemented", method === "OPTIONS" ? "http 204" : "http 405"],
      spoil: (call) => ({ method, path: call.path + query(call), body: bytes("") }),
    };
  }

  test.each(Object.entries(cases))("%s", async (_, { codes, spoil }) => {
    for (const call of calls) {
      const request = spoil(call);
      if (request) expect(codes, `${call.carrier} ${call.path}`).toContain(outcome(await call.send(request)));
    }
  });
});

describe("random bytes", () => {
  const refusals = [
    "invalid_argument",
    "not_found",
    "unimplemented",
    "resource_exhausted",
    "out_of_range",
    "already_exists",
  ];
  const MAY_SAY_NOTHING = ["CreateChatRoom", "EnsureRoom", "ListRooms", "IsMember", "GetProfiles", "RevokeTokens"];
  const methods = [ChatService, Health, ServerReflection].flatMap((service) => [...service.methods]);

  test.each(Object.keys(carriers) as Carrier[])("over %s are refused by every RPC", async (carrier) => {
    const jsonish = fc.oneof(
      fc.json().map((json) => Buffer.from(json)),
      fc.json().map((json) => Buffer.from(json.slice(0, -1))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods),
        fc.oneof(fc.uint8Array({ maxLength: 200 }), jsonish),
        fc.oneof(fc.constant("whole"), fc.constant("bare")),
        async (method, bytes, form) => {
          // Reflection needs a stream in both directions.
          if (method.methodKind === "bidi_streaming" && !carrier.startsWith("gRPC ") && carrier !== "gRPC") return;
          const call = new Call(carrier, `/${method.parent.typeName}/${method.name}`, method.methodKind !== "unary");
          const headers = { [call.timeoutHeader]: call.timeoutHeader === "grpc-timeout" ? "300m" : "300" };
          const code = outcome(await call.send({ headers, body: form === "whole" ? call.wrap(bytes) : bytes }));
          // Some are a request after all; a stream that needs nothing said ends by its deadline.
          const isOpen = ["Watch", "StreamAll"].includes(method.name);
          const lucky = isOpen ? ["deadline_exceeded"] : method.parent === ChatService ? [] : ["ok"];
          if (MAY_SAY_NOTHING.includes(method.name)) lucky.push("ok");
          expect([...refusals, ...lucky], `${method.name} ${Buffer.from(bytes).toString("hex")}`).toContain(code);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each(Object.keys(carriers) as Carrier[])(
    "in a message over %s: it is refused, or was a message after all",
    async (carrier) => {
      const call = new Call(carrier, SEND);
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.uint8Array({ minLength: 1, maxLength: 3 }),
          fc.boolean(),
          async (at, bytes, inside) => {
            const message = Buffer.from(inside ? call.message : call.wrap(call.message));
            message.set(bytes.subarray(0, message.length), at % (message.length - 3));
            const code = outcome(await call.send({ body: inside ? call.wrap(message) : message }));
            if (code === "ok") stored++;
            expect([...refusals, "ok"], message.toString("hex")).toContain(code);
          },
        ),
        { numRuns: 100 },
      );
    },
  );
});
