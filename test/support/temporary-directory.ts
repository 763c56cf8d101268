import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that goes, with all that is in it, when it is disposed. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDirectory(parent = tmpdir()): Promise<TemporaryDirectory> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, "roomlog-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
