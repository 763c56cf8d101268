import type { ChangedMembers } from "./changed-rooms.ts";
import type { ChatStore, Position } from "./store.ts";

/** How far the pause between looks grows while they fail, in milliseconds, if it isn't longer in any case. */
const LONGEST_PAUSE_MS = 4_000;
/** Rooms up to which the database is asked for these alone. */
const FEW_ROOMS = 50;

/** Whoever follows rooms, and has to hear how far they have got. */
export interface HeadListener {
  /** The rooms that are followed, and how many. */
  roomIds(): Iterable<bigint>;
  readonly size: number;
  /** Whether it has to hear of all rooms, and of all memberships, that change. */
  readonly watchesAll: boolean;
  hearHead(roomId: bigint, head: Position, revision: bigint): void;
  hearDeleted(roomId: bigint): void;
  hearMembers(members: ChangedMembers): void;
  /** Something was committed, whatever it was. */
  hearRevision?(revision: bigint): void;
  /** The database is another one than before: no number counts any more. */
  hearReset(): void;
}

/**
 * Looks which rooms have changed, once for all readers of a process: whatever was committed by others, or got lost on
 * its way here, is heard of at the next look.
 */
export class HeadWatch {
  readonly #store: Pick<ChatStore, "changedRooms">;
  readonly #listener: HeadListener;
  readonly #intervalMs: number;
  #epoch = "";
  /** All that changed up to here has been heard of. */
  #revision = 0n;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs: number;
  /** Tells a look that was under way when the watch was stopped from one of now. */
  #run = 0;

  constructor(store: Pick<ChatStore, "changedRooms">, listener: HeadListener, intervalMs: number) {
    this.#store = store;
    this.#listener = listener;
    this.#intervalMs = intervalMs;
    this.#pauseMs = intervalMs;
  }

  /** Watches from a revision on, if it doesn't watch already. */
  start(epoch: string, revision: bigint): void {
    if (this.#timer !== undefined) return;
    this.#epoch = epoch;
    this.#revision = revision;
    this.#pauseMs = this.#intervalMs;
    this.#schedule(++this.#run);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run++;
  }

  #schedule(run: number): void {
    this.#timer = setTimeout(() => void this.#look(run), this.#pauseMs);
  }

  async #look(run: number): Promise<void> {
    try {
      while (this.#run === run && !(await this.#hear(run))) {}
      this.#pauseMs = this.#intervalMs;
    } catch {
      this.#pauseMs = Math.min(2 * this.#pauseMs, Math.max(LONGEST_PAUSE_MS, this.#intervalMs));
    }
    if (this.#run === run) this.#schedule(run);
  }

  /** Asks for a page of rooms; whether it was the last. */
  async #hear(run: number): Promise<boolean> {
    const isAboutFew = !this.#listener.watchesAll && this.#listener.size <= FEW_ROOMS;
    const among = isAboutFew ? [...this.#listener.roomIds()] : undefined;
    const changed = await this.#store.changedRooms(this.#revision, among);
    const { epoch, revision, rooms, deleted, members, isWhole } = changed;
    if (this.#run !== run) return true;
    if (epoch !== this.#epoch || revision < this.#revision) {
      this.#epoch = epoch;
      this.#revision = revision;
      this.#listener.hearReset();
      return true;
    }
    for (const { roomId, head, revision } of rooms) this.#listener.hearHead(roomId, head, revision);
    for (const roomId of deleted) this.#listener.hearDeleted(roomId);
    if (members) this.#listener.hearMembers(members);
    if (revision > this.#revision) this.#listener.hearRevision?.(revision);
    const asked = among && new Set(among);
    // Of what has been followed since the question nothing is told, and that time is asked for again.
    const hasToldAll =
      !asked || (!this.#listener.watchesAll && [...this.#listener.roomIds()].every((roomId) => asked.has(roomId)));
    if (hasToldAll) this.#revision = revision;
    return isWhole;
  }
}
