import { LIMITS, type Limits } from "../chat/limits.ts";
import type { Database } from "./database.ts";

/**
 * `file:` opens or creates a file of this machine; `http:`, `https:` and `libsql:` are servers. What one kind needs is
 * loaded with it: the client for servers takes as much memory as the rest of a small server.
 */
export async function openDatabase(
  url: string,
  authToken?: string,
  { databaseMs, databaseReads }: Pick<Limits, "databaseMs" | "databaseReads"> = LIMITS,
): Promise<Database> {
  if (url.startsWith("file:")) {
    const { EmbeddedDatabase } = await import("./embedded/database.ts");
    return EmbeddedDatabase.open(url, databaseMs);
  }
  const { RemoteDatabase } = await import("./remote/database.ts");
  return new RemoteDatabase(url, authToken, databaseMs, databaseReads);
}
