import { describe } from "vitest";
import { accessContract } from "../contract/access.ts";
import { startNodeService } from "../support/node-service.ts";

describe("Node", () => accessContract(startNodeService));
