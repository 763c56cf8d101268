import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import { createApp } from "../../src/http/app.ts";
import { limitVariable } from "../../src/http/config.ts";
import { Door } from "../../src/http/door.ts";
import type { Running } from "../../src/node/compose.ts";
import { createHttp1 } from "../../src/node/http1.ts";
import { createHttp2 } from "../../src/node/http2.ts";
import { Routes } from "../../src/node/routes.ts";
import { Server } from "../../src/node/server.ts";
import { ArrivingBody, ArrivingBytes } from "../../src/rpc/bytes.ts";
import type { RpcRequest, RpcResponse } from "../../src/rpc/codec.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { chatClient } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { newRoom } from "../support/rooms.ts";
import { TestStream } from "../support/test-stream.ts";
import { http1, http2, http2Request, openSocket, socketExchange } from "./raw.ts";

// The timeouts of the real server, scaled down: here 100 ms are what 10 s are there.
const timeouts = { headersMs: 100, requestMs: 300, idleSessionMs: 200, stallMs: 300 };
/** Longer than every timeout. */
const LONG_MS = 1_000;

/** A server with one RPC. */
function createServer(limits: Partial<Limits>, respond: (request: RpcRequest) => Promise<RpcResponse>): Server {
  const all = { ...LIMITS, ...limits };
  const door = new Door({ corsOrigins: [], isLoopback: true });
  const app = createApp({ door, readiness: new Readiness(async () => {}), limits: all });
  const routes = new Routes(door, new Map([["/call", { respond }]]), app, all);
  return new Server(createHttp1(routes), createHttp2(routes), all);
}

async function listen(server: Server): Promise<string> {
  return `http://127.0.0.1:${await server.listen("127.0.0.1", 0)}`;
}

/** Takes the request, and answers; after a long time, if it is asked to. */
async function answer(request: RpcRequest): Promise<RpcResponse> {
  using body = new ArrivingBody(new ArrivingBytes(LIMITS), LIMITS.requestBytes);
  await request.receive(body);
  if (request.query === "?silent") await sleep(LONG_MS);
  return { status: 200, headers: { "content-type": "text/plain" }, body: Buffer.from("answer") };
}

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(timeouts, answer);
  url = await listen(server);
});
afterAll(() => server.close(0));

describe("a client that takes too long", () => {
  test.each([
    ["to say anything", []],
    ["to finish the HTTP/2 preface", ["PRI * HTTP/2.0\r\n"]],
  ])("%s is dropped", async (_, chunks) => {
    expect(await socketExchange(url, chunks)).toHaveLength(0);
  });

  test.each([
    ["the headers", "GET / HTTP/1.1\r\nHost: localhost\r\n"],
    ["the body", "POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"],
  ])("to send %s over HTTP/1.1 is told so", async (_, request) => {
    expect((await socketExchange(url, [request])).toString()).toMatch(/^HTTP\/1.1 408 /);
  });

  test("to send the body over HTTP/2 is cut off, even if it sends a byte now and then", async () => {
    const session = connectHttp2(url);
    const call = session.request({ ":method": "POST", ":path": "/call" });
    const drip = setInterval(() => call.write("x"), timeouts.requestMs / 5);
    call.on("error", () => {});
    await once(call, "close");
    clearInterval(drip);
    expect(call.rstCode).toBe(constants.NGHTTP2_CANCEL);
    session.destroy();
  });

  test("to make a call over HTTP/2 is hung up on", async () => {
    const session = connectHttp2(url);
    await once(session, "close");
  });

  test("to make another call over HTTP/2 is hung up on", async () => {
    const session = connectHttp2(url);
    const closed = once(session, "close");
    for (let i = 0; i < 2; i++) {
      expect((await http2Request(session, { path: "/call" })).body.toString()).toBe("answer");
      await sleep(timeouts.idleSessionMs / 2);
    }
    await closed;
  });
});

describe("no timeout ends", () => {
  test("a silent call over HTTP/1.1", async () => {
    expect((await http1(url, { path: "/call?silent" })).body.toString()).toBe("answer");
  });

  test("a silent call over HTTP/2", async () => {
    expect((await http2(url, { path: "/call?silent" })).body.toString()).toBe("answer");
  });

  describe("a silent stream", () => {
    let service: Running;
    beforeAll(async () => {
      const env = Object.entries(timeouts).map(([name, ms]) => [limitVariable(name), `${ms}`]);
      service = await startNodeService(Object.fromEntries(env));
    });
    afterAll(() => service?.[Symbol.asyncDispose]());

    test.each(["Connect JSON", "gRPC-Web", "Connect over h2", "gRPC"] as const)("over %s", async (protocol) => {
      const client = chatClient(protocol, service.url);
      const { asOwner, roomId, owner } = await newRoom(client);
      await using stream = new TestStream(client, { roomIds: [roomId], userId: owner });
      await stream.live;
      for (const body of ["first", "last"]) {
        await sleep(LONG_MS);
        await client.sendMessage({ ...asOwner, body });
      }
      expect((await stream.take(2)).map(({ body }) => body)).toEqual(["first", "last"]);
    });
  });
});

describe("both protocols on one port", () => {
  test("however the first bytes are split", async () => {
    const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for (const at of [1, 2, 3, 10]) {
      const answer = await socketExchange(url, [request.slice(0, at), request.slice(at)]);
      expect(answer.toString()).toMatch(/^HTTP\/1.1 200 /);
    }
  });

  test.each(["/call", "/healthz"])("a client that only closes its side gets its answer: %s", async (path) => {
    const socket = await openSocket(url);
    socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect((await socket.toArray()).join("")).toMatch(/^HTTP\/1.1 200 .*(answer|ok\n)/s);
  });

  test("without a server for HTTP/2, its clients are told so, and HTTP/1.1 is served", async () => {
    const door = new Door({ corsOrigins: [], isLoopback: true });
    const app = createApp({ door, readiness: new Readiness(async () => {}), limits: LIMITS });
    const server = new Server(createHttp1(new Routes(door, new Map(), app, LIMITS)), undefined, LIMITS);
    const url = await listen(server);
    const told = await socketExchange(url, ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
    expect(told.toString()).toMatch(/^HTTP\/1.1 505 /);
    expect((await http1(url, { method: "GET", path: "/healthz" })).status).toBe(200);
    await server.close(0);
  });
});

describe("[P7] connections beyond", () => {
  test.each(["connections", "addressConnections"] as const)("the limit of %s are told so", async (limit) => {
    const server = createServer({ [limit]: 3 }, answer);
    const url = await listen(server);
    const sockets = await Promise.all([1, 2, 3].map(() => openSocket(url)));
    const full = await socketExchange(url, ["GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]);
    expect(full.toString()).toMatch(/^HTTP\/1.1 503 .*retry-after: /is);
    await expect(http2(url, { path: "/call" })).rejects.toThrow();

    sockets[0]!.resetAndDestroy();
    const status = () => http1(url, { method: "GET", path: "/healthz" }).then(({ status }) => status);
    await expect.poll(status, { interval: 10 }).toBe(200);
    await server.close(0);
  });
});

test.each([
  ["says nothing", ""],
  ["has begun an HTTP/2 preface", "PRI * "],
  ["has begun a request", "GET / HTTP/1.1\r\n"],
  ["has had its answer", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["speaks HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
])("[P7] there is room for another connection when a client has hung up that %s", async (_, bytes) => {
  const server = createServer({ connections: 1 }, answer);
  const url = await listen(server);
  const socket = await openSocket(url);
  socket.write(bytes);
  await sleep(50);
  socket.destroy();
  const status = () => http1(url, { method: "GET", path: "/healthz" }).then(({ status }) => status);
  await expect.poll(status, { interval: 10 }).toBe(200);
  await server.close(0);
});

describe("closing", () => {
  /** A server that answers nothing, with a connection in each state. */
  async function withConnections() {
    const patient = { headersMs: 30_000, requestMs: 60_000, idleSessionMs: 60_000 };
    const server = createServer(patient, () => new Promise(() => {}));
    const url = await listen(server);
    const silent = await openSocket(url);
    const half = await openSocket(url);
    half.write("PRI * HTTP");
    const idle = connectHttp2(url);
    await once(idle, "remoteSettings");
    const deaf = await openSocket(url);
    deaf.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    await once(deaf, "data");
    return { server, url, sockets: [silent, half, deaf], idle };
  }

  test("waits for nobody without a call", async () => {
    const { server, url, sockets, idle } = await withConnections();
    const closed = [...sockets, idle].map((connection) =>
      once(
        connection.on("error", () => {}),
        "close",
      ),
    );
    await server.close(60_000);
    await Promise.all(closed);
    await expect(openSocket(url)).rejects.toThrow(/ECONNREFUSED/);
  });

  test("cuts off calls that outlast the grace", async () => {
    const { server, url } = await withConnections();
    const session = connectHttp2(url).on("error", () => {});
    const request = { path: "/call" };
    const calls = [http1(url, request), http2Request(session, request)].map((call) => call.catch((e) => e));
    await once(session, "remoteSettings");
    await server.close(200);
    await Promise.all(calls);
  });
});
