import { type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";
import { createIdentify } from "../../src/auth/identify.ts";
import { RevocationWatch } from "../../src/auth/revocation-watch.ts";
import type { ViewedRoom } from "../../src/chat/caller.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { Auth, JwtAuth } from "../../src/rpc/auth.ts";
import { Call } from "../../src/rpc/call.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { MemoryUsers } from "./memory-users.ts";

export const SECRET = "a secret of more than thirty-two bytes";

export const JWT: JwtAuth = {
  mode: "jwt",
  issuer: "https://issuer.example",
  audience: "roomlog",
  keys: { secret: SECRET },
  maxTtlMs: 3_600_000,
  apiKeys: [],
};

export const seconds = (ms = Date.now()) => Math.floor(ms / 1_000);

/** What a good token of user 7 says; a claim that is undefined is left out. */
export function claims(more: JWTPayload = {}): JWTPayload {
  const { issuer: iss, audience: aud } = JWT;
  const iat = typeof more.iat === "number" ? more.iat : seconds();
  return { iss, aud, iat, exp: iat + 600, sub: "7", ...more };
}

export function sign(
  payload: JWTPayload,
  key: CryptoKey | Uint8Array = Buffer.from(SECRET),
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256", ...header } as JWTHeaderParameters).sign(key);
}

export const token = (more: JWTPayload = {}) => sign(claims(more));

const MEMBERS_RPC = { may: ["member"] } as unknown as Rpc;

/** A call of a member's RPC, or of another one. */
export function call(headers: Readonly<Record<string, string>> = {}, rpc = MEMBERS_RPC): Call {
  return new Call(rpc, (name) => headers[name]);
}

export const bearer = (credentials: string) => ({ authorization: `Bearer ${credentials}` });

const ROOMS: Readonly<Record<string, ViewedRoom>> = {
  "12": { id: 12n, key: "post:7" },
  "post:7": { id: 12n, key: "post:7" },
  "13": { id: 13n, key: "post:8" },
};

/** What identifies callers, and what it stands on. */
export function identification({ auth = JWT, limits = {} }: { auth?: Auth; limits?: Partial<Limits> } = {}) {
  const users = new MemoryUsers();
  const all = { ...LIMITS, ...limits };
  const revocations = new RevocationWatch(users, all);
  const rooms = new Map(Object.entries(ROOMS));
  const store = {
    async roomsByKey(keys: readonly string[]) {
      return new Map(keys.flatMap((key) => (rooms.has(key) ? [[key, rooms.get(key)!] as const] : [])));
    },
  };
  const identify = createIdentify({ auth, users, rooms: store, revocations, limits: all });
  return { identify, users, revocations, rooms };
}
