import type { Limits } from "../chat/limits.ts";
import type { Revocations, UserStore } from "../chat/user-store.ts";
import { SharedRead } from "./shared-read.ts";

/** How old may be what is known of revocations, in milliseconds. */
const FRESH_MS = 1_000;

/**
 * The revocations of a process: a cursor on those in the database, which it reads when somebody asks. What was revoked
 * before its first look it doesn't know; who signs in after a {@link fresh} hears that from the database.
 */
export class RevocationWatch {
  readonly #users: Pick<UserStore, "revocations">;
  readonly #maxUsers: number;
  readonly #reads: SharedRead;
  /** By user, in the order in which they were heard of. */
  readonly #tokensFrom = new Map<bigint, number>();
  /** For users of whom nothing is known: the newest time that was forgotten. */
  #forgotten = 0;
  #position: { readonly epoch: string; readonly number: bigint } | undefined;

  constructor(users: Pick<UserStore, "revocations">, { revokedUsers }: Pick<Limits, "revokedUsers">) {
    this.#users = users;
    this.#maxUsers = revokedUsers;
    this.#reads = new SharedRead(() => this.#read(), { lostMs: FRESH_MS, pauseMs: 0 });
  }

  /**
   * Sees to it that what is known is at most 1 s old: a promise, if that needs a look at the database, of which there is one at
   * a time. Rejects with UNAVAILABLE if the database can't be reached.
   */
  fresh(): Promise<void> | undefined {
    return this.#reads.age > FRESH_MS ? this.#reads.renew(FRESH_MS) : undefined;
  }

  /** From when on a user's tokens count, as far as it is known; in milliseconds since 1970. */
  tokensFrom(userId: bigint): number {
    return this.#tokensFrom.get(userId) ?? this.#forgotten;
  }

  async #read(): Promise<void> {
    for (let isWhole = false; !isWhole; ) {
      const position = this.#position;
      const revocations = await this.#users.revocations(position?.number);
      const isOfEpoch = position === undefined || revocations.epoch === position.epoch;
      if (isOfEpoch) this.#learn(revocations, position?.number);
      // The database was restored: what was revoked in it since is to be heard of from the beginning.
      else this.#position = { epoch: revocations.epoch, number: 0n };
      isWhole = isOfEpoch && revocations.isWhole;
    }
  }

  #learn({ epoch, number, of }: Revocations, after: bigint | undefined): void {
    // A newer number without those before it is no news: who signed in meanwhile would miss them.
    if (this.#position && (after === undefined || number <= this.#position.number)) return;
    this.#position = { epoch, number };
    for (const { userId, tokensFrom } of of) {
      const known = this.#tokensFrom.get(userId) ?? 0;
      this.#tokensFrom.delete(userId);
      this.#tokensFrom.set(userId, Math.max(known, tokensFrom));
    }
    for (const [userId, tokensFrom] of this.#tokensFrom) {
      if (this.#tokensFrom.size <= this.#maxUsers) break;
      this.#tokensFrom.delete(userId);
      this.#forgotten = Math.max(this.#forgotten, tokensFrom);
    }
  }
}
