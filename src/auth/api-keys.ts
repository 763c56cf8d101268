import type { Caller } from "../chat/caller.ts";
import { sha256 } from "./digest.ts";
import { unauthenticated } from "./errors.ts";

const DIGEST = "sha256:";

interface ApiKey {
  /** In hex. */
  readonly digest: string;
  readonly caller: Caller;
}

/** The keys that backends call with. Several count at a time, so that one can take another's place. */
export class ApiKeys {
  readonly #configured: readonly string[];
  #keys: readonly ApiKey[] | undefined;
  /** Callers by the keys that were found: no more than there are. A map compares texts only if their hashes are equal. */
  readonly #found = new Map<string, Caller>();

  /** @param keys each as it is, or as "sha256:" with its digest in hex */
  constructor(keys: readonly string[]) {
    this.#configured = keys;
  }

  /** Whose key it is; UNAUTHENTICATED if it is nobody's. */
  callerOf(key: string): Caller | Promise<Caller> {
    return this.#found.get(key) ?? this.#find(key);
  }

  async #find(key: string): Promise<Caller> {
    this.#keys ??= await Promise.all(this.#configured.map(apiKey));
    const digest = await sha256(key);
    const [found] = this.#keys.filter((known) => isEqual(known.digest, digest));
    if (!found) throw unauthenticated("the key is none of this server's API_KEYS; send one of them, or a user's token");
    this.#found.set(key, found.caller);
    return found.caller;
  }
}

async function apiKey(configured: string): Promise<ApiKey> {
  const digest = configured.startsWith(DIGEST)
    ? configured.slice(DIGEST.length).toLowerCase()
    : await sha256(configured);
  return { digest, caller: { kind: "service", userId: 0n, views: [], name: `key ${digest.slice(0, 8)}` } };
}

/** Takes the same time wherever two digests differ. */
function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
