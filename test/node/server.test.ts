import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Server } from "../../src/node/server.ts";
import { http1, http2Request, openSocket, socketExchange } from "./raw.ts";

// The timeouts of the real server, scaled down: here 100 ms are what 10 s are there.
const timeouts = { firstBytes: 100, request: 300, idleSession: 200, hangUp: 100 };
/** Longer than every timeout. */
const LONG_MS = 1_000;

let server: Server;
let url: string;

beforeAll(async () => {
  server = new Server(async (request, answer) => {
    const response = answer as ServerResponse;
    const arrived = once(request.resume(), "end").then(
      () => true,
      () => false,
    );
    if (!(await arrived)) return;
    response.writeHead(200);
    response.write("first");
    if (request.url === "/silent") await sleep(LONG_MS);
    response.end(", last");
  }, timeouts);
  url = `http://127.0.0.1:${await server.listen("127.0.0.1", 0)}`;
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
    ["the headers", "GET / HTTP/1.1\r\nHost: x\r\n"],
    ["the body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"],
  ])("to send %s over HTTP/1.1 is told so", async (_, request) => {
    expect((await socketExchange(url, [request])).toString()).toMatch(/^HTTP\/1.1 408 /);
  });

  test("to send the body over HTTP/2 is cut off, even if it sends a byte now and then", async () => {
    const session = connectHttp2(url);
    const call = session.request({ ":method": "POST" });
    const drip = setInterval(() => call.write("x"), timeouts.request / 5);
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
});

describe("no timeout ends", () => {
  test("a silent response over HTTP/1.1", async () => {
    expect((await http1(url, { path: "/silent" })).body.toString()).toBe("first, last");
  });

  test("a silent response over HTTP/2", async () => {
    const session = connectHttp2(url);
    expect((await http2Request(session, { path: "/silent" })).body.toString()).toBe("first, last");
    session.destroy();
  });
});

describe("both protocols on one port", () => {
  test("however the first bytes are split", async () => {
    const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (const at of [1, 2, 3, 10]) {
      const answer = await socketExchange(url, [request.slice(0, at), request.slice(at)]);
      expect(answer.toString()).toMatch(/^HTTP\/1.1 200 /);
    }
  });

  test("a client that only closes its side gets its answer", async () => {
    const socket = await openSocket(url);
    socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect((await socket.toArray()).join("")).toContain("last");
  });
});

describe("closing", () => {
  /** A server that answers nothing, with a connection in each state. */
  async function withConnections() {
    const server = new Server(() => {}, { ...timeouts, firstBytes: 60_000, request: 60_000, idleSession: 60_000 });
    const url = `http://127.0.0.1:${await server.listen("127.0.0.1", 0)}`;
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
    const calls = [http1(url, { path: "/" }), http2Request(session, { path: "/" })].map((call) => call.catch((e) => e));
    await once(session, "remoteSettings");
    await server.close(200);
    await Promise.all(calls);
  });
});
