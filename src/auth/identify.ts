import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../chat/caller.ts";
import type { UserStore } from "../chat/user-store.ts";
import type { Auth } from "../rpc/auth.ts";
import type { Call } from "../rpc/call.ts";
import type { Identify } from "../rpc/invoke.ts";
import { createBearer } from "./bearer.ts";
import { NamedUsers, USER_HEADER } from "./named-users.ts";
import type { TokenParts } from "./tokens.ts";
import { trust } from "./trust.ts";
import { undecided } from "./undecided.ts";

export interface IdentifyParts extends TokenParts {
  readonly auth: Auth;
  readonly users: Pick<UserStore, "signIn" | "idOf">;
}

/**
 * Tells who makes a call, as AUTH says. For one that anyone may make it doesn't look. No promise of one call is awaited by
 * another, as Workers want it.
 */
export function createIdentify(parts: IdentifyParts): Identify {
  const { auth, users, limits } = parts;
  const callerOf = auth.mode === "jwt" ? createBearer(auth, parts) : { trust, undecided }[auth.mode];
  const namedUsers = new NamedUsers(users, limits);
  return (call) => {
    if (call.rpc.may.includes("anyone")) return undefined;
    const caller = callerOf(call);
    return caller instanceof Promise
      ? caller.then((caller) => actingCaller(caller, call, namedUsers))
      : actingCaller(caller, call, namedUsers);
  };
}

/** The caller, with the user for whom a backend acts. */
function actingCaller(caller: Caller, { header }: Call, namedUsers: NamedUsers): Caller | Promise<Caller> {
  const { kind } = caller;
  if (kind === "service" && header("origin") !== undefined) {
    throw denied("a service's key or token must not be in a browser, where everybody can read it; call from a backend");
  }
  const user = header(USER_HEADER);
  if (user === undefined) return caller;
  if (kind === "service" || kind === "trusted") return namedUsers.actFor(user, caller);
  throw denied(`the header ${USER_HEADER} is for services; a token says by its sub who calls, so leave the header out`);
}

function denied(message: string): ConnectError {
  return new ConnectError(message, Code.PermissionDenied);
}
