import { describe } from "vitest";
import { pipelineContract } from "../contract/pipeline.ts";
import { PAGE } from "../node/raw.ts";
import { startDenoService } from "../support/deno-service.ts";
import { LoggedCalls } from "../support/logged-calls.ts";

describe("Deno", () => {
  pipelineContract(async () => {
    const calls = new LoggedCalls();
    const service = await startDenoService({ LOG_LEVEL: "info", CORS_ORIGINS: PAGE }, calls.read);
    return { ...service, seen: (requestId) => calls.of(requestId) };
  });
});
