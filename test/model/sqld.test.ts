import { describe } from "vitest";
import { startNodeService } from "../support/node-service.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { conversationModel } from "./conversation-model.ts";

describe.skipIf(noSqld)("", () => {
  conversationModel("sqld", async (env) => {
    const sqld = await Sqld.start();
    const running = await startNodeService({ ...env, DATABASE_URL: sqld.url });
    return {
      ...running,
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        await sqld.stop();
      },
    };
  });
});
