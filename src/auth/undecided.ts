import { Code, ConnectError } from "@connectrpc/connect";

/** Refuses every call, as long as nobody has decided who may make it. */
export function undecided(): never {
  const message =
    "who may call has not been decided: set AUTH=jwt with JWT_ISSUER, JWT_AUDIENCE, and JWT_SECRET or JWT_JWKS_URL, so that " +
    "users call with tokens; or AUTH=trust, if a gateway of yours lets only your own backends reach this server";
  throw new ConnectError(message, Code.FailedPrecondition);
}
