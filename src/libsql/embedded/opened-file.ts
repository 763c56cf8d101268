import { statSync } from "node:fs";

/** Tells whether a path still leads to the file that was opened: what is written to a file without a name is lost. */
export class OpenedFile {
  readonly #path: string;
  #identity: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws if it doesn't. The first check says which file it is. */
  check(): void {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    const identity = found && `${found.dev}:${found.ino}`;
    this.#identity ??= identity;
    if (identity === undefined || identity !== this.#identity) {
      throw new Error(`${this.#path} was ${found ? "replaced" : "removed"} while it was open`);
    }
  }

  /** As check(), if there was one: a file that doesn't exist yet can be opened. */
  checkAgain(): void {
    if (this.#identity !== undefined) this.check();
  }
}
