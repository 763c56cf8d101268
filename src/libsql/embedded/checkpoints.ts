import { setTimeout } from "node:timers";
import type { Checkpoint, CheckpointMode } from "./connection.ts";

/** How often to look what was written, in milliseconds. */
const LOOK_MS = 1_000;
/** How long writes may go on without a checkpoint, in milliseconds, and the pages that they may leave in the WAL, about. */
const LONGEST_PAUSE_MS = 10_000;
const WAL_PAGES = 8_000;

/**
 * Moves what writes have left in the WAL into the file, in a thread that no write waits for; seldom all the same, since
 * a write waits for the disk meanwhile. When nothing was written for a while, the WAL is emptied: it still has the texts
 * that were deleted.
 */
export class Checkpoints {
  readonly #run: (mode: CheckpointMode) => Promise<Checkpoint>;
  #writes = 0;
  #seen = 0;
  #last = performance.now();
  #pauseMs = LOOK_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(run: (mode: CheckpointMode) => Promise<Checkpoint>) {
    this.#run = run;
  }

  wrote(): void {
    this.#writes++;
    if (!this.#isStopped) this.#timer ??= this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** It keeps no process alive. */
  #start(): NodeJS.Timeout {
    return setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const writes = this.#writes;
    const isIdle = writes === this.#seen;
    this.#seen = writes;
    const isWhole = await this.#checkpoint(isIdle).catch(() => false);
    const isDone = isIdle && isWhole && writes === this.#writes;
    this.#timer = isDone || this.#isStopped ? undefined : this.#start();
  }

  /** Whether all of the WAL was moved. */
  async #checkpoint(isIdle: boolean): Promise<boolean> {
    const sinceLast = performance.now() - this.#last;
    if (!isIdle && sinceLast < this.#pauseMs) return false;
    this.#last = performance.now();
    const { pages, isWhole } = await this.#run(isIdle ? "TRUNCATE" : "PASSIVE");
    const pauseMs = (sinceLast * WAL_PAGES) / Math.max(pages, 1);
    this.#pauseMs = Math.min(Math.max(pauseMs, LOOK_MS), LONGEST_PAUSE_MS);
    return isWhole;
  }
}
