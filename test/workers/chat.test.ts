import { describe } from "vitest";
import { migrate } from "../../src/libsql/migrations.ts";
import { RemoteDatabase } from "../../src/libsql/remote.ts";
import { chatContract } from "../contract/chat.ts";
import { conversationContract } from "../contract/conversation.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { startWranglerDev } from "../support/wrangler-dev.ts";

describe.skipIf(noSqld)("wrangler dev with sqld", () => {
  const start = async () => {
    await using stack = new AsyncDisposableStack();
    const sqld = stack.use(await Sqld.start());
    await migrate(new RemoteDatabase(sqld.url));
    const { url } = stack.use(await startWranglerDev(sqld.url));
    const resources = stack.move();
    return { url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  };
  runtimeContract("Workers", start, ["Connect JSON", "Connect binary", "gRPC-Web"], chatContract, conversationContract);
});
