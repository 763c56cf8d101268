import type { Caller } from "../chat/caller.ts";
import type { JwtAuth } from "../rpc/auth.ts";
import type { Call } from "../rpc/call.ts";
import { ApiKeys } from "./api-keys.ts";
import { unauthenticated } from "./errors.ts";
import { type TokenParts, Tokens } from "./tokens.ts";

/** AUTH=jwt: a caller is whom a token speaks for, or the backend whose key it is, in `authorization: Bearer …`. */
export function createBearer(auth: JwtAuth, parts: TokenParts): (call: Call) => Caller | Promise<Caller> {
  const tokens = new Tokens(auth, parts);
  const apiKeys = new ApiKeys(auth.apiKeys);
  return ({ header }) => {
    const credentials = credentialsOf(header("authorization"));
    // A JWT has dots in it, and a key has none.
    return credentials.includes(".") ? tokens.callerOf(credentials) : apiKeys.callerOf(credentials);
  };
}

function credentialsOf(authorization: string | undefined): string {
  if (!authorization) throw unauthenticated("there is no token; send the header authorization: Bearer <token>");
  const credentials = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (credentials) return credentials;
  throw unauthenticated("the header authorization is in another form; send Bearer, a space, and the token");
}
