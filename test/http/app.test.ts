import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { createApp } from "../../src/http/app.ts";
import { Door } from "../../src/http/door.ts";
import type { Endpoints } from "../../src/rpc/endpoints.ts";
import { Readiness } from "../../src/rpc/readiness.ts";

const STRICT = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "strict-transport-security": null,
};

const endpoints: Endpoints = new Map([
  ["/rpc", { respond: async () => ({ status: 200, headers: {}, body: new Uint8Array() }) }],
]);

function app(isReady = true) {
  const ping = async () => {
    if (!isReady) throw new Error("no answer");
  };
  return createApp({
    door: new Door({ corsOrigins: [], isLoopback: true }),
    readiness: new Readiness(ping),
    limits: LIMITS,
    endpoints,
  });
}

describe("a page that a browser may show", () => {
  test.each([
    ["/healthz", true, 200],
    ["/readyz", true, 200],
    ["/readyz", false, 503],
    ["/nothing", true, 404],
  ])("%s (ready: %s) may load, embed and tell nothing", async (path, isReady, status) => {
    const response = await app(isReady).request(`http://localhost${path}`);
    expect(response.status).toBe(status);
    for (const [name, value] of Object.entries(STRICT)) expect(response.headers.get(name), name).toBe(value);
  });

  test("is no RPC", async () => {
    const response = await app().request("http://localhost/rpc", { method: "POST" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toBeNull();
  });
});
