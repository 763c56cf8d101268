import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { chatContract } from "../contract/chat.ts";
import { conversationContract } from "../contract/conversation.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { chatClient, freshId } from "../support/clients.ts";
import { startDenoService } from "../support/deno-service.ts";
import { TestStream } from "../support/test-stream.ts";

const protocols = ["Connect JSON", "Connect binary", "Connect over h2", "gRPC-Web", "gRPC"] as const;
runtimeContract("Deno", startDenoService, protocols, chatContract, conversationContract);

test("Deno drains at SIGTERM: streams end with UNAVAILABLE, the process with 0", async () => {
  await using service = await startDenoService();
  const client = chatClient("gRPC", service.url);
  const userId = freshId();
  const { id } = await client.createChatRoom({ postId: freshId(), userId });
  await using stream = new TestStream(client, { roomIds: [id], userId });
  await stream.live;
  const stopped = service.stop();
  expect((await stream.ended)?.code).toBe(Code.Unavailable);
  expect(await stopped).toBe(0);
});
