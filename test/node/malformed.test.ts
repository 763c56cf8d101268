import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatService, SendMessageReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { chatClient, freshId } from "../support/clients.ts";
import { startServerProcess } from "../support/server-process.ts";
import { TestStream } from "../support/test-stream.ts";
import {
  type Carrier,
  carriers,
  envelope,
  openSocket,
  outcome,
  type RawRequest,
  type RawResponse,
  socketExchange,
} from "./raw.ts";

// Malformed input of any kind is refused with a code that blames the caller. Nothing of it is stored, nothing is logged
// as internal, and the server goes on.

let service: Awaited<ReturnType<typeof startServerProcess>>;
let url: string;
/** A room where everything well-formed would be stored. */
let member: { roomId: bigint; userId: bigint };
/** Calls that were well-formed after all. */
let stored = 0;

beforeAll(async () => {
  service = await startServerProcess({ LOG_LEVEL: "debug" });
  url = service.url;
  const userId = freshId();
  member = { roomId: (await chatClient("gRPC", url).createChatRoom({ postId: freshId(), userId })).id, userId };
});

afterAll(async () => {
  await using _service = service;
  const client = chatClient("gRPC", url);
  const { seq } = await client.sendMessage({ ...member, body: "the only one" });
  expect(seq).toBe(BigInt(stored + 1));
  const stray = [...service.server.stdout, ...service.server.stderr].filter((line) => !line.startsWith("{"));
  expect(stray).toEqual([`roomlog listening on ${url}`]);
  const faults = service.server.log.filter(
    ({ level, code }) => level === "ERROR" || level === "FATAL" || code === "internal" || code === "unknown",
  );
  expect(faults).toEqual([]);
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
    compressed: {
      codes: ["unimplemented"],
      spoil: (call) => {
        const zipped = gzipSync(call.message);
        return { headers: { [call.encodingHeader]: "gzip" }, body: call.isEnveloped ? envelope(zipped, 1) : zipped };
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
      codes: ["http 415", "http 404"],
      spoil: (call) => ({ headers: { "content-type": type }, body: call.wrap(call.message) }),
    };
  }
  for (const method of ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH"]) {
    const query = (call: Call) => `?connect=v1&encoding=json&message=${encodeURIComponent(`${call.message}`)}`;
    cases[`sent by ${method}`] = {
      codes: ["http 405", method === "OPTIONS" ? "http 204" : "http 404"],
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
          // Some are a request after all; a Watch of nothing ends by its deadline.
          const lucky = method.name === "Watch" ? ["deadline_exceeded"] : method.parent === ChatService ? [] : ["ok"];
          if (code === "ok" && method.name === "CreateChatRoom") return;
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

describe("HTTP/1.1 framing", () => {
  const head = `POST ${SEND} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`;

  test.each<[string, string | Uint8Array, number]>([
    ["garbage", Buffer.from([1, 2, 3, 4, 255, 254, 13, 10, 13, 10]), 400],
    ["a TLS handshake", Buffer.from("16030100a5010000a1030300", "hex"), 400],
    ["not quite an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400],
    ["no host", `POST ${SEND} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`, 400],
    ["a host that is none", `${head.replace("Host: x", "Host: a b<>")}Content-Length: 0\r\n\r\n`, 400],
    ["a path that is none", "POST /%ff%zz\\..//../ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["a huge Content-Length", `${head}Content-Length: 999999999999999\r\n\r\n{}`, 429],
    ["a Content-Length beyond numbers", `${head}Content-Length: 1${"0".repeat(30)}\r\n\r\n{}`, 400],
    ["a negative Content-Length", `${head}Content-Length: -1\r\n\r\n{}`, 400],
    ["two Content-Lengths", `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, 400],
    ["length and chunks", `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`, 400],
    ["a broken chunk", `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
    ["an unknown expectation", `${head}Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}`, 417],
    ["a huge header", `${head}X: ${"y".repeat(100_000)}\r\n\r\n`, 431],
    ["very many headers", `${head}${"X: y\r\n".repeat(5000)}\r\n`, 431],
    ["a NUL in a header", `${head}X: \0\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ["a folded header", `${head}X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ["gRPC, which needs HTTP/2", `${head.replace("json", "grpc")}Content-Length: 5\r\n\r\n\0\0\0\0\0`, 404],
    ["gRPC in other letters", `${head.replace("json", "gRPC")}Content-Length: 5\r\n\r\n\0\0\0\0\0`, 404],
  ])("%s", async (_, bytes, status) => {
    expect((await socketExchange(url, [bytes])).toString("latin1")).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("a request in packets of a byte is as good as any", async () => {
    const body = JSON.stringify({ roomId: `${member.roomId}`, userId: `${member.userId}`, body: "slowly" });
    const request = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    const answer = await socketExchange(
      url,
      [...request].map((char) => Buffer.from(char)),
    );
    stored++;
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 .*"seq":"\d+"/s);
  });
});

describe("HTTP/2 framing", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const frame = (type: number, flags: number, stream: number, payload: Uint8Array | string = "") => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, Buffer.from(payload as Uint8Array)]);
  };
  const settings = frame(4, 0, 0);
  const GOAWAY = 7;
  const goodbye = frame(GOAWAY, 0, 0, Buffer.alloc(8));

  test.each<[string, (string | Uint8Array)[]]>([
    ["two prefaces", [preface, preface]],
    ["HTTP/1.1 after the preface", [preface, "GET / HTTP/1.1\r\n\r\n"]],
    ["a frame of 16 MiB", [preface, settings, Buffer.from("ffffff000000000001", "hex")]],
    ["headers on stream 0", [preface, settings, frame(1, 5, 0, Buffer.from([0x82]))]],
    ["broken HPACK", [preface, settings, frame(1, 5, 1, Buffer.alloc(6, 0xff))]],
    ["no headers", [preface, settings, frame(1, 5, 1), goodbye]],
    ["data without headers", [preface, settings, frame(0, 1, 1, "abc")]],
    ["a settings acknowledgement with a payload", [preface, frame(4, 1, 0, "abcdef")]],
    ["a window of 0", [preface, settings, frame(8, 0, 0, Buffer.alloc(4))]],
  ])("%s ends the connection", async (_, chunks) => {
    const types = [];
    for (
      let rest = await socketExchange(url, chunks);
      rest.length >= 9;
      rest = rest.subarray(9 + rest.readUIntBE(0, 3))
    )
      types.push(rest[3]);
    expect(types).toContain(GOAWAY);
  });

  test("a preface in packets of a byte is as good as any", async () => {
    const answer = await socketExchange(url, [...[...preface].map((char) => Buffer.from(char)), settings, goodbye]);
    expect(answer[3]).toBe(4);
  });

  /** How the server takes the headers of a call: a status, or what it says when it ends the call or the connection. */
  async function takes(headers: Record<string, string>): Promise<unknown> {
    const session = connectHttp2(url, { maxSendHeaderBlockLength: 1_000_000 });
    const call = session.on("error", () => {}).request({ ":method": "POST", ":path": SEND, ...headers });
    const answer = await new Promise((resolve) => {
      call
        .once("response", (headers) => resolve(headers[":status"]))
        .once("error", (e) => resolve(e.message))
        .end();
    });
    session.destroy();
    return answer;
  }

  describe.each(["application/grpc", "application/proto"])("of %s", (type) => {
    test.each(["a b", "[", ""])("the authority %j", async (authority) => {
      const answer = await takes({ "content-type": type, ":authority": authority });
      expect([400, expect.stringContaining("PROTOCOL_ERROR")]).toContainEqual(answer);
    });

    test.each([
      ["huge headers", { "x-long": "x".repeat(100_000) }],
      ["very many headers", Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`x-${i}`, "y"]))],
    ])("%s", async (_, headers) => {
      const answer = await takes({ "content-type": type, ...headers });
      expect(answer).toEqual(expect.stringMatching(/ENHANCE_YOUR_CALM|REFUSED_STREAM|Session closed/));
    });
  });
});

describe("a client that leaves", () => {
  /** All of a message that would be stored, only that more might follow. */
  const message = () => new Call("Connect binary", SEND).message;
  const codeIn = async (requestId: string) =>
    JSON.parse(await service.server.line((line) => line.includes(requestId))).code;

  test.each(["Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"])(
    "in the middle of an HTTP/1.1 request with %j",
    async (length) => {
      const requestId = `left-${length.length}`;
      const head = `POST ${SEND} HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${requestId}\r\nContent-Type: application/proto\r\n${length}`;
      const chunk = length.includes("chunked") ? `${message().length.toString(16)}\r\n` : "";
      const socket = await openSocket(url);
      socket.write(Buffer.concat([Buffer.from(head + chunk), message(), Buffer.from("\r\n")]));
      // Another request tells that the first one has arrived.
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      socket.resetAndDestroy();
      expect(await codeIn(requestId)).toBe("canceled");
    },
  );

  test.each(["application/grpc", "application/proto"])("in the middle of an HTTP/2 request of %s", async (type) => {
    const session = connectHttp2(url);
    const requestId = `left-${type}`;
    const call = session.request({ ":method": "POST", ":path": SEND, "content-type": type, "x-request-id": requestId });
    call.write(type === "application/grpc" ? envelope(message()) : message());
    await new Promise((resolve) => session.ping(resolve as never));
    call.close(8);
    // Where the server is reset before it has read anything, it sees an empty request.
    expect(["canceled", "invalid_argument"]).toContain(await codeIn(requestId));
    session.destroy();
  });

  test("leaves the others alone", async () => {
    await using stream = new TestStream(chatClient("Connect JSON", url), {
      roomIds: [member.roomId],
      userId: member.userId,
    });
    await stream.live;
    const sent = await chatClient("gRPC-Web", url).sendMessage({ ...member, body: "still here" });
    stored++;
    expect(await stream.take(1)).toEqual([sent]);
  });
});
