import { createHash, randomBytes } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { describe, expect, test } from "vitest";
import { FIRST_KEYED_USER } from "../../src/chat/user-store.ts";
import type { Auth, JwtAuth } from "../../src/rpc/auth.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { bearer, call, claims, identification, JWT, sign, token } from "../support/tokens.ts";

const TRUST: Auth = { mode: "trust" };
const anyones = { may: ["anyone"] } as unknown as Rpc;
const newKey = () => randomBytes(32).toString("base64url");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function withKeys(...apiKeys: string[]) {
  const auth: JwtAuth = { ...JWT, apiKeys };
  const { identify, users } = identification({ auth });
  return { users, who: async (headers: Readonly<Record<string, string>>) => identify(call(headers)), identify };
}

async function refusal(answer: Promise<unknown>, code: Code): Promise<string> {
  const error = await answer.then(() => expect.unreachable(), ConnectError.from);
  expect(error.code).toBe(code);
  return error.rawMessage;
}

describe("API_KEYS", () => {
  test("speak for services; several count, as they are or as digests", async () => {
    const [a, b, c] = [newKey(), newKey(), `${randomBytes(32).toString("base64")}`];
    const { who, users } = withKeys(a, `sha256:${sha256(b).toUpperCase()}`, c);
    for (const key of [a, b, c]) {
      expect(await who(bearer(key))).toEqual({
        kind: "service",
        userId: 0n,
        views: [],
        name: `key ${sha256(key).slice(0, 8)}`,
      });
    }
    expect(users.asked).toEqual({ signIn: 0, idOf: 0, revocations: 0 });
  });

  test("that were used before cost nothing", async () => {
    const key = newKey();
    const { who, identify } = withKeys(key);
    const caller = await who(bearer(key));
    expect(identify(call(bearer(key)))).toBe(caller);
  });

  test("are compared as a whole", async () => {
    const key = newKey();
    const { who } = withKeys(key, `sha256:${sha256(newKey())}`);
    const wrong = [key.slice(0, -1), `${key}A`, newKey(), sha256(key), `sha256:${sha256(key)}`, key.toLowerCase()];
    for (const each of wrong) {
      const sentence = await refusal(who(bearer(each)), Code.Unauthenticated);
      expect(sentence).toMatch(/none of this server's API_KEYS/);
      expect(sentence).not.toContain(each);
    }
    await refusal(withKeys().who(bearer(key)), Code.Unauthenticated);
  });

  test("and tokens of services are refused from a page, whatever its origin", async () => {
    const key = newKey();
    const { who } = withKeys(key);
    for (const credentials of [key, await token({ scope: "service" })]) {
      const sentence = await refusal(who({ ...bearer(credentials), origin: "null" }), Code.PermissionDenied);
      expect(sentence).toMatch(/must not be in a browser/);
    }
    expect(await who({ ...bearer(await token()), origin: "https://app.example" })).toMatchObject({ kind: "user" });
  });
});

describe("the header roomlog-user", () => {
  const key = newKey();

  test.each([
    ["7", 7n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["auth0|9f3c", FIRST_KEYED_USER],
    ["a b+c/d@e", FIRST_KEYED_USER],
    ["J%C3%BCrgen", FIRST_KEYED_USER],
    ["100%25", FIRST_KEYED_USER],
  ])("%s says for whom a service acts", async (name, userId) => {
    const { who, users } = withKeys(key);
    const credentials = [key, await token({ scope: "service" })];
    for (const each of credentials) {
      expect(await who({ ...bearer(each), "roomlog-user": name })).toMatchObject({ kind: "service", userId });
    }
    expect(users.asked.idOf).toBe(1);
    expect(await users.idOf(decodeURIComponent(name), false)).toBe(userId);
  });

  test("may be a key of 128 characters, of any script", async () => {
    const { who, users } = withKeys(key);
    const name = "ü".repeat(128);
    expect(await who({ ...bearer(key), "roomlog-user": encodeURIComponent(name) })).toMatchObject({
      userId: FIRST_KEYED_USER,
    });
    expect(await users.idOf(name, false)).toBe(FIRST_KEYED_USER);
  });

  test.each(["", "a".repeat(129), "%", "%zz", "%ff", "J\u00fcrgen", "a%00b", "tab\there"])(
    "can't be %j",
    async (name) => {
      const sentence = await refusal(withKeys(key).who({ ...bearer(key), "roomlog-user": name }), Code.InvalidArgument);
      expect(sentence).toMatch(/^the header roomlog-user is no user's key/);
    },
  );

  test("is nobody's with a number that is kept for others", async () => {
    await refusal(withKeys(key).who({ ...bearer(key), "roomlog-user": `${FIRST_KEYED_USER}` }), Code.InvalidArgument);
  });

  test("is not for users", async () => {
    for (const more of [{}, { sub: undefined, view: ["12"] }]) {
      const credentials = bearer(await token(more));
      const sentence = await refusal(withKeys().who({ ...credentials, "roomlog-user": "8" }), Code.PermissionDenied);
      expect(sentence).toMatch(/is for services/);
    }
  });

  test("[P7] is remembered of so many users", async () => {
    const auth: JwtAuth = { ...JWT, apiKeys: [key] };
    const { identify, users } = identification({ auth, limits: { namedUsers: 2 } });
    const actFor = async (user: string) => identify(call({ ...bearer(key), "roomlog-user": user }));
    for (const user of ["1", "2", "3", "3", "2", "1"]) await actFor(user);
    expect(users.asked.idOf).toBe(4);
  });
});

describe("with AUTH=trust", () => {
  test("everybody is believed, and acts for the user of the header, if any", async () => {
    const { identify, users } = identification({ auth: TRUST });
    const trusted = { kind: "trusted", userId: 0n, views: [], name: "trusted" };
    expect(identify(call())).toEqual(trusted);
    expect(await identify(call({ "roomlog-user": "auth0|9f" }))).toEqual({ ...trusted, userId: FIRST_KEYED_USER });
    expect(identify(call({ "roomlog-user": "auth0|9f" }))).toEqual({ ...trusted, userId: FIRST_KEYED_USER });
    expect(identify(call({ authorization: "Bearer x", origin: "https://app.example" }))).toEqual(trusted);
    expect(users.asked).toEqual({ signIn: 0, idOf: 1, revocations: 0 });
  });
});

describe("while AUTH is undecided", () => {
  const { identify } = identification({ auth: { mode: "undecided" } });

  test("every call is refused, and told what to set", async () => {
    const some: Record<string, string>[] = [{}, bearer(await token()), { "roomlog-user": "7" }];
    for (const headers of some) {
      const sentence = await refusal((async () => identify(call(headers)))(), Code.FailedPrecondition);
      expect(sentence).toMatch(
        /set AUTH=jwt with JWT_ISSUER, JWT_AUDIENCE, and JWT_SECRET or JWT_JWKS_URL.*AUTH=trust/,
      );
    }
  });

  test("but for those that anyone may make", () => {
    expect(identify(call({}, anyones))).toBeUndefined();
  });
});

test("neither the log nor an error has any part of a token or a key", async () => {
  const records: LogRecord[] = [];
  configureSync({
    reset: true,
    sinks: { memory: (record) => void records.push(record) },
    loggers: [{ category: [], lowestLevel: "trace", sinks: ["memory"] }],
  });
  try {
    const key = newKey();
    const { who } = withKeys(key, newKey());
    const rpc = { method: { name: "SendMessage", parent: { typeName: "chat" } } } as unknown as Rpc;
    const credentials = [
      key,
      newKey(),
      ...(await Promise.all([
        token(),
        token({ scope: "service" }),
        token({ sub: undefined, view: ["12"] }),
        token({ exp: 1 }),
        token({ iss: "https://secret.example/issuer" }),
        token({ aud: "a-secret-audience" }),
        token({ view: ["a-secret-room", 7] }),
        sign(claims(), Buffer.from("another secret of at least thirty-two bytes")),
      ])),
    ];
    for (const each of [...credentials, `${credentials[2]}x`]) {
      const answer = await who({ ...bearer(each), "roomlog-user": "%" }).catch(ConnectError.from);
      const ended = call({}, rpc);
      if (!(answer instanceof ConnectError)) ended.caller = answer;
      ended.end(answer instanceof ConnectError ? answer : undefined);
      const told = [
        answer instanceof ConnectError ? `${answer} ${answer.stack} ${answer.cause}` : "",
        ...records.splice(0).map(text),
      ];
      expect(told.length).toBeGreaterThan(1);
      for (const secret of [each, ...each.split(".").filter((part) => part.length > 12), "secret"]) {
        for (const line of told) expect(line).not.toContain(secret);
      }
    }
  } finally {
    resetSync();
  }
});

function text({ message, properties }: LogRecord): string {
  return JSON.stringify({ message, properties });
}
