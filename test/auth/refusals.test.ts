import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Running } from "../../src/node/compose.ts";
import { http1 } from "../node/raw.ts";
import { chatClient, type Protocol, transports } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";
import { bearer, identification, token } from "../support/tokens.ts";

let service: Running;
beforeAll(async () => {
  service = await startNodeService({ LOG_LEVEL: "fatal" }, identification().identify);
});
afterAll(() => service?.[Symbol.asyncDispose]());

describe.each(Object.keys(transports) as Protocol[])("over %s", (protocol) => {
  test("a call without a token, or with a bad one, is UNAUTHENTICATED, and told what to do", async () => {
    const client = chatClient(protocol, service.url);
    const calls: [Record<string, string>, RegExp][] = [
      [{}, /there is no token/],
      [bearer(await token({ exp: 1 })), /has expired; get a new one/],
    ];
    for (const [headers, sentence] of calls) {
      const error = await client
        .getRoom({ room: { case: "roomId", value: 1n } }, { headers })
        .then(() => expect.unreachable(), ConnectError.from);
      expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(sentence) });
      expect(error.metadata.get("www-authenticate")).toBe("Bearer");
    }
  });

  test("a stream likewise", async () => {
    const stream = chatClient(protocol, service.url).streamMessage({ roomIds: [1n] });
    const error = await stream[Symbol.asyncIterator]()
      .next()
      .then(() => expect.unreachable(), ConnectError.from);
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(/there is no token/) });
  });
});

test("HTTP says 401, and how to authenticate", async () => {
  const { status, headers } = await http1(service.url, {
    path: "/chat_grpc.ChatService/GetRoom",
    headers: { "content-type": "application/json" },
    body: Buffer.from("{}"),
  });
  expect(status).toBe(401);
  expect(headers["www-authenticate"]).toBe("Bearer");
});

test("health needs no token", async () => {
  const { status, body } = await http1(service.url, {
    path: "/grpc.health.v1.Health/Check",
    headers: { "content-type": "application/json", authorization: "Bearer a.b.c" },
    body: Buffer.from("{}"),
  });
  expect(status).toBe(200);
  expect(JSON.parse(body.toString())).toEqual({ status: "SERVING" });
});
