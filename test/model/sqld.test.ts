import { describe } from "vitest";
import { noSqld } from "../support/sqld.ts";
import { conversationModel } from "./conversation-model.ts";
import { onSqld, startInThisProcess } from "./servers.ts";

describe.skipIf(noSqld)("", () => {
  conversationModel("sqld", onSqld(startInThisProcess));
});
