import { describe } from "vitest";
import { quotaContract } from "../contract/quotas.ts";
import { startDenoService } from "../support/deno-service.ts";

describe("Deno", () => quotaContract(startDenoService));
