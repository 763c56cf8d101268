import { describe } from "vitest";
import { chatContract } from "../contract/chat.ts";
import { conversationContract } from "../contract/conversation.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { storages } from "../support/workers-service.ts";

for (const { name, isSkipped, start } of storages) {
  describe.skipIf(isSkipped)(`wrangler dev with ${name}`, () => {
    runtimeContract(
      "Workers",
      () => start(),
      ["Connect JSON", "Connect binary", "gRPC-Web"],
      chatContract,
      conversationContract,
    );
  });
}
