import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { ChatService } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { trust } from "../../src/auth/trust.ts";
import type { ChatParts } from "../../src/chat/service.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { createRpcs } from "../../src/rpc/rpcs.ts";
import { pipelineContract } from "../contract/pipeline.ts";
import { startNodeService } from "../support/node-service.ts";
import { PAGE } from "./raw.ts";

describe("Node", () => {
  pipelineContract(
    async () => {
      const seen = new Map<string, number>();
      const service = await startNodeService({ CORS_ORIGINS: PAGE, LOG_LEVEL: "warning" }, (call) => {
        seen.set(call.requestId, (seen.get(call.requestId) ?? 0) + 1);
        return trust(call);
      });
      return { ...service, seen: (requestId) => seen.get(requestId) ?? 0 };
    },
    { carriesHttp2: true },
  );
});

test("[P8] an exchange is seen once, and its record tells how it ended", async () => {
  const seen: string[] = [];
  await using service = await startNodeService({}, (call) => {
    seen.push(call.rpc.method.name);
    return trust(call);
  });
  const reflection = createClient(ServerReflection, createGrpcTransport({ baseUrl: service.url }));
  const left = new AbortController();
  async function* requests() {
    yield { messageRequest: { case: "listServices", value: "" } as const };
    await new Promise((resolve) => left.signal.addEventListener("abort", resolve));
  }
  const answers = reflection.serverReflectionInfo(requests(), { signal: left.signal });
  for await (const { messageResponse } of answers) {
    expect(messageResponse.case).toBe("listServicesResponse");
    break;
  }
  left.abort();
  const late = reflection.serverReflectionInfo(requests(), { timeoutMs: 200 });
  await expect(
    (async () => {
      for await (const _ of late);
    })(),
  ).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  expect(seen).toEqual(["ServerReflectionInfo", "ServerReflectionInfo"]);
});

test("[P8] every RPC of the services has its row, which says who may call it, and where its request names the caller", () => {
  const rpcs = createRpcs({} as ChatParts, new Readiness(async () => {}), "services");
  const rows = new Map(rpcs.map((rpc) => [`${rpc.method.parent.typeName}/${rpc.method.name}`, rpc]));
  expect(rows.size).toBe(rpcs.length);
  for (const method of [...ChatService.methods, ...Health.methods]) {
    const row = rows.get(`${method.parent.typeName}/${method.name}`)!;
    expect(row, method.name).toBeDefined();
    if (row.caller) expect(method.input.field, method.name).toHaveProperty(row.caller);
    expect(row.may.includes("anyone"), method.name).toBe(method.parent === Health);
  }
});

test("[P5] users open rooms, and let others in, only where ROOM_CREATION=users", () => {
  const mayUsers = (roomCreation: "services" | "users") => {
    const rows = createRpcs({} as ChatParts, new Readiness(async () => {}), roomCreation);
    return [ChatService.method.createChatRoom, ChatService.method.addMember].map((method) => {
      return rows.find((row) => row.method === method)!.may.some((who) => who === "user" || who === "owner");
    });
  };
  expect(mayUsers("services")).toEqual([false, false]);
  expect(mayUsers("users")).toEqual([true, true]);
});

test("[P8] an RPC without a row can't be called, and a row that isn't public not without a caller", async () => {
  await using service = await startNodeService({}, () => undefined);
  const call = (path: string) =>
    fetch(service.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  const unknown = await call("/chat_grpc.ChatService/ReadMinds");
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: "unimplemented" }]);
  for (const { name, methodKind } of ChatService.methods) {
    if (methodKind !== "unary") continue;
    const refused = await call(`/chat_grpc.ChatService/${name}`);
    expect([name, refused.status, await refused.json()]).toMatchObject([name, 401, { code: "unauthenticated" }]);
  }
  expect((await call("/grpc.health.v1.Health/Check")).status).toBe(200);
});
