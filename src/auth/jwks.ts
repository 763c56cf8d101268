import { Code, ConnectError } from "@connectrpc/connect";
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { SharedRead } from "./shared-read.ts";

/** How long fetched keys count, in milliseconds. */
const MAX_AGE_MS = 10 * 60_000;
/** How soon a token of an unknown key makes them be fetched again, in milliseconds. */
const COOLDOWN_MS = 30_000;
/** How long a fetch may take, and how soon after a failure the next begins, in milliseconds. */
const TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

/**
 * The public keys at a URL. They are fetched when a token needs them; while they can't be had, it rejects with UNAVAILABLE.
 * (jose's own, createRemoteJWKSet, fetches once for each request of a Worker that waits, and has no pause after failures.)
 */
export function remoteKeys(url: string): JWTVerifyGetKey {
  let keys: JWTVerifyGetKey;
  const fetches = new SharedRead(
    async () => {
      keys = await fetchKeys(url);
    },
    { lostMs: TIMEOUT_MS, pauseMs: RETRY_MS },
  );
  return async (header, token) => {
    if (fetches.age > MAX_AGE_MS) await fetches.renew(MAX_AGE_MS);
    try {
      return await keys(header, token);
    } catch (e) {
      if (!(e instanceof errors.JWKSNoMatchingKey) || fetches.age < COOLDOWN_MS) throw e;
    }
    await fetches.renew(COOLDOWN_MS);
    return keys(header, token);
  };
}

async function fetchKeys(url: string): Promise<JWTVerifyGetKey> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { signal, redirect: "manual", headers: { accept: "application/json" } });
    if (response.status !== 200) throw new Error(`it answers ${response.status}`);
    return createLocalJWKSet(await response.json());
  } catch (e) {
    const message = "the keys of the tokens' issuer (JWT_JWKS_URL) can't be had; try again";
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, e);
  }
}
