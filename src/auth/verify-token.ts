import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { isKeyed, numberOf } from "../chat/user-store.ts";
import type { JwtAuth } from "../rpc/auth.ts";
import { tokenError, unauthenticated } from "./errors.ts";
import { remoteKeys } from "./jwks.ts";
import { isText, isUserKey } from "./user-key.ts";

/** How far the issuer's clock may be from ours, in milliseconds. */
export const TOLERANCE_MS = 5_000;

/** Characters of a token; one with 50 rooms has some 2,000. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;
/** Rooms in a token's `view`. */
const MAX_VIEWED_ROOMS = 50;
/** Characters of what a token says of its user, as the contract has them; what is longer is left out. */
const MAX_NAME_CHARACTERS = 80;
const MAX_PICTURE_CHARACTERS = 2048;

const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** What a token says that counts. Times are in milliseconds since 1970. */
export interface Claims {
  /** The user's key; of a service's token, or of one with a view, perhaps none. */
  readonly sub: string | undefined;
  readonly isService: boolean;
  /** Keys of the rooms that its holder may read, and does nothing else; not set for a token that isn't for a view. */
  readonly view: readonly string[] | undefined;
  /** Empty, if it says none. */
  readonly name: string;
  readonly picture: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * Tells what a token says, if it counts. Rejects with UNAUTHENTICATED and what is wrong if it doesn't, and with UNAVAILABLE
 * while its issuer's keys can't be had.
 */
export type VerifyToken = (token: string) => Promise<Claims>;

/** Verifies tokens as RFC 8725 wants it: one issuer, one audience, one family of algorithms, and nothing optional. */
export function createVerifyToken({ issuer, audience, keys, maxTtlMs }: JwtAuth): VerifyToken {
  const isSecret = "secret" in keys;
  const algorithms = isSecret ? ["HS256"] : ASYMMETRIC;
  const getKey: JWTVerifyGetKey = isSecret ? secretKey(keys.secret) : remoteKeys(keys.jwksUrl);
  const options = {
    issuer,
    audience,
    algorithms,
    clockTolerance: TOLERANCE_MS / 1_000,
    requiredClaims: ["iss", "aud", "iat", "exp"],
  };
  return async (token) => {
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw unauthenticated(`the token has more than ${MAX_TOKEN_CHARACTERS} characters; get one with fewer claims`);
    }
    const { payload, protectedHeader } = await jwtVerify(token, getKey, options).catch((e: unknown) => {
      throw tokenError(e, algorithms);
    });
    if (protectedHeader.typ !== undefined && !/^(application\/)?(at\+)?jwt$/i.test(protectedHeader.typ)) {
      throw unauthenticated("the token is of another kind: its typ is neither JWT nor at+jwt; get one to call with");
    }
    return claimsOf(payload, maxTtlMs);
  };
}

function secretKey(secret: string): JWTVerifyGetKey {
  const bytes = new TextEncoder().encode(secret);
  return () => bytes;
}

function claimsOf(payload: JWTPayload, maxTtlMs: number): Claims {
  const issuedAt = Math.floor(payload.iat! * 1_000);
  const expiresAt = Math.floor(payload.exp! * 1_000);
  if (issuedAt > Date.now() + TOLERANCE_MS) {
    throw unauthenticated("the token was issued in the future, as its iat says; set the issuer's clock right");
  }
  if (expiresAt - issuedAt > maxTtlMs) {
    const max = `${maxTtlMs / 1_000} seconds`;
    throw unauthenticated(`the token is valid for too long; get one whose exp is at most ${max} after its iat`);
  }
  const isService = typeof payload.scope === "string" && payload.scope.split(" ").includes("service");
  const view = viewOf(payload.view);
  return {
    sub: subOf(payload.sub, isService || view !== undefined),
    isService,
    view,
    name: textOf(payload.name, MAX_NAME_CHARACTERS),
    picture: pictureOf(payload.picture),
    issuedAt,
    expiresAt,
  };
}

function subOf(sub: unknown, isOptional: boolean): string | undefined {
  if (sub === undefined) {
    if (isOptional) return undefined;
    throw unauthenticated("the token names no user; get one with the user's key as its sub");
  }
  if (typeof sub !== "string" || !isUserKey(sub)) {
    throw unauthenticated("the token's sub is no user's key; get one whose sub is a text of 1 to 128 characters");
  }
  const number = numberOf(sub);
  if (number !== undefined && isKeyed(number)) {
    throw unauthenticated("the token's sub is a number that is kept for users with other keys; get one with the key");
  }
  return sub;
}

function viewOf(view: unknown): readonly string[] | undefined {
  if (view === undefined) return undefined;
  const isList = Array.isArray(view) && view.every((key) => typeof key === "string");
  if (isList && view.length <= MAX_VIEWED_ROOMS) return view;
  throw unauthenticated(`the token's view is no list of at most ${MAX_VIEWED_ROOMS} texts, such as "12" or "post:7"`);
}

function pictureOf(claim: unknown): string {
  const url = textOf(claim, MAX_PICTURE_CHARACTERS);
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url : "";
}

function textOf(claim: unknown, maxCharacters: number): string {
  return typeof claim === "string" && isText(claim, maxCharacters) ? claim : "";
}
