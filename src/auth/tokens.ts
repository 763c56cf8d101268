import type { Caller } from "../chat/caller.ts";
import type { Limits } from "../chat/limits.ts";
import type { ChatStore } from "../chat/store.ts";
import type { UserStore } from "../chat/user-store.ts";
import type { JwtAuth } from "../rpc/auth.ts";
import { tokenRevoked } from "../rpc/errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { sha256 } from "./digest.ts";
import type { RevocationWatch } from "./revocation-watch.ts";
import { type Claims, createVerifyToken, TOLERANCE_MS, type VerifyToken } from "./verify-token.ts";

/** How soon rooms of a view that weren't there are looked for again, in milliseconds. */
const LOOK_AGAIN_MS = 10_000;

export interface TokenParts {
  readonly users: Pick<UserStore, "signIn">;
  readonly rooms: Pick<ChatStore, "roomsByKey">;
  readonly revocations: Pick<RevocationWatch, "fresh" | "tokensFrom">;
  readonly limits: Limits;
}

/** Whom a token speaks for. */
interface Verified {
  readonly caller: Caller;
  /** As its user had it at sign-in. */
  readonly tokensFrom: number;
  /** Until when this counts, in milliseconds since 1970. */
  readonly until: number;
}

/** The tokens that callers bring along. What is known of one is kept, so that a call with it costs nothing. */
export class Tokens {
  readonly #verify: VerifyToken;
  readonly #parts: TokenParts;
  readonly #verified: BoundedMap<Verified>;

  constructor(auth: JwtAuth, parts: TokenParts) {
    this.#verify = createVerifyToken(auth);
    this.#parts = parts;
    this.#verified = new BoundedMap(parts.limits.verifiedTokens);
  }

  /** Whom a token speaks for; UNAUTHENTICATED, with what is wrong, if it doesn't count. */
  callerOf(token: string): Caller | Promise<Caller> {
    const verified = this.#verified.get(token);
    if (!verified || verified.until <= Date.now()) return this.#admit(token);
    if (verified.caller.userId === 0n) return verified.caller;
    const news = this.#parts.revocations.fresh();
    return news ? news.then(() => this.#unrevoked(verified)) : this.#unrevoked(verified);
  }

  async #admit(token: string): Promise<Caller> {
    const claims = await this.#verify(token);
    const verified = claims.isService ? service(claims) : await this.#signIn(token, claims);
    this.#verified.set(token, verified); // a revoked one too, so that it asks the database only once
    return this.#unrevoked(verified);
  }

  async #signIn(token: string, claims: Claims): Promise<Verified> {
    const { users, rooms, revocations } = this.#parts;
    const { sub: key, view, name: shownName, picture, issuedAt, expiresAt } = claims;
    // First, so that the watch gets to hear of whatever is revoked after this.
    if (key !== undefined) await revocations.fresh();
    const [user, viewed] = await Promise.all([
      key === undefined ? undefined : users.signIn({ key, name: shownName, picture, issuedAt }),
      view?.length ? rooms.roomsByKey(view) : undefined,
    ]);
    const views = viewed ? [...viewed.values()] : [];
    const kind = view ? "viewer" : "user";
    const name = key ?? `token ${(await sha256(token)).slice(0, 16)}`;
    const caller: Caller = { kind, userId: user?.userId ?? 0n, views, name, issuedAt, expiresAt };
    const isWhole = view?.every((room) => viewed?.has(room)) ?? true;
    const until = Math.min(untilOf(claims), isWhole ? Infinity : Date.now() + LOOK_AGAIN_MS);
    return { caller, tokensFrom: user?.tokensFrom ?? 0, until };
  }

  #unrevoked({ caller, tokensFrom }: Verified): Caller {
    if (caller.userId === 0n) return caller;
    const from = Math.max(tokensFrom, this.#parts.revocations.tokensFrom(caller.userId));
    if (caller.issuedAt! < from) throw tokenRevoked();
    return caller;
  }
}

function service(claims: Claims): Verified {
  const { sub: name = "token", issuedAt, expiresAt } = claims;
  const caller: Caller = { kind: "service", userId: 0n, views: [], name, issuedAt, expiresAt };
  return { caller, tokensFrom: 0, until: untilOf(claims) };
}

function untilOf({ expiresAt }: Claims): number {
  return expiresAt + TOLERANCE_MS;
}
