import type { Auth, JwtAuth } from "../rpc/auth.ts";
import { isLoopbackName } from "./door.ts";

/** A variable's value, trimmed; the fallback if it is unset or blank. */
export type ReadVariable = (name: string, fallback: string) => string;

const JWT_VARIABLES = ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_SECRET", "JWT_JWKS_URL", "TOKEN_MAX_TTL", "API_KEYS"];

/** Bytes of a secret that can't be guessed from a token, as RFC 7518 wants them. */
const SECRET_BYTES = 32;
/** Characters of 32 random bytes in base64. */
const API_KEY_CHARACTERS = 43;

const MAKE_ONE = "`openssl rand -base64 32` makes one";

/** How callers are identified; without AUTH, as `fallback` says. Adds what is wrong to the problems, a sentence each. */
export function parseAuth(read: ReadVariable, fallback: "trust" | "undecided", problems: string[]): Auth {
  const mode = read("AUTH", fallback);
  if (mode === "jwt") return parseJwt(read, problems);
  if (mode === "undecided" && read("AUTH", "") === "") return { mode };
  if (mode !== "trust") problems.push(`AUTH is ${mode}; use jwt or trust`);
  const idle = JWT_VARIABLES.filter((name) => read(name, "") !== "");
  if (mode === "trust" && idle.length > 0) {
    problems.push(
      `${idle.join(", ")}: nothing is protected by it where requests are believed; set AUTH=jwt, or leave it out`,
    );
  }
  return { mode: "trust" };
}

function parseJwt(read: ReadVariable, problems: string[]): JwtAuth {
  const issuer = read("JWT_ISSUER", "");
  if (issuer === "") problems.push("AUTH=jwt needs JWT_ISSUER: what the iss of your tokens says");
  const audience = read("JWT_AUDIENCE", "");
  if (audience === "") problems.push("AUTH=jwt needs JWT_AUDIENCE: what the aud of tokens for this server says");
  return {
    mode: "jwt",
    issuer,
    audience,
    keys: parseKeys(read, problems),
    maxTtlMs: parseTtl(read("TOKEN_MAX_TTL", "1h"), problems),
    apiKeys: parseApiKeys(read("API_KEYS", ""), problems),
  };
}

function parseKeys(read: ReadVariable, problems: string[]): JwtAuth["keys"] {
  const secret = read("JWT_SECRET", "");
  const jwksUrl = read("JWT_JWKS_URL", "");
  if (secret === "" && jwksUrl === "") {
    problems.push(
      "AUTH=jwt needs what verifies tokens: JWT_JWKS_URL of their issuer, or JWT_SECRET, which you share with it",
    );
  } else if (secret !== "" && jwksUrl !== "") {
    problems.push("JWT_SECRET and JWT_JWKS_URL: set one of them, as your tokens are signed in one way");
  } else if (secret !== "") {
    const { byteLength } = new TextEncoder().encode(secret);
    if (byteLength < SECRET_BYTES) {
      problems.push(
        `JWT_SECRET has ${byteLength} bytes; use ${SECRET_BYTES} or more that can't be guessed: ${MAKE_ONE}`,
      );
    }
  } else if (!isKeyUrl(jwksUrl)) {
    problems.push("JWT_JWKS_URL is not https://… (or http:// on this machine) without a user or password in it");
  }
  return secret === "" ? { jwksUrl } : { secret };
}

function isKeyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || (protocol === "http:" && isLoopbackName(hostname));
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const DAY_MS = 24 * 3_600_000;

/** A time such as 15m in milliseconds; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
  return unit ? Number(count) * UNITS_MS[unit]! : undefined;
}

function parseTtl(text: string, problems: string[]): number {
  const ttl = parseDuration(text);
  if (ttl !== undefined && ttl > 0 && ttl <= DAY_MS) return ttl;
  problems.push(`TOKEN_MAX_TTL is ${text}; use a time up to 24h, such as 1h, 15m or 90s`);
  return 0;
}

function parseApiKeys(text: string, problems: string[]): readonly string[] {
  const keys = listOf(text);
  for (const [i, key] of keys.entries()) {
    if (/^sha256:[0-9a-f]{64}$/i.test(key)) continue;
    if (/^[\w+/=~-]+$/.test(key) && key.length >= API_KEY_CHARACTERS) continue;
    problems.push(
      `API_KEYS: number ${i + 1} is neither a key of ${API_KEY_CHARACTERS} or more characters of base64 (${MAKE_ONE}), ` +
        "nor sha256: and the 64 hex digits of one's digest",
    );
  }
  return keys;
}

/** Items that are separated by commas or spaces. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}
