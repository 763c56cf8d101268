import { Code, ConnectError } from "@connectrpc/connect";
import type { JWTPayload } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Caller } from "../../src/chat/caller.ts";
import { FIRST_KEYED_USER } from "../../src/chat/user-store.ts";
import type { Identify } from "../../src/rpc/invoke.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { bearer, call, claims, identification, seconds, sign, token } from "../support/tokens.ts";

afterEach(() => vi.useRealTimers());

/** Lets only the dates go on, by so many milliseconds. */
function later(ms: number) {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + ms });
}

const who = async (identify: Identify, credentials: string) => identify(call(bearer(credentials)));

/** The sentence with which a token is refused. */
async function refusal(credentials: Promise<string> | string, { identify } = identification()): Promise<string> {
  const error = await who(identify, await credentials).then(
    () => expect.unreachable(),
    (e: unknown) => ConnectError.from(e),
  );
  expect(error.code).toBe(Code.Unauthenticated);
  for (const part of (await credentials).split(".")) if (part.length > 9) expect(error.message).not.toContain(part);
  return error.rawMessage;
}

describe("a token that counts", () => {
  test("speaks for the user of its sub, in whatever way the key is written", async () => {
    const { identify } = identification();
    const iat = seconds();
    expect(await who(identify, await token({ iat }))).toEqual({
      kind: "user",
      userId: 7n,
      views: [],
      name: "7",
      issuedAt: iat * 1_000,
      expiresAt: (iat + 600) * 1_000,
    });
    expect(await who(identify, await token({ sub: "auth0|9f" }))).toMatchObject({ userId: FIRST_KEYED_USER });
    expect(await who(identify, await token({ sub: "ü".repeat(128) }))).toMatchObject({ userId: FIRST_KEYED_USER + 1n });
  });

  test("may be for several audiences", async () => {
    expect(await who(identification().identify, await token({ aud: ["other", "roomlog"] }))).toMatchObject({
      userId: 7n,
    });
  });

  test.each(["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", undefined])(
    "may be of the typ %s",
    async (typ) => {
      const signed = await sign(claims(), undefined, typ === undefined ? {} : { typ });
      expect(await who(identification().identify, signed)).toMatchObject({ userId: 7n });
    },
  );

  test("counts within 5 s of its times, and as long as TOKEN_MAX_TTL", async () => {
    const { identify } = identification();
    const now = seconds();
    for (const times of [
      { iat: now + 4, exp: now + 100 },
      { iat: now - 100, exp: now - 3 },
      { nbf: now + 4 },
      { exp: now + 3_600, iat: now },
    ]) {
      expect(await who(identify, await token(times))).toMatchObject({ userId: 7n });
    }
  });

  test("tells the user's profile; what is absurd in it is left out", async () => {
    const { identify, users } = identification();
    const iat = seconds();
    await who(identify, await token({ iat, name: "Ann", picture: "https://x.example/a.png" }));
    await who(
      identify,
      await token({ iat, sub: "8", name: "a".repeat(81), picture: `https://x.example/${"b".repeat(2048)}` }),
    );
    await who(identify, await token({ iat, sub: "9", name: { first: "Ann" }, picture: "\ud800" } as JWTPayload));
    await who(identify, await token({ iat, sub: "10", name: "ü".repeat(80), picture: "javascript:alert(1)" }));
    expect(await users.profiles([7n, 8n, 9n, 10n], [])).toMatchObject([
      { userId: 7n, name: "Ann", picture: "https://x.example/a.png" },
      { userId: 8n, name: "", picture: "" },
      { userId: 9n, name: "", picture: "" },
      { userId: 10n, name: "ü".repeat(80), picture: "" },
    ]);
  });

  test("may be a service's", async () => {
    const { identify, users } = identification();
    const service = { kind: "service", userId: 0n, views: [] };
    expect(await who(identify, await token({ scope: "read service", sub: "mailer" }))).toMatchObject({
      ...service,
      name: "mailer",
    });
    expect(await who(identify, await token({ scope: "service", sub: undefined }))).toMatchObject({
      ...service,
      name: "token",
    });
    expect(users.asked.signIn).toBe(0);
    expect(await who(identify, await token({ scope: "services" }))).toMatchObject({ kind: "user" });
  });
});

describe("a token with a view", () => {
  const room = { id: 12n, key: "post:7" };

  test("lets its holder read rooms; those that aren't there are left out", async () => {
    const { identify } = identification();
    expect(await who(identify, await token({ view: ["post:7", "13", "99", "nonsense"] }))).toMatchObject({
      kind: "viewer",
      userId: 7n,
      views: [room, { id: 13n, key: "post:8" }],
    });
  });

  test("needs no sub; its holders share a name that is of no part of it", async () => {
    const { identify, users } = identification();
    const anonymous = await token({ sub: undefined, view: ["12"] });
    const caller = (await who(identify, anonymous)) as Caller;
    expect(caller).toMatchObject({ kind: "viewer", userId: 0n, views: [room] });
    expect(caller.name).toMatch(/^token [0-9a-f]{16}$/);
    expect(await who(identify, anonymous)).toBe(caller);
    const other = (await who(identify, await token({ sub: undefined, view: ["12"], jti: "2" }))) as Caller;
    expect(other.name).not.toBe(caller.name);
    expect(users.asked).toMatchObject({ signIn: 0, revocations: 0 });
  });

  test("finds a room that is opened later, within 10 s", async () => {
    const { identify, rooms } = identification();
    const early = await token({ view: ["14"] });
    expect(await who(identify, early)).toMatchObject({ views: [] });
    rooms.set("14", { id: 14n, key: "post:9" });
    expect(await who(identify, early)).toMatchObject({ views: [] });
    later(10_001);
    expect(await who(identify, early)).toMatchObject({ views: [{ id: 14n, key: "post:9" }] });
  });

  test.each([["12"], [[12]], [[["12"]]], [Array.from({ length: 51 }, (_, i) => `${i}`)], [null]])(
    "that is %j is refused",
    async (view) => {
      expect(await refusal(token({ view }))).toMatch(/view is no list of at most 50/);
    },
  );
});

describe("a token is refused with a sentence", () => {
  const now = seconds();

  test.each<[string, JWTPayload, RegExp]>([
    ["has expired", { iat: now - 100, exp: now - 6 }, /has expired; get a new one/],
    ["is of another issuer", { iss: "https://other.example" }, /iss is not this server's JWT_ISSUER/],
    ["is for another audience", { aud: "other" }, /aud is not this server's JWT_AUDIENCE/],
    ["is for other audiences", { aud: ["other", "another"] }, /aud is not this server's JWT_AUDIENCE/],
    ["has no iss", { iss: undefined }, /no iss/],
    ["has no aud", { aud: undefined }, /no aud/],
    ["has no iat", { iat: undefined, exp: now + 100 }, /no iat/],
    ["has no exp", { exp: undefined }, /no exp/],
    ["has an exp that is no number", { exp: "tomorrow" as never }, /exp is no time/],
    ["has an iat that is no number", { iat: "now" as never, exp: now + 10 }, /iat is no time/],
    ["was issued in the future", { iat: now + 60 }, /issued in the future/],
    ["doesn't count yet", { nbf: now + 60 }, /counts only later/],
    ["is valid for too long", { iat: now, exp: now + 3_601 }, /valid for too long; .* 3600 seconds/],
    ["is valid for ever", { iat: now, exp: 1e300 }, /valid for too long/],
    ["was issued before all time", { iat: -1e300, exp: now + 60 }, /valid for too long/],
    ["names no user", { sub: undefined }, /names no user/],
    ["has an empty sub", { sub: "" }, /sub is no user's key/],
    ["has too long a sub", { sub: "a".repeat(129) }, /sub is no user's key/],
    ["has a number as its sub", { sub: 7 as never }, /sub is no user's key/],
    ["has a NUL in its sub", { sub: "7\0" }, /sub is no user's key/],
    ["has half a character in its sub", { sub: "\ud800" }, /sub is no user's key/],
    ["has a sub that is kept for others", { sub: `${FIRST_KEYED_USER}` }, /kept for users with other keys/],
  ])("if it %s", async (_, more, sentence) => {
    expect(await refusal(token(more))).toMatch(sentence);
  });

  test("if its typ is of something else", async () => {
    expect(await refusal(sign(claims(), undefined, { typ: "dpop+jwt" }))).toMatch(/typ is neither JWT nor at\+jwt/);
    expect(await refusal(sign(claims(), undefined, { typ: "logout+jwt" }))).toMatch(/typ is neither/);
  });

  test("if it is signed with another secret, or with none", async () => {
    expect(await refusal(sign(claims(), Buffer.from("another secret of at least thirty-two bytes")))).toMatch(
      /signature/,
    );
    const [, payload] = (await token()).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    expect(await refusal(`${none}.${payload}.`)).toMatch(/sign it by HS256$/);
    const hs512 = await sign(claims(), Buffer.from("x".repeat(64)), { alg: "HS512" });
    expect(await refusal(hs512)).toMatch(/sign it by HS256$/);
  });

  test("if its claims were changed", async () => {
    const [header, , signature] = (await token()).split(".");
    const payload = Buffer.from(JSON.stringify(claims({ sub: "8" }))).toString("base64url");
    expect(await refusal(`${header}.${payload}.${signature}`)).toMatch(/signature/);
  });

  test.each(["a.b.c", "..", "a.b", "eyJhbGciOiJIUzI1NiJ9.e30.", `${"a".repeat(9_000)}.b.c`])(
    "if it is %.40s",
    async (text) => {
      expect(await refusal(text)).toMatch(/malformed|signature|no (exp|iat|aud|iss)|more than 8192 characters/);
    },
  );

  test("if it demands what isn't understood", async () => {
    const signed = await token();
    const [, payload, signature] = signed.split(".");
    const header = Buffer.from('{"alg":"HS256","crit":["x"],"x":1}').toString("base64url");
    expect(await refusal(`${header}.${payload}.${signature}`)).toMatch(/malformed/);
  });

  test.each([
    [{}, /there is no token; send the header authorization: Bearer/],
    [{ authorization: "" }, /there is no token/],
    [{ authorization: "Basic dXNlcjpwYXNz" }, /send Bearer, a space, and the token/],
    [{ authorization: "Bearer" }, /send Bearer/],
    [{ authorization: "Bearer a b" }, /send Bearer/],
  ])("if it comes as %j", async (headers, sentence) => {
    const error = await Promise.resolve()
      .then(() => identification().identify(call(headers as Record<string, string>)))
      .catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringMatching(sentence) });
    expect((error as ConnectError).metadata.get("www-authenticate")).toBe("Bearer");
  });
});

describe("what is known of a token", () => {
  test("is kept, so that a call costs nothing, until the token expires", async () => {
    const { identify, users } = identification();
    const signed = await token();
    const caller = await who(identify, signed);
    expect(identify(call(bearer(signed)))).toBe(caller); // no promise
    expect(users.asked.signIn).toBe(1);
    later(606_000);
    expect(await refusal(signed, { ...identification(), identify })).toMatch(/expired/);
  });

  test("[P7] is kept of so many tokens only", async () => {
    const { identify, users } = identification({ limits: { verifiedTokens: 2 } });
    const signed = await Promise.all(["1", "2", "3"].map((sub) => token({ sub })));
    for (const each of signed) await who(identify, each);
    for (const each of signed.slice(1)) expect(identify(call(bearer(each)))).not.toBeInstanceOf(Promise);
    expect(identify(call(bearer(signed[0]!)))).toBeInstanceOf(Promise);
    await vi.waitFor(() => expect(users.asked.signIn).toBe(4));
  });

  test("is of no use for another text of the same token", async () => {
    const { identify } = identification();
    const signed = await token();
    await who(identify, signed);
    expect(await refusal(`${signed.slice(0, -3)}AAA`, { ...identification(), identify })).toMatch(
      /signature|malformed/,
    );
  });
});

test("a call that anyone may make needs no token, and isn't refused for a bad one", () => {
  const { identify } = identification();
  const anyones = { may: ["anyone"] } as unknown as Rpc;
  expect(identify(call({}, anyones))).toBeUndefined();
  expect(identify(call(bearer("a.b.c"), anyones))).toBeUndefined();
});

test("while the database can't be reached, a new token is answered with UNAVAILABLE", async () => {
  const { identify, users } = identification();
  users.isGone = true;
  await expect(who(identify, await token())).rejects.toMatchObject({ code: Code.Unavailable });
  users.isGone = false;
  expect(await who(identify, await token())).toMatchObject({ userId: 7n });
});
