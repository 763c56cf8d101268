import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Running } from "../../src/node/serve.ts";
import { envelope, http1 } from "../node/raw.ts";
import { chatClient, freshId } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";

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
    const client = chatClient("gRPC", service.url);
    const userId = freshId();
    const { id } = await client.createChatRoom({ postId: freshId(), userId });
    const left = new AbortController();
    const answer = await fetch(`${service.url}/chat_grpc.ChatService/StreamMessage`, {
      method: "POST",
      headers: { origin: APP, "content-type": "application/grpc-web+json" },
      body: envelope(Buffer.from(`{"roomIds":["${id}"],"userId":"${userId}"}`)),
      signal: left.signal,
    });
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    left.abort();
  });

  test.each(["https://evil.example", `${APP}.evil.example`, "http://app.example.com", "null"])(
    "%s is told nothing",
    async (origin) => {
      expect((await preflight(origin)).headers["access-control-allow-origin"]).toBeUndefined();
      expect((await call(origin)).headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test("cookies are never asked for", async () => {
    expect((await preflight(APP)).headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("without CORS_ORIGINS", () => {
  start({});

  test("no origin is allowed", async () => {
    expect((await preflight(APP)).headers["access-control-allow-origin"]).toBeUndefined();
    expect((await call(APP)).headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("with CORS_ORIGINS=*", () => {
  start({ CORS_ORIGINS: "*" });

  test("every origin is allowed", async () => {
    expect((await preflight("https://any.example")).headers["access-control-allow-origin"]).toBe("*");
    expect((await call("https://any.example")).headers["access-control-allow-origin"]).toBe("*");
  });
});
