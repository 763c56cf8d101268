import { connect as connectHttp2, constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SendMessageReqSchema } from "../../gen/chat_pb.ts";
import { chatClient } from "../support/clients.ts";
import { newRoom } from "../support/rooms.ts";
import { startServerProcess } from "../support/server-process.ts";
import { TestStream } from "../support/test-stream.ts";
import { envelope, openSocket, socketExchange } from "./raw.ts";

// Connections that don't keep to HTTP, and clients that leave in the middle of it. The others don't notice.

const SEND = "/chat_grpc.ChatService/SendMessage";

let service: Awaited<ReturnType<typeof startServerProcess>>;
let url: string;
let member: { roomId: bigint; userId: bigint };
let answered = 0;

beforeAll(async () => {
  service = await startServerProcess({ LOG_LEVEL: "debug" });
  url = service.url;
  ({ asOwner: member } = await newRoom(chatClient("gRPC", url)));
});

afterAll(async () => {
  await using _service = service;
  const { seq } = await chatClient("gRPC", url).sendMessage({ ...member, body: "and it goes on" });
  expect(seq).toBe(BigInt(answered + 1));
  expect(service.server.faults).toEqual([]);
});

describe("HTTP/1.1 framing", () => {
  const head = `POST ${SEND} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n`;

  test.each<[string, string | Uint8Array, number]>([
    ["garbage", Buffer.from([1, 2, 3, 4, 255, 254, 13, 10, 13, 10]), 400],
    ["a TLS handshake", Buffer.from("16030100a5010000a1030300", "hex"), 400],
    ["not quite an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400],
    ["no host", `POST ${SEND} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`, 400],
    ["a host that is none", `${head.replace("localhost", "a b<>")}Content-Length: 0\r\n\r\n`, 421],
    ["a path that is none", "POST /%ff%zz\\..//../ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["a huge Content-Length", `${head}Content-Length: 999999999999999\r\n\r\n{}`, 429],
    ["a Content-Length beyond numbers", `${head}Content-Length: 1${"0".repeat(30)}\r\n\r\n{}`, 400],
    ["a negative Content-Length", `${head}Content-Length: -1\r\n\r\n{}`, 400],
    ["two Content-Lengths", `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, 400],
    ["length and chunks", `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`, 400],
    ["a broken chunk", `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
    ["another transfer coding", `${head}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`, 501],
    ["an absolute URI", `${head.replace(SEND, `http://localhost${SEND}`)}Content-Length: 2\r\n\r\n{}`, 404],
    ["an encoded path", `${head.replace("SendM", "Send%4d")}Content-Length: 2\r\n\r\n{}`, 404],
    ["a path with detours", `${head.replace(SEND, `/x/..${SEND}`)}Content-Length: 2\r\n\r\n{}`, 404],
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
    answered++;
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
      expect([421, expect.stringContaining("PROTOCOL_ERROR")]).toContainEqual(answer);
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
  const message = () =>
    Buffer.from(toBinary(SendMessageReqSchema, create(SendMessageReqSchema, { ...member, body: "unheard of" })));
  const codeIn = async (requestId: string) =>
    JSON.parse(await service.server.line((line) => line.includes(requestId))).code;

  test.each(["Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"])(
    "in the middle of an HTTP/1.1 request with %j",
    async (length) => {
      const requestId = `left-${length.length}`;
      const head = `POST ${SEND} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: ${requestId}\r\nContent-Type: application/proto\r\n${length}`;
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
    call.close(constants.NGHTTP2_CANCEL);
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
    answered++;
    expect(await stream.take(1)).toEqual([sent]);
  });
});
