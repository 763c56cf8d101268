import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Running } from "../../src/node/compose.ts";
import { envelope, http1, http2 } from "../node/raw.ts";
import { chatClient } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { newRoom } from "../support/rooms.ts";

const APP = "https://app.example.com";
const SEND = "/chat_grpc.ChatService/SendMessage";

let service: Running;

function start(env: Record<string, string>) {
  beforeAll(async () => void (service = await startNodeService(env)));
  afterAll(() => service?.[Symbol.asyncDispose]());
}

const list = (header: unknown) => `${header}`.toLowerCase().split(/,\s*/);

/** What a browser asks before it calls. */
function preflight(origin: string) {
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,connect-protocol-version,x-request-id",
  };
  return http1(service.url, { path: SEND, method: "OPTIONS", headers });
}

function call(origin: string, path = SEND, headers: Record<string, string> = {}) {
  return http1(service.url, {
    path,
    headers: { origin, "content-type": "application/json", ...headers },
    body: Buffer.from("{}"),
  });
}

describe("with an allow-list", () => {
  start({ CORS_ORIGINS: `${APP} http://localhost:5173` });

  test("a preflight of a listed origin is allowed all that the protocols need", async () => {
    for (const origin of [APP, "http://localhost:5173"]) {
      const { status, headers } = await preflight(origin);
      expect(status).toBe(204);
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(list(headers["access-control-allow-methods"])).toContain("post");
      expect(list(headers["access-control-allow-headers"])).toEqual(
        expect.arrayContaining([
          ...["content-type", "connect-protocol-version", "connect-timeout-ms", "x-user-agent"],
          ...["x-grpc-web", "grpc-timeout", "authorization", "x-request-id"],
        ]),
      );
      expect(Number(headers["access-control-max-age"])).toBeGreaterThan(60);
      expect(list(headers.vary)).toContain("origin");
    }
  });

  test("an answer to a listed origin can be read, errors and their headers too", async () => {
    for (const [path, expected] of [
      [SEND, 400],
      ["/readyz", 404],
      ["/nothing", 404],
    ] as const) {
      const { status, headers } = await call(APP, path);
      expect(status).toBe(expected);
      expect(headers["access-control-allow-origin"]).toBe(APP);
      expect(list(headers["access-control-expose-headers"])).toEqual(
        expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"]),
      );
    }
  });

  test("a stream of a listed origin can be read", async () => {
    const { roomId, owner } = await newRoom(chatClient("gRPC", service.url));
    const left = new AbortController();
    const answer = await fetch(`${service.url}/chat_grpc.ChatService/StreamMessage`, {
      method: "POST",
      headers: { origin: APP, "content-type": "application/grpc-web+json" },
      body: envelope(Buffer.from(`{"roomIds":["${roomId}"],"userId":"${owner}"}`)),
      signal: left.signal,
    });
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    left.abort();
  });

  test.each(["https://evil.example", `${APP}.evil.example`, "http://app.example.com", "null"])(
    "%s is refused, before anything happens",
    async (origin) => {
      const { roomId, asOwner } = await newRoom(chatClient("gRPC", service.url));
      const body = Buffer.from(`{"roomId":"${roomId}","userId":"${asOwner.userId}","body":"x"}`);
      for (const send of [http1, http2]) {
        const headers = { origin, "content-type": "application/json" };
        const { status, headers: answered, body: why } = await send(service.url, { path: SEND, headers, body });
        expect(status).toBe(403);
        expect(answered["access-control-allow-origin"]).toBeUndefined();
        expect(JSON.parse(why.toString())).toMatchObject({ message: expect.stringContaining("CORS_ORIGINS") });
      }
      expect((await preflight(origin)).headers["access-control-allow-origin"]).toBeUndefined();
      const { seq } = await chatClient("gRPC", service.url).sendMessage({ ...asOwner, body: "the first" });
      expect(seq).toBe(1n);
    },
  );

  test("cookies are never asked for", async () => {
    expect((await preflight(APP)).headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("without CORS_ORIGINS", () => {
  start({});

  test("no origin is allowed but the server's own", async () => {
    for (const { status, headers } of [await preflight(APP), await call(APP)]) {
      expect(status).toBe(403);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect((await call(service.url)).status).toBe(400);
    expect((await call(service.url.replace("http:", "https:"))).status, "through a TLS proxy").toBe(400);
  });

  test("a name that is not this machine's is refused, whatever the page", async () => {
    const { port } = new URL(service.url);
    const refused = ["evil.example", `evil.example:${port}`, "127.0.0.1.nip.io", "localhost.evil.example", "0.0.0.0"];
    for (const host of refused) {
      for (const path of [SEND, "/healthz"]) {
        const { status, body } = await http1(service.url, { path, headers: { host, origin: `http://${host}` } });
        expect([host, status]).toEqual([host, 421]);
        expect(JSON.parse(body.toString())).toMatchObject({ message: expect.stringContaining("CORS_ORIGINS") });
      }
    }
    const overHttp2 = { ":authority": "evil.example", "content-type": "application/json" };
    expect((await http2(service.url, { path: SEND, headers: overHttp2 })).status).toBe(421);
    for (const host of ["localhost", `LOCALHOST:${port}`, "127.0.0.1", `127.1.2.3:${port}`, `[::1]:${port}`]) {
      expect((await http1(service.url, { path: "/healthz", method: "GET", headers: { host } })).status).toBe(200);
    }
  });
});

describe("behind a proxy whose origin is listed", () => {
  start({ CORS_ORIGINS: APP });

  test("its name is taken as well", async () => {
    const headers = { host: "app.example.com", origin: APP };
    expect((await http1(service.url, { path: "/healthz", method: "GET", headers })).status).toBe(200);
  });
});

describe("with CORS_ORIGINS=*", () => {
  start({
    CORS_ORIGINS: "*",
    AUTH: "jwt",
    JWT_ISSUER: "https://issuer.example",
    JWT_AUDIENCE: "roomlog",
    JWT_SECRET: "x".repeat(32),
  });

  test("every origin is allowed", async () => {
    expect((await preflight("https://any.example")).headers["access-control-allow-origin"]).toBe("https://any.example");
    expect((await call("https://any.example")).headers["access-control-allow-origin"]).toBe("https://any.example");
  });
});
