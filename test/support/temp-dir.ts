import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that is deleted with all that is in it. */
export async function tempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "roomlog-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
