import { describe } from "vitest";
import { noSqld } from "../support/sqld.ts";
import { conversationModel } from "./conversation-model.ts";
import { onOneFile, onSqld, startTwoProcesses } from "./servers.ts";

conversationModel("two processes on an embedded file", onOneFile(startTwoProcesses));

describe.skipIf(noSqld)("", () => {
  conversationModel("two processes on sqld", onSqld(startTwoProcesses));
});
