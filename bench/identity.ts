import { join } from "node:path";
import { SignJWT } from "jose";
import { ChatService } from "../gen/chat_pb.ts";
import { createIdentify } from "../src/auth/identify.ts";
import { RevocationWatch } from "../src/auth/revocation-watch.ts";
import { LIMITS } from "../src/chat/limits.ts";
import { parseConfig } from "../src/http/config.ts";
import { LibsqlStore } from "../src/libsql/store.ts";
import { LibsqlUsers } from "../src/libsql/users.ts";
import { openMigrated } from "../src/node/open-migrated.ts";
import { Call } from "../src/rpc/call.ts";
import type { Identify } from "../src/rpc/invoke.ts";
import type { Rpc } from "../src/rpc/rpc.ts";
import { alternateWarm, type Context, median } from "./harness.ts";

const ROUNDS = 5;
/** So many that a round takes longer than a look at the revocations lasts. */
const CALLS = 200_000;
const USERS = 1_000;
const CALL_US = 15;

const SECRET = "s".repeat(32);
const KEY = "k".repeat(43);
const JWT = {
  AUTH: "jwt",
  JWT_ISSUER: "https://app.example.com",
  JWT_AUDIENCE: "roomlog",
  JWT_SECRET: SECRET,
  API_KEYS: KEY,
};

/** What it costs to know who calls, beside AUTH=trust, which looks at nothing. */
export async function identity({ directory, report }: Context): Promise<void> {
  const config = parseConfig({ DATABASE_URL: `file:${join(directory, "identity.db")}`, ...JWT });
  await using database = await openMigrated(config, () => {});
  const users = new LibsqlUsers(database);
  const parts = {
    users,
    rooms: new LibsqlStore(database),
    revocations: new RevocationWatch(users, LIMITS),
    limits: LIMITS,
  };
  const known = createIdentify({ ...parts, auth: config.auth });
  const trusting = createIdentify({ ...parts, auth: { mode: "trust" } });
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => token(`${i + 1}`)));
  const calls = tokens.map((token) => callWith(token));
  const byKey = [callWith(KEY)];

  const perCall = async (identify: Identify, of: readonly Call[], count = CALLS) => {
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      const caller = identify(of[i % of.length]!);
      if (caller instanceof Promise) await caller;
    }
    return ((performance.now() - started) * 1_000) / count;
  };
  const us = await alternateWarm(ROUNDS, {
    user: () => perCall(known, calls),
    service: () => perCall(known, byKey),
    trusted: () => perCall(trusting, calls),
    first: () => perCall(createIdentify({ ...parts, auth: config.auth }), calls, USERS),
  });
  const row = (name: string, values: number[], target?: number) =>
    report({
      name: `identity: ${name}`,
      ours: median(values),
      ceiling: median(us.trusted),
      unit: "µs",
      better: "less",
      ...(target !== undefined && { target: { ours: target } }),
    });
  row(`a call with one of ${USERS} tokens that are known`, us.user, CALL_US);
  row("a call with a service's key", us.service, CALL_US);
  row("the first call with a token (HS256)", us.first);
}

function token(sub: string): Promise<string> {
  const jwt = new SignJWT({ sub }).setProtectedHeader({ alg: "HS256" }).setIssuer(JWT.JWT_ISSUER);
  const claims = jwt.setAudience(JWT.JWT_AUDIENCE).setIssuedAt().setExpirationTime("15m");
  return claims.sign(new TextEncoder().encode(SECRET));
}

function callWith(token: string): Call {
  const headers = new Map([["authorization", `Bearer ${token}`]]);
  const rpc = { method: ChatService.method.getRoom, may: ["member"] } as unknown as Rpc;
  return new Call(rpc, (name) => headers.get(name));
}
