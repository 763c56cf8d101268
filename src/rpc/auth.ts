/** How callers are identified, as the operator has decided it. */
export type Auth = TrustAuth | JwtAuth | UndecidedAuth;

/** Whoever reaches the server is a backend that is believed. */
export interface TrustAuth {
  readonly mode: "trust";
}

/** Users call with tokens that the product's issuer has signed, backends with such tokens or with keys. */
export interface JwtAuth {
  readonly mode: "jwt";
  /** What a token's `iss` says, and what its `aud` says or has in it. */
  readonly issuer: string;
  readonly audience: string;
  /** What verifies tokens: a secret of at least 32 bytes, by HS256 alone, or public keys, by asymmetric algorithms alone. */
  readonly keys: { readonly secret: string } | { readonly jwksUrl: string };
  /** The longest time from a token's `iat` to its `exp`, in milliseconds. */
  readonly maxTtlMs: number;
  /** Keys of backends, each as it is or as "sha256:" with its digest in hex. */
  readonly apiKeys: readonly string[];
}

/** Nothing was decided, so nobody may call. */
export interface UndecidedAuth {
  readonly mode: "undecided";
}
