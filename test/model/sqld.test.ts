import { describe, vi } from "vitest";
import { startNodeService } from "../support/node-service.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { conversationModel } from "./conversation-model.ts";

// Small, so that a short history fills pages, inboxes and commits.
vi.mock("../../src/chat/limits.ts", async (original) => {
  return { ...(await original<object>()), PAGE_CHANGES: 6, INBOX_CHANGES: 8, COMMIT_CHANGES: 4 };
});

describe.skipIf(noSqld)("", () => {
  conversationModel("sqld", async () => {
    const sqld = await Sqld.start();
    const running = await startNodeService({ DATABASE_URL: sqld.url });
    return {
      ...running,
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        await sqld.stop();
      },
    };
  });
});
