import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";

/** A key of an issuer: its private half, and what the issuer publishes of it. */
export interface IssuerKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function issuerKey(kid: string | undefined, alg = "ES256"): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), alg, use: "sig", ...(kid !== undefined && { kid }) } };
}

/** A server of an issuer's keys on the loopback interface. */
export async function startKeyServer(...keys: readonly JWK[]) {
  const server = createServer((_, response) => {
    state.requests++;
    if (state.answer === "nothing") return;
    if (state.answer !== "keys") return void response.writeHead(state.answer).end("no");
    response.end(state.body ?? JSON.stringify({ keys: state.keys }));
  });
  const state = {
    url: "",
    keys,
    /** What it answers: its keys, an HTTP status, or nothing at all. */
    answer: "keys" as "keys" | "nothing" | number,
    /** In place of its keys. */
    body: undefined as string | undefined,
    requests: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  return state;
}
