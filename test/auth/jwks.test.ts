import { Code, ConnectError } from "@connectrpc/connect";
import { exportSPKI, importJWK, type JWK } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { JwtAuth } from "../../src/rpc/auth.ts";
import { type IssuerKey, issuerKey, startKeyServer } from "../support/key-server.ts";
import { bearer, call, claims, identification, JWT, SECRET, sign } from "../support/tokens.ts";

let first: IssuerKey;
let second: IssuerKey;
beforeAll(async () => {
  [first, second] = await Promise.all([issuerKey("first"), issuerKey("second", "EdDSA")]);
});
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

function by(url: string) {
  const auth: JwtAuth = { ...JWT, keys: { jwksUrl: url } };
  const { identify } = identification({ auth });
  return async (token: string) => identify(call(bearer(token)));
}

let jti = 0;
/** A token that was not seen before. */
const signed = ({ privateKey, jwk: { alg, kid } }: IssuerKey, header: object = {}) =>
  sign(claims({ jti: `${jti++}` }), privateKey, { alg: alg!, ...(kid !== undefined && { kid }), ...header });

async function refusal(answer: Promise<unknown>): Promise<ConnectError> {
  return answer.then(() => expect.unreachable(), ConnectError.from);
}

test.each(["RS256", "PS256", "ES256", "ES384", "EdDSA"])("a token that is signed by %s counts", async (alg) => {
  const key = await issuerKey("k", alg);
  await using server = await startKeyServer(first.jwk, key.jwk);
  expect(await by(server.url)(await signed(key))).toMatchObject({ kind: "user", userId: 7n });
});

test("keys are fetched once, when they are needed, and after 10 minutes again", async () => {
  await using server = await startKeyServer(first.jwk, second.jwk);
  const identify = by(server.url);
  expect(server.requests).toBe(0);
  const tokens = await Promise.all([first, second, first, second, first].map((key) => signed(key)));
  await Promise.all(tokens.map(identify));
  expect(server.requests).toBe(1);
  vi.advanceTimersByTime(9 * 60_000);
  await identify(await signed(first));
  expect(server.requests).toBe(1);
  vi.advanceTimersByTime(2 * 60_000);
  await identify(await signed(first));
  expect(server.requests).toBe(2);
});

test("a new key counts when the first token arrives that is signed with it; one that was withdrawn doesn't any more", async () => {
  await using server = await startKeyServer(first.jwk);
  const identify = by(server.url);
  await identify(await signed(first));
  server.keys = [second.jwk];
  vi.advanceTimersByTime(30_001);
  expect(await identify(await signed(second))).toMatchObject({ userId: 7n });
  expect(await refusal(identify(await signed(first)))).toMatchObject({ code: Code.Unauthenticated });
});

test("[P7] tokens of unknown keys make the keys be fetched every 30 s at most", async () => {
  await using server = await startKeyServer(first.jwk);
  const identify = by(server.url);
  await identify(await signed(first));
  const strange = () => signed(second, { kid: `k${jti}` });
  for (let i = 0; i < 20; i++) {
    const error = await refusal(identify(await strange()));
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(/doesn't publish/) });
  }
  expect(server.requests).toBe(1);
  vi.advanceTimersByTime(30_001);
  for (let i = 0; i < 20; i++) await refusal(identify(await strange()));
  expect(server.requests).toBe(2);
});

describe("while the keys can't be had, it is UNAVAILABLE", () => {
  const unavailable = {
    code: Code.Unavailable,
    rawMessage: expect.stringMatching(/JWT_JWKS_URL\) can't be had; try again/),
  };

  test.each([
    ["answers 500", { answer: 500 }],
    ["answers a redirect", { answer: 302 }],
    ["answers no JSON", { body: "<html>" }],
    ["answers no keys", { body: "{}" }],
  ])("as its server %s", async (_, state) => {
    await using server = await startKeyServer(first.jwk);
    Object.assign(server, state);
    const identify = by(server.url);
    expect(await refusal(identify(await signed(first)))).toMatchObject(unavailable);
    Object.assign(server, { answer: "keys", body: undefined });
    vi.advanceTimersByTime(1_001);
    expect(await identify(await signed(first))).toMatchObject({ userId: 7n });
  });

  test("as its server is gone; tokens that were verified before count", async () => {
    const server = await startKeyServer(first.jwk);
    const identify = by(server.url);
    const known = await signed(first);
    await identify(known);
    await server[Symbol.asyncDispose]();
    vi.advanceTimersByTime(11 * 60_000 - 120_000);
    expect(await identify(known)).toMatchObject({ userId: 7n });
    vi.advanceTimersByTime(120_000 - 59_000);
    expect(await refusal(identify(await signed(first)))).toMatchObject(unavailable);
  });

  test("[P7] its server is asked once a second at most", async () => {
    await using server = await startKeyServer(first.jwk);
    server.answer = 503;
    const identify = by(server.url);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => signed(first)));
    for (const token of tokens) expect(await refusal(identify(token))).toMatchObject(unavailable);
    expect(server.requests).toBe(1);
  });
});

describe("a token is refused", () => {
  test("if it is signed by HMAC with the issuer's public key, in whatever form", async () => {
    const rsa = await issuerKey("rsa", "RS256");
    await using server = await startKeyServer(rsa.jwk);
    const identify = by(server.url);
    const publicKey = (await importJWK(rsa.jwk, "RS256", { extractable: true })) as CryptoKey;
    const pem = await exportSPKI(publicKey);
    for (const secret of [pem, `${pem}\n`, JSON.stringify(rsa.jwk), rsa.jwk.n!]) {
      const token = await sign(claims(), Buffer.from(secret), { alg: "HS256", kid: "rsa" });
      expect(await refusal(identify(token))).toMatchObject({
        code: Code.Unauthenticated,
        rawMessage: expect.stringMatching(/not signed by an algorithm that counts here; sign it by RS256, /),
      });
    }
    expect(server.requests).toBe(0);
  });

  test("if the server has a secret, and the token is signed with a key", async () => {
    const identify = identification().identify;
    const error = await refusal((async () => identify(call(bearer(await signed(first)))))());
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(/sign it by HS256$/) });
  });

  test("if its header brings a key along, or says where to get one", async () => {
    await using server = await startKeyServer(first.jwk);
    await using evil = await startKeyServer(second.jwk);
    const identify = by(server.url);
    for (const header of [{ jwk: second.jwk }, { jku: evil.url }, { x5u: evil.url }, { kid: "first" }]) {
      const error = await refusal(identify(await signed(second, { kid: undefined, ...header })));
      expect(error).toMatchObject({ code: Code.Unauthenticated });
    }
    expect(evil.requests).toBe(0);
  });

  test("if it is of another key with the same kid", async () => {
    await using server = await startKeyServer(first.jwk);
    const error = await refusal(by(server.url)(await signed(await issuerKey("first"))));
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(/signature/) });
  });

  test("if it has no kid, and there are several keys that it could be of", async () => {
    const [a, b] = await Promise.all([issuerKey(undefined), issuerKey(undefined)]);
    await using server = await startKeyServer(a.jwk, b.jwk);
    expect(await refusal(by(server.url)(await signed(a)))).toMatchObject({
      code: Code.Unauthenticated,
      rawMessage: expect.stringMatching(/sign it with a kid/),
    });
    server.keys = [a.jwk];
    expect(await by(server.url)(await signed(a))).toMatchObject({ userId: 7n });
  });
});

test("a secret that an issuer publishes by mistake verifies nothing", async () => {
  const jwk: JWK = { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), alg: "HS256", kid: "s" };
  await using server = await startKeyServer(jwk);
  const token = await sign(claims(), undefined, { kid: "s" });
  expect(await refusal(by(server.url)(token))).toMatchObject({ code: Code.Unauthenticated });
});
