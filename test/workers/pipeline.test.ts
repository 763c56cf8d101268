import { describe } from "vitest";
import { pipelineContract } from "../contract/pipeline.ts";
import { PAGE } from "../node/raw.ts";
import { LoggedCalls } from "../support/logged-calls.ts";
import { storages } from "../support/workers-service.ts";

for (const { name, isSkipped, start } of storages) {
  describe.skipIf(isSkipped)(`wrangler dev with ${name}`, () => {
    pipelineContract(
      async () => {
        const calls = new LoggedCalls();
        const service = await start({ vars: { CORS_ORIGINS: PAGE }, onLine: calls.read });
        return {
          url: service.url,
          seen: (requestId) => calls.of(requestId),
          [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
        };
      },
      { noticesLeaving: false },
    );
  });
}
