import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { chatContract } from "../contract/chat.ts";
import { conversationContract } from "../contract/conversation.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { socketExchange } from "../node/raw.ts";
import { chatClient } from "../support/clients.ts";
import { startDenoService } from "../support/deno-service.ts";
import { newRoom } from "../support/rooms.ts";
import { TestStream } from "../support/test-stream.ts";

const protocols = ["Connect JSON", "Connect binary", "gRPC-Web"] as const;
runtimeContract("Deno", () => startDenoService(), protocols, chatContract, conversationContract);

test("Deno refuses HTTP/2 with words, since its own ends the process", async () => {
  await using service = await startDenoService();
  const answer = await socketExchange(service.url, ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
  expect(answer.toString()).toMatch(/^HTTP\/1.1 505 .*HTTP\/1.1/s);
});

test("Deno drains at SIGTERM: streams end with UNAVAILABLE, the process with 0", async () => {
  await using service = await startDenoService();
  const client = chatClient("Connect JSON", service.url);
  const { roomId, owner } = await newRoom(client);
  await using stream = new TestStream(client, { roomIds: [roomId], userId: owner });
  await stream.live;
  const stopped = service.stop();
  expect((await stream.ended)?.code).toBe(Code.Unavailable);
  expect(await stopped).toBe(0);
});
