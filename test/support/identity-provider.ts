import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";

export const ISSUER = "https://login.example.com/";
export const AUDIENCE = "roomlog";

type Key = Parameters<SignJWT["sign"]>[0];

/** A product's identity provider: signs tokens, and publishes the keys they are verified with. */
export class IdentityProvider implements AsyncDisposable {
  readonly #keys: Awaited<ReturnType<typeof generateKeys>>;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(keys: Awaited<ReturnType<typeof generateKeys>>, server: ReturnType<typeof createServer>) {
    this.#keys = keys;
    this.#server = server;
  }

  static async start(): Promise<IdentityProvider> {
    const keys = await generateKeys();
    const jwks = JSON.stringify({ keys: [await published(keys.ec, "ES256"), await published(keys.rsa, "RS256")] });
    const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(jwks));
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new IdentityProvider(keys, server);
  }

  /** What a server needs to take the tokens. */
  get env() {
    const { port } = this.#server.address() as AddressInfo;
    return {
      AUTH: "jwt",
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
    };
  }

  /** A token that counts, issued so many seconds ago. */
  token(claims: JWTPayload, issuedAgo = 10): Promise<string> {
    return this.#sign(withTimes(claims, issuedAgo));
  }

  /** Tokens of a user that don't count, by what is wrong with them. */
  async badTokens(sub: string): Promise<Record<string, string>> {
    const good = withTimes({ sub }, 10);
    const now = good.iat + 10;
    const { ec, rsa, stranger } = this.#keys;
    const pss = (await importJWK(await exportJWK(rsa.privateKey), "PS256")) as Key;
    return {
      garbage: "g4rb4ge",
      expired: await this.#sign({ ...good, iat: now - 900, exp: now - 60 }),
      "not yet valid": await this.#sign({ ...good, nbf: now + 60 }),
      "of another issuer": await this.#sign({ ...good, iss: "https://evil.example.com/" }),
      "for another audience": await this.#sign({ ...good, aud: "billing" }),
      "of another algorithm": await this.#sign(good, pss, "PS256", "RS256"),
      "of another key": await this.#sign(good, stranger.privateKey),
      "signed with the public key as a secret": await this.#sign(
        good,
        new TextEncoder().encode(await exportSPKI(ec.publicKey)),
        "HS256",
      ),
      unsigned: new UnsecuredJWT(good).encode(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #sign(claims: JWTPayload, key: Key = this.#keys.ec.privateKey, alg = "ES256", kid = "ES256"): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: "JWT" }).sign(key);
  }
}

function withTimes(claims: JWTPayload, issuedAgo: number) {
  const iat = Math.floor(Date.now() / 1000) - issuedAgo;
  return { iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 900, ...claims };
}

async function generateKeys() {
  const [ec, stranger, rsa] = await Promise.all(
    ["ES256", "ES256", "RS256"].map((alg) => generateKeyPair(alg, { extractable: true })),
  );
  return { ec: ec!, stranger: stranger!, rsa: rsa! };
}

async function published({ publicKey }: { publicKey: Parameters<typeof exportJWK>[0] }, alg: string) {
  return { ...(await exportJWK(publicKey)), alg, kid: alg, use: "sig" };
}
