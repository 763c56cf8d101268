import type { Caller } from "./caller.ts";
import { rateLimited } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** What a caller may do only so often. */
export type QuotaName = "sends" | "rooms" | "members" | "signals" | "pages";

/**
 * How often each may do something: so many times in a while, and so many at once. Its memory is bounded: of many keys it
 * forgets those that were last used longest ago, which may then begin anew.
 */
export class Quota {
  readonly #limit: keyof Limits;
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #burst: number;
  readonly #maxKeys: number;
  /** By key, the one used last at the end: when all that was taken will have been given back. */
  readonly #dues = new Map<string, number>();

  /** @param limit the name of `rate`, times in `perMs` milliseconds, which errors tell */
  constructor(limit: keyof Limits, perMs: number, burst: number, { [limit]: rate, quotaKeys }: Limits) {
    this.#limit = limit;
    this.#intervalMs = perMs / rate;
    this.#burst = burst;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
    this.#maxKeys = quotaKeys;
  }

  /** Counts once more, or several times, as many as there may be at once; throws RESOURCE_EXHAUSTED if that is too often. */
  take(key: string, now = performance.now(), times = 1): void {
    const more = Math.min(times, this.#burst) - 1;
    const owedMs = Math.max(0, (this.#dues.get(key) ?? 0) - now) + more * this.#intervalMs;
    const waitMs = owedMs - this.#toleranceMs;
    if (waitMs > 0) throw rateLimited(this.#limit, waitMs);
    this.#dues.delete(key);
    this.#dues.set(key, now + owedMs + this.#intervalMs);
    for (const [oldest, due] of this.#dues) {
      if (due > now && this.#dues.size <= this.#maxKeys) break;
      this.#dues.delete(oldest);
    }
  }
}

/** The quotas of all callers of a process. Backends, also where all are believed, share one for whatever they do. */
export class Quotas {
  readonly #ofUsers: Readonly<Record<QuotaName, Quota>>;
  readonly #ofViews: Quota;
  readonly #ofServices: Quota;

  constructor(limits: Limits) {
    const second = 1_000;
    const minute = 60_000;
    this.#ofUsers = {
      sends: new Quota("sendsPerSecond", second, limits.sendsBurst, limits),
      rooms: new Quota("roomsPerMinute", minute, limits.roomsBurst, limits),
      members: new Quota("membersPerMinute", minute, limits.membersBurst, limits),
      signals: new Quota("signalsPerSecond", second, limits.signalsBurst, limits),
      pages: new Quota("pagesPerSecond", second, limits.pagesBurst, limits),
    };
    this.#ofViews = new Quota("viewPagesPerSecond", second, limits.viewPagesBurst, limits);
    this.#ofServices = new Quota("serviceCallsPerSecond", second, limits.serviceCallsBurst, limits);
  }

  /** Counts a call, and the users whom it adds; throws RESOURCE_EXHAUSTED if the caller makes too many of the kind. */
  take({ kind, userId, name }: Caller, quota: QuotaName, users = 0): void {
    if (kind === "trusted" || kind === "service") return this.#ofServices.take(name);
    if (userId === 0n) return this.#ofViews.take(name);
    const { [quota]: calls, members } = this.#ofUsers;
    const [now, user] = [performance.now(), `${userId}`];
    if (users > 0) members.take(user, now, users);
    if (users === 0 || calls !== members) calls.take(user, now);
  }
}
