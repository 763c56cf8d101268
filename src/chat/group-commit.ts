import { Code, ConnectError } from "@connectrpc/connect";
import { LIMITS, type Limits } from "./limits.ts";
import type { ChatStore, Commit, RoomChange } from "./store.ts";
import { dataCharacters } from "./struct-data.ts";

/** A transaction that changes were committed in, and where in it their outcomes begin. */
export interface Part {
  readonly commit: Commit;
  readonly first: number;
}

interface Waiting {
  readonly changes: readonly RoomChange[];
  readonly weight: number;
  readonly characters: number;
  readonly beginBy: number;
  readonly resolve: (part: Part) => void;
  readonly reject: (reason: unknown) => void;
}

export interface GroupCommitOptions {
  /**
   * Resolves when changes that have arrived, but not yet here, have had their turn: a turn of the event loop, which
   * doubles the groups of a busy server for next to no delay. A change that comes alone, after another that did, doesn't
   * wait for it.
   */
  readonly gather?: () => Promise<void>;
  /** Is told of a transaction before those whose changes are in it. */
  readonly onCommit?: (commit: Commit) => void;
  readonly limits?: Limits;
}

/** One transaction is under way at a time, and all changes that arrive meanwhile share the next one. */
export class GroupCommit {
  readonly #store: Pick<ChatStore, "commit">;
  readonly #gather: () => Promise<void>;
  readonly #onCommit: (commit: Commit) => void;
  readonly #limits: Limits;
  #waiting: Waiting[] = [];
  #waitingChanges = 0;
  #waitingCharacters = 0;
  #running = false;
  /** Whether changes came together last time. */
  #isBusy = false;

  constructor(
    store: Pick<ChatStore, "commit">,
    { gather = async () => {}, onCommit = () => {}, limits = LIMITS }: GroupCommitOptions = {},
  ) {
    this.#store = store;
    this.#gather = gather;
    this.#onCommit = onCommit;
    this.#limits = limits;
  }

  /** Has changes committed, all in one transaction, unless it can't begin by a time of Date.now(). */
  commit(changes: readonly RoomChange[], beginBy = Number.POSITIVE_INFINITY): Promise<Part> {
    const { waitingChanges, waitingCharacters } = this.#limits;
    if (this.#waitingChanges >= waitingChanges || this.#waitingCharacters > waitingCharacters) {
      return Promise.reject(tooMany("too many changes are waiting; try again in a second"));
    }
    return new Promise((resolve, reject) => {
      const waiting = {
        changes,
        weight: weightOf(changes),
        characters: charactersOf(changes),
        beginBy,
        resolve,
        reject,
      };
      this.#waiting.push(waiting);
      this.#waitingChanges += waiting.weight;
      this.#waitingCharacters += waiting.characters;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      if (this.#isBusy) await this.#gather();
      this.#isBusy = this.#waiting.length > 1;
      const group = this.#takeGroup();
      if (group.length === 0) continue;
      const changes = group.length === 1 ? group[0]!.changes : group.flatMap((waiting) => waiting.changes);
      let commit: Commit;
      try {
        commit = await this.#store.commit(changes);
      } catch (reason) {
        // Those who wait would meet the same, one group after the other, each only after its own timeout.
        const isAway = reason instanceof ConnectError && reason.code === Code.Unavailable;
        for (const { reject } of isAway ? [...group, ...this.#take(this.#waiting.length)] : group) reject(reason);
        continue;
      }
      this.#onCommit(commit);
      let first = 0;
      for (const waiting of group) {
        waiting.resolve({ commit, first });
        first += waiting.changes.length;
      }
    }
    this.#running = false;
  }

  /** Those who come next, as many as may share a transaction; who has waited for too long is told so. */
  #takeGroup(): Waiting[] {
    const { commitChanges, commitCharacters } = this.#limits;
    let [count, characters] = [0, 0];
    const end = this.#waiting.findIndex((waiting, i) => {
      count += waiting.weight;
      characters += waiting.characters;
      return i > 0 && (count > commitChanges || characters > commitCharacters);
    });
    const now = Date.now();
    return this.#take(end === -1 ? this.#waiting.length : end).filter(({ beginBy, reject }) => {
      if (now <= beginBy) return true;
      reject(tooMany("the changes before it took too long; try again in a second"));
      return false;
    });
  }

  #take(count: number): Waiting[] {
    const taken = this.#waiting.splice(0, count);
    for (const { weight, characters } of taken) {
      this.#waitingChanges -= weight;
      this.#waitingCharacters -= characters;
    }
    return taken;
  }
}

function tooMany(message: string): ConnectError {
  return new ConnectError(message, Code.Unavailable);
}

/** How many changes they are: one that adds users is as many as it adds. */
function weightOf(changes: readonly RoomChange[]): number {
  return changes.reduce((total, { value }) => total + ("userIds" in value ? value.userIds.length : 1), 0);
}

function charactersOf(changes: readonly RoomChange[]): number {
  return changes.reduce((total, { value }) => {
    const data = "data" in value ? dataCharacters(value.data) : 0;
    return total + data + ("body" in value ? value.body.length : 0);
  }, 0);
}
