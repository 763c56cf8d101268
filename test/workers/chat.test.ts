import { afterEach, describe } from "vitest";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { chatContract } from "../contract/chat.ts";
import { conversationContract } from "../contract/conversation.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { startWranglerDev } from "../support/wrangler-dev.ts";

describe.skipIf(noSqld)("wrangler dev with sqld", () => {
  let sqld: Sqld;
  const start = async () => {
    await using stack = new AsyncDisposableStack();
    sqld = stack.use(await Sqld.start());
    await migrate(new HttpDatabase(sqld.url));
    const { url } = stack.use(await startWranglerDev(sqld.url));
    const resources = stack.move();
    return { url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  };

  // When writers race on a busy machine, sqld can come to hold its write lock for good, while it still reads. That fails
  // one test; the others, which would fail for no fault of their own, get an sqld that was started again.
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail" || (await takesWrites(sqld))) return;
    console.warn(`sqld took no more writes after "${task.name}", and is started again`);
    await sqld.kill();
    await sqld.restart();
  });

  runtimeContract(
    "Workers",
    () => start(),
    ["Connect JSON", "Connect binary", "gRPC-Web"],
    chatContract,
    conversationContract,
  );
});

async function takesWrites({ url }: Sqld): Promise<boolean> {
  try {
    await new HttpDatabase(url, undefined, 15_000).write([{ sql: "SELECT 1", args: [] }]);
    return true;
  } catch {
    return false;
  }
}
