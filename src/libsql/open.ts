import type { Database } from "./database.ts";
import { EmbeddedDatabase } from "./embedded.ts";
import { RemoteDatabase } from "./remote.ts";

/** `file:` opens or creates a file of this machine; `http:`, `https:` and `libsql:` are servers. */
export async function openDatabase(url: string, authToken?: string, timeoutMs?: number): Promise<Database> {
  return url.startsWith("file:")
    ? EmbeddedDatabase.open(url, timeoutMs)
    : new RemoteDatabase(url, authToken, timeoutMs);
}
