import { describe } from "vitest";
import { quotaContract } from "../contract/quotas.ts";
import { startNodeService } from "../support/node-service.ts";

describe("Node", () => quotaContract(startNodeService));
