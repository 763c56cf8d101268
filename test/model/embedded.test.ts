import { vi } from "vitest";
import { startNodeService } from "../support/node-service.ts";
import { conversationModel } from "./conversation-model.ts";

// Small, so that a short history fills pages, inboxes and commits.
vi.mock("../../src/chat/limits.ts", async (original) => {
  return { ...(await original<object>()), PAGE_CHANGES: 6, INBOX_CHANGES: 8, COMMIT_CHANGES: 4 };
});

conversationModel("an embedded file", startNodeService);
