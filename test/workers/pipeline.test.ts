import { describe } from "vitest";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { pipelineContract } from "../contract/pipeline.ts";
import { PAGE } from "../node/raw.ts";
import { LoggedCalls } from "../support/logged-calls.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { startWranglerDev } from "../support/wrangler-dev.ts";

describe.skipIf(noSqld)("wrangler dev with sqld", () => {
  pipelineContract(
    async () => {
      await using stack = new AsyncDisposableStack();
      const calls = new LoggedCalls();
      const sqld = stack.use(await Sqld.start());
      await migrate(new HttpDatabase(sqld.url));
      const options = { vars: { CORS_ORIGINS: PAGE }, onLine: calls.read };
      const { url } = stack.use(await startWranglerDev(sqld.url, options));
      const resources = stack.move();
      return {
        url,
        seen: (requestId) => calls.of(requestId),
        [Symbol.asyncDispose]: () => resources.disposeAsync(),
      };
    },
    { noticesLeaving: false },
  );
});
