import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import type { Service } from "../contract/runtime.ts";
import { noSqld, Sqld } from "./sqld.ts";
import { startWranglerDev, type WranglerDevOptions } from "./wrangler-dev.ts";

interface Storage {
  readonly name: string;
  readonly isSkipped: boolean;
  /** `wrangler dev` with a fresh log. */
  start(options?: WranglerDevOptions): Promise<Service>;
}

/** Where Workers may keep the log. */
export const storages: readonly Storage[] = [
  { name: "own storage", isSkipped: false, start: startWranglerDev },
  {
    name: "sqld",
    isSkipped: noSqld !== false,
    async start(options) {
      await using stack = new AsyncDisposableStack();
      const sqld = stack.use(await Sqld.start());
      await migrate(new HttpDatabase(sqld.url));
      const { url } = stack.use(await startWranglerDev({ ...options, databaseUrl: sqld.url }));
      const resources = stack.move();
      return { url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
    },
  },
];
