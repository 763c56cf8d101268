import type { Caller } from "../chat/caller.ts";
import { limitReached } from "../chat/errors.ts";
import type { Limits } from "../chat/limits.ts";
import { tokenRevoked } from "../rpc/errors.ts";
import type { StreamGate } from "../rpc/stream-gate.ts";
import type { RevocationWatch } from "./revocation-watch.ts";

/** How often the revocations are looked at while users have streams, in milliseconds. */
const LOOK_MS = 500;

interface Entry {
  readonly caller: Caller;
  readonly end: (reason: unknown) => void;
}

/** The gate of a process that all of its streams go through. Revocations through other processes are looked for. */
export class ProcessGate implements StreamGate {
  readonly #revocations: Pick<RevocationWatch, "fresh" | "tokensFrom">;
  readonly #limits: Limits;
  readonly #entered = new Map<string, Set<Entry>>();
  #looks: ReturnType<typeof setInterval> | undefined;

  constructor(revocations: Pick<RevocationWatch, "fresh" | "tokensFrom">, limits: Limits) {
    this.#revocations = revocations;
    this.#limits = limits;
  }

  async enter(caller: Caller, end: (reason: unknown) => void): Promise<Disposable> {
    if (caller.kind !== "user" && caller.kind !== "viewer") return NO_PASS;
    const key = `${caller.userId}/${caller.name}`;
    const streams = this.#entered.get(key) ?? new Set();
    const limit = streamLimit(caller);
    if (streams.size >= this.#limits[limit]) throw tooManyStreams(limit, this.#limits);
    const entry = { caller, end };
    this.#entered.set(key, streams.add(entry));
    this.#looks ??= setInterval(() => void this.#look(), LOOK_MS);
    return { [Symbol.dispose]: () => this.#leave(key, streams, entry) };
  }

  async revoked(userId: bigint, issuedBefore: number): Promise<void> {
    this.#endRevoked((caller) => caller.userId === userId && caller.issuedAt! < issuedBefore);
  }

  #leave(key: string, streams: Set<Entry>, entry: Entry): void {
    streams.delete(entry);
    if (streams.size === 0 && this.#entered.get(key) === streams) this.#entered.delete(key);
    if (this.#entered.size > 0) return;
    clearInterval(this.#looks);
    this.#looks = undefined;
  }

  async #look(): Promise<void> {
    try {
      await this.#revocations.fresh();
    } catch {
      return; // the next look tells
    }
    this.#endRevoked(({ userId, issuedAt }) => issuedAt! < this.#revocations.tokensFrom(userId));
  }

  #endRevoked(isRevoked: (caller: Caller) => boolean): void {
    for (const streams of [...this.#entered.values()]) {
      for (const { caller, end } of [...streams]) if (caller.userId !== 0n && isRevoked(caller)) end(tokenRevoked());
    }
  }
}

/** Of backends nothing is counted, and nothing revoked. */
export const NO_PASS: Disposable = { [Symbol.dispose]() {} };

/** The limit of streams that holds for a user, or for the holders of a token without one. */
export function streamLimit({ userId }: Caller): "userStreams" | "viewStreams" {
  return userId === 0n ? "viewStreams" : "userStreams";
}

export function tooManyStreams(limit: "userStreams" | "viewStreams", limits: Limits): Error {
  const whose = limit === "userStreams" ? "of the user" : "with this token";
  return limitReached(limit, `${limits[limit]} streams ${whose} are open; follow all rooms with one, or close others`);
}
