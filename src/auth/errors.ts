import { Code, ConnectError } from "@connectrpc/connect";
import { errors } from "jose";

/** A refusal of what a request brings along to say who calls. It never has any of that in it. */
export function unauthenticated(message: string): ConnectError {
  return new ConnectError(message, Code.Unauthenticated, { "www-authenticate": "Bearer" });
}

/** What a claim should say of which {@link errors.JWTClaimValidationFailed} tells. */
const CLAIMS: Readonly<Record<string, string>> = {
  iss: "its iss is not this server's JWT_ISSUER; get one from that issuer",
  aud: "its aud is not this server's JWT_AUDIENCE; get one for this server",
  nbf: "it counts only later, as its nbf says; wait, or set the issuer's clock right",
  iat: "its iat is no time; get one with the second in which it is issued",
  exp: "its exp is no time; get one with the second in which it expires",
};

/** What is wrong with a token, or with the key it names, in a sentence for whoever sent it. */
export function tokenError(error: unknown, algorithms: readonly string[]): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof errors.JOSEError) return unauthenticated(sentence(error, algorithms));
  // A key that is too short, or none: the issuer's fault, and not this server's.
  const unusable = unauthenticated("the token is signed with a key of its issuer that can't be used; get a new one");
  unusable.cause = error;
  return unusable;
}

function sentence(error: errors.JOSEError, algorithms: readonly string[]): string {
  if (error instanceof errors.JWTExpired) return "the token has expired; get a new one";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === "missing") return `the token has no ${claim}; get one with iss, aud, iat and exp`;
    return `the token doesn't count: ${CLAIMS[claim] ?? "one of its claims is wrong; get a new one"}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `the token is not signed by an algorithm that counts here; sign it by ${algorithms.join(", ")}`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "the token's signature is not made with its issuer's key; get one from the issuer of this server";
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return "the token is signed with a key that its issuer doesn't publish; get a new one";
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return "the token doesn't say with which of its issuer's keys it is signed; sign it with a kid in its header";
  }
  return "the token is malformed; send a JWT, as its issuer gave it";
}
