import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { accessContract, REVOKED_MS } from "../contract/access.ts";
import { chatClient, freshId } from "../support/clients.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { startNodeService } from "../support/node-service.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { TestStream } from "../support/test-stream.ts";
import { storages } from "../support/workers-service.ts";
import { startWranglerDev } from "../support/wrangler-dev.ts";

for (const { name, isSkipped, start } of storages) {
  describe.skipIf(isSkipped)(`wrangler dev with ${name}`, () => accessContract((vars) => start({ vars })));
}

test("a Worker for which nobody has decided who may call answers every call with what to set", async () => {
  await using service = await startWranglerDev({ vars: { AUTH: "" } });
  const answer = await fetch(`${service.url}/chat_grpc.ChatService/GetRoom`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"roomId":"1","userId":"1"}',
  });
  expect(await answer.json()).toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(/AUTH=jwt.*AUTH=trust/s),
  });
});

test.skipIf(noSqld)("[P8] a token that is revoked through a Node server ends its streams on Workers too", async () => {
  await using provider = await IdentityProvider.start();
  await using sqld = await Sqld.start();
  const env = { ...provider.env, API_KEYS: "k".repeat(43) };
  await using node = await startNodeService({ ...env, DATABASE_URL: sqld.url });
  await using workers = await startWranglerDev({ vars: env, databaseUrl: sqld.url });
  const backend = chatClient("Connect JSON", node.url, env.API_KEYS);
  const userId = freshId();
  const { id: roomId } = await backend.createChatRoom({ postId: freshId(), userId });
  const client = chatClient("Connect JSON", workers.url, await provider.token({ sub: `${userId}` }));
  await client.sendMessage({ roomId, body: "hello" });
  await using stream = new TestStream(client, { roomIds: [roomId], afterSeq: { [`${roomId}`]: 0n } });
  await stream.take(1);
  const started = performance.now();
  await backend.revokeTokens({ user: { case: "userId", value: userId } });
  expect(await stream.ended).toMatchObject({
    code: Code.Unauthenticated,
    rawMessage: expect.stringContaining("revoked"),
  });
  expect(performance.now() - started).toBeLessThan(REVOKED_MS);
});
