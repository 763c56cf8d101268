import process from "node:process";
import { parseArgs } from "node:util";
import { SignJWT } from "jose";
import { parseDuration } from "../http/auth-config.ts";
import { parseConfig } from "../http/config.ts";
import { withSecretFiles } from "./secret-files.ts";

const USAGE = `usage: npm run token -- --user 7 [--ttl 15m] [--name Ann] [--view 12,post:7]
       npm run token -- --view 12,post:7 [--ttl 15m]
       npm run token -- --service [--ttl 15m]

Prints a token to try things out with, signed with JWT_SECRET, of JWT_ISSUER and for JWT_AUDIENCE, as the server has them.
  --user     the user's key: it becomes the token's sub
  --ttl      for how long it counts; up to TOKEN_MAX_TTL
  --name     the user's name, for their profile
  --view     rooms that its holder may read, and nothing else, by id or as post:<id>
  --service  for a backend, which acts for any user`;

const OPTIONS = {
  user: { type: "string" },
  ttl: { type: "string", default: "15m" },
  name: { type: "string" },
  view: { type: "string" },
  service: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

try {
  const { values } = parseArgs({ options: OPTIONS });
  console.log(values.help ? USAGE : await mint(values));
} catch (e) {
  const isUsage = (e as { code?: unknown }).code?.toString().startsWith("ERR_PARSE_ARGS");
  console.error(`token: ${e instanceof Error ? e.message : e}${isUsage ? `\n\n${USAGE}` : ""}`);
  process.exitCode = 1;
}

interface Wanted {
  readonly user?: string | undefined;
  readonly ttl: string;
  readonly name?: string | undefined;
  readonly view?: string | undefined;
  readonly service: boolean;
}

async function mint({ user, ttl, name, view, service }: Wanted): Promise<string> {
  const env = withSecretFiles(process.env);
  const { auth } = parseConfig(Object.assign(Object.create(env), { AUTH: "jwt" }));
  if (auth.mode !== "jwt" || !("secret" in auth.keys)) {
    throw new Error("with JWT_JWKS_URL only the issuer signs tokens; get one there, or set JWT_SECRET instead");
  }
  if (!user && !view && !service) throw new Error(`say for whom it is: --user, --view or --service\n\n${USAGE}`);
  const ttlMs = parseDuration(ttl);
  if (!ttlMs || ttlMs > auth.maxTtlMs) {
    throw new Error(`--ttl is ${ttl}; use a time such as 15m, up to TOKEN_MAX_TTL (${auth.maxTtlMs / 1_000} seconds)`);
  }
  const issuedAt = Math.floor(Date.now() / 1_000);
  const claims = { name, view: view?.split(","), scope: service ? "service" : undefined };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuer(auth.issuer)
    .setAudience(auth.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlMs / 1_000);
  if (user) token.setSubject(user);
  return token.sign(new TextEncoder().encode(auth.keys.secret));
}
