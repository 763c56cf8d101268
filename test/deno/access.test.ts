import { describe } from "vitest";
import { accessContract } from "../contract/access.ts";
import { startDenoService } from "../support/deno-service.ts";

describe("Deno", () => accessContract(startDenoService));
