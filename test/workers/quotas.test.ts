import { describe } from "vitest";
import { quotaContract } from "../contract/quotas.ts";
import { startWranglerDev } from "../support/wrangler-dev.ts";

describe("wrangler dev", () => quotaContract((vars) => startWranglerDev({ vars }), { noticesLeaving: false }));
