import type { Database } from "../src/libsql/database.ts";

type Method = (this: Database, ...params: unknown[]) => unknown;

/**
 * Counts what is asked of this process's database from now on; each read(), write() and ping() is one request. At the
 * prototype, since the server opens its database itself; and that of its own kind alone, as the server loads no other.
 */
export async function countRequests(databaseUrl: string): Promise<() => number> {
  let requests = 0;
  const { prototype } = databaseUrl.startsWith("file:")
    ? (await import("../src/libsql/embedded/database.ts")).EmbeddedDatabase
    : (await import("../src/libsql/remote/database.ts")).RemoteDatabase;
  const methods = prototype as unknown as Record<string, Method | undefined>;
  for (const name of ["read", "write", "ping"]) {
    const method = methods[name];
    if (!method) throw new Error(`the database has no ${name}()`);
    methods[name] = function (...params) {
      requests++;
      return method.apply(this, params);
    };
  }
  return () => requests;
}
