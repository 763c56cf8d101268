import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { ConfigError, limitVariable, parseConfig } from "../../src/http/config.ts";

/** The problems of an environment, a line each. */
function problems(env: Record<string, string>): string[] {
  try {
    parseConfig(env);
  } catch (e) {
    expect(e).toBeInstanceOf(ConfigError);
    return (e as ConfigError).message.split("\n");
  }
  return [];
}

describe("the environment", () => {
  const defaults = {
    host: "127.0.0.1",
    port: 8080,
    databaseUrl: "file:data/roomlog.db",
    databaseAuthToken: undefined,
    auth: { mode: "trust" },
    roomCreation: "services",
    corsOrigins: [],
    logLevel: "info",
    limits: LIMITS,
  };

  test("may be empty", () => {
    expect(parseConfig({})).toEqual(defaults);
  });

  test("counts an empty or blank variable as unset", () => {
    const names = ["HOST", "PORT", "DATABASE_URL", "DATABASE_AUTH_TOKEN", "AUTH", "CORS_ORIGINS", "LOG_LEVEL"];
    names.push(
      "JWT_ISSUER",
      "JWT_AUDIENCE",
      "JWT_SECRET",
      "JWT_JWKS_URL",
      "TOKEN_MAX_TTL",
      "API_KEYS",
      "ROOM_CREATION",
    );
    names.push(...Object.keys(LIMITS).map(limitVariable));
    expect(parseConfig(Object.fromEntries(names.map((name) => [name, ""])))).toEqual(defaults);
    expect(parseConfig(Object.fromEntries(names.map((name) => [name, " \t"])))).toEqual(defaults);
  });

  test("sets everything", () => {
    const env = {
      HOST: "0.0.0.0",
      PORT: "0",
      DATABASE_URL: "libsql://chat.example.com",
      DATABASE_AUTH_TOKEN: "secret",
      AUTH: "trust",
      ROOM_CREATION: "users",
      CORS_ORIGINS: "https://app.example.com, http://localhost:5173",
      LOG_LEVEL: "debug",
      LIMIT_OPEN_STREAMS: "7",
      LIMIT_LOG_PAGE_CHANGES: " 1 ",
    };
    expect(parseConfig(env)).toEqual({
      host: "0.0.0.0",
      port: 0,
      databaseUrl: "libsql://chat.example.com",
      databaseAuthToken: "secret",
      auth: { mode: "trust" },
      roomCreation: "users",
      corsOrigins: ["https://app.example.com", "http://localhost:5173"],
      logLevel: "debug",
      limits: { ...LIMITS, openStreams: 7, logPageChanges: 1 },
    });
  });

  test("is told all its problems at once, a line each, with what would be right", () => {
    const env = {
      HOST: "0.0.0.0",
      PORT: "http",
      DATABASE_URL: "postgres://x",
      ROOM_CREATION: "everybody",
      CORS_ORIGINS: "app.example.com https://ok.example.com https://x.example.com/path",
      LOG_LEVEL: "loud",
      LIMIT_REQUEST_BYTES: "64k",
      LIMIT_STALL_MS: "0",
    };
    expect(problems(env)).toEqual([
      expect.stringMatching(/^PORT is http; use .*65535/),
      expect.stringMatching(/^DATABASE_URL is postgres:\/\/x; use file:/),
      expect.stringMatching(/^HOST 0\.0\.0\.0 can be reached.*AUTH=jwt.*AUTH=trust/),
      expect.stringMatching(/^ROOM_CREATION is everybody; use one of services, users/),
      expect.stringMatching(/^CORS_ORIGINS has app\.example\.com; use/),
      expect.stringMatching(/^CORS_ORIGINS has https:\/\/x\.example\.com\/path; use/),
      expect.stringMatching(/^LOG_LEVEL is loud; use one of .*info/),
      expect.stringMatching(/^LIMIT_REQUEST_BYTES is 64k; use .* from 1/),
      expect.stringMatching(/^LIMIT_STALL_MS is 0; use .* from 1/),
    ]);
  });

  test.each<Record<string, string>>([
    { DATABASE_URL: "x", DATABASE_AUTH_TOKEN: "secret" },
    { DATABASE_URL: "postgres://app:secret@db.example/x?password=secret" },
    { DATABASE_URL: "https://app:secret@db.example" },
    { DATABASE_URL: "libsql://secret@db.example" },
    { DATABASE_URL: "https://app:se?cret/secret#@db.example:secret?authToken=secret@secret" },
    { DATABASE_URL: "http://[?authToken=secret" },
    { DATABASE_URL: "sqlite:x#secret" },
    { AUTH: "jwt", JWT_SECRET: "secret", API_KEYS: "secret,sha256:secret" },
    { AUTH: "jwt", JWT_SECRET: "secret".repeat(6), JWT_JWKS_URL: "https://secret.example" },
    { AUTH: "jwt", JWT_JWKS_URL: "https://app:secret@issuer.example/?key=secret" },
    { AUTH: "trust", JWT_SECRET: "secret", API_KEYS: "secret" },
  ])("never shows a secret: %j", (env) => {
    expect(problems(env).join()).toMatch(/^(?!.*secret).+$/);
  });
});

describe("AUTH", () => {
  test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])("is trust by default on %s", (HOST) => {
    expect(parseConfig({ HOST }).auth).toEqual({ mode: "trust" });
  });

  test.each([
    "0.0.0.0",
    "::",
    "[::]",
    "192.168.1.5",
    "chat.example.com",
    "127.0.0.1.example.com",
    "localhost.example.com",
  ])("must be set on %s", (HOST) => {
    expect(problems({ HOST })).toEqual([expect.stringContaining("AUTH=trust")]);
    expect(parseConfig({ HOST, AUTH: "trust" }).auth).toEqual({ mode: "trust" });
    expect(parseConfig({ HOST }, { mayBeUndecided: true }).auth).toEqual({ mode: "undecided" });
  });

  test.each(["none", "undecided", "JWT"])("can't be %s", (AUTH) => {
    expect(problems({ AUTH })).toEqual([expect.stringMatching(new RegExp(`^AUTH is ${AUTH}; use jwt or trust`))]);
    expect(problems({ AUTH, HOST: "0.0.0.0" })).toHaveLength(1);
    expect(() => parseConfig({ AUTH, HOST: "0.0.0.0" }, { mayBeUndecided: true })).toThrow("use jwt or trust");
  });

  test.each(["JWT_ISSUER", "JWT_AUDIENCE", "JWT_SECRET", "JWT_JWKS_URL", "TOKEN_MAX_TTL", "API_KEYS"])(
    "is not to be trust with %s, which would protect nothing",
    (name) => {
      const sentence = expect.stringMatching(new RegExp(`^${name}: nothing is protected.*AUTH=jwt`));
      expect(problems({ AUTH: "trust", [name]: "x" })).toEqual([sentence]);
      expect(problems({ [name]: "x" })).toEqual([sentence]);
    },
  );

  test("is not to be trust for pages of any origin", () => {
    expect(problems({ CORS_ORIGINS: "*" })).toEqual([expect.stringMatching(/^CORS_ORIGINS is \*, and any page/)]);
    expect(problems({ AUTH: "trust", HOST: "0.0.0.0", CORS_ORIGINS: "https://a.example *" })).toHaveLength(1);
  });
});

describe("AUTH=jwt", () => {
  const jwt = { AUTH: "jwt", JWT_ISSUER: "https://issuer.example/", JWT_AUDIENCE: "roomlog" };
  const JWT_SECRET = "x".repeat(32);
  const API_KEY = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE";

  test("has a secret or a URL of keys", () => {
    const auth = {
      mode: "jwt",
      issuer: "https://issuer.example/",
      audience: "roomlog",
      keys: { secret: JWT_SECRET },
      maxTtlMs: 3_600_000,
      apiKeys: [],
    };
    expect(parseConfig({ ...jwt, JWT_SECRET, HOST: "0.0.0.0" }).auth).toEqual(auth);
    const jwksUrl = "https://issuer.example/jwks.json";
    expect(parseConfig({ ...jwt, JWT_JWKS_URL: jwksUrl }).auth).toEqual({ ...auth, keys: { jwksUrl } });
  });

  test("is told all that is missing", () => {
    expect(problems({ AUTH: "jwt" })).toEqual([
      expect.stringMatching(/^AUTH=jwt needs JWT_ISSUER: /),
      expect.stringMatching(/^AUTH=jwt needs JWT_AUDIENCE: /),
      expect.stringMatching(/^AUTH=jwt needs what verifies tokens: JWT_JWKS_URL .* JWT_SECRET/),
    ]);
  });

  test("takes pages of any origin, since each needs a token", () => {
    expect(parseConfig({ ...jwt, JWT_SECRET, CORS_ORIGINS: "*" }).corsOrigins).toEqual(["*"]);
  });

  test("has one way in which tokens are signed", () => {
    const both = { ...jwt, JWT_SECRET, JWT_JWKS_URL: "https://issuer.example" };
    expect(problems(both)).toEqual([expect.stringMatching(/^JWT_SECRET and JWT_JWKS_URL: set one of them/)]);
  });

  test.each([
    ["x".repeat(31), 31],
    ["ü".repeat(15), 30],
  ])("takes no weak secret", (weak, bytes) => {
    expect(problems({ ...jwt, JWT_SECRET: weak })).toEqual([
      expect.stringMatching(new RegExp(`^JWT_SECRET has ${bytes} bytes; use 32 or more .*openssl rand`)),
    ]);
  });

  test.each(["https://issuer.example/keys", "http://127.0.0.1:8090/keys", "http://localhost/keys", "http://[::1]:9/"])(
    "takes keys from %s",
    (JWT_JWKS_URL) => {
      expect(problems({ ...jwt, JWT_JWKS_URL })).toEqual([]);
    },
  );

  test.each(["http://issuer.example", "issuer.example", "file:keys.json", "https://a:b@issuer.example", "https://"])(
    "takes no keys from %s",
    (JWT_JWKS_URL) => {
      expect(problems({ ...jwt, JWT_JWKS_URL })).toEqual([expect.stringMatching(/^JWT_JWKS_URL is not https:\/\//)]);
    },
  );

  test.each([
    ["1h", 3_600_000],
    ["15m", 900_000],
    ["90s", 90_000],
    ["24h", 86_400_000],
  ])("lets tokens count for %s", (TOKEN_MAX_TTL, maxTtlMs) => {
    expect(parseConfig({ ...jwt, JWT_SECRET, TOKEN_MAX_TTL }).auth).toMatchObject({ maxTtlMs });
  });

  test.each(["0s", "25h", "1d", "60", "1.5h", "-1h", "h", "1 h", "9999999999s"])(
    "lets none count for %s",
    (TOKEN_MAX_TTL) => {
      expect(problems({ ...jwt, JWT_SECRET, TOKEN_MAX_TTL })).toEqual([
        expect.stringMatching(new RegExp(`^TOKEN_MAX_TTL is ${TOKEN_MAX_TTL}; use a time up to 24h`)),
      ]);
    },
  );

  test("takes several keys of backends, as they are or as digests", () => {
    const digest = `sha256:${"0aF".repeat(21)}0`;
    expect(parseConfig({ ...jwt, JWT_SECRET, API_KEYS: ` ${API_KEY}, ${digest}\n${API_KEY}+/==` }).auth).toMatchObject({
      apiKeys: [API_KEY, digest, `${API_KEY}+/==`],
    });
  });

  test.each([
    "short",
    API_KEY.slice(1),
    `${API_KEY}.`,
    `backend:${API_KEY}`,
    `sha256:${"0".repeat(63)}`,
    `sha256:${"g".repeat(64)}`,
  ])("doesn't take the key %s", (key) => {
    expect(problems({ ...jwt, JWT_SECRET, API_KEYS: `${API_KEY},${key}` })).toEqual([
      expect.stringMatching(/^API_KEYS: number 2 is neither a key of 43 or more characters.*openssl rand.*nor sha256:/),
    ]);
  });
});

test("HOST may be written as in a URL", () => {
  expect(parseConfig({ HOST: "[::1]" }).host).toBe("::1");
});

test.each(["-1", "65536", "80.5", "0x", "1e", "eighty", "NaN", "Infinity"])("PORT can't be %s", (PORT) => {
  expect(problems({ PORT })).toEqual([expect.stringContaining(`PORT is ${PORT}`)]);
});

test.each([
  "file:data/x.db",
  "file:/tmp/x.db",
  "file:///tmp/x.db",
  "http://127.0.0.1:8081",
  "https://x.turso.io",
  "libsql://x.turso.io",
])("DATABASE_URL may be %s", (DATABASE_URL) => {
  expect(parseConfig({ DATABASE_URL }).databaseUrl).toBe(DATABASE_URL);
});

test.each([
  "data/x.db",
  "file:",
  ":memory:",
  "file::memory:",
  "file::memory:?cache=shared",
  "sqlite:x",
  "wss://x",
  "http://",
])("DATABASE_URL can't be %s", (DATABASE_URL) => {
  const shown = DATABASE_URL.replace(/\?.*/, "");
  expect(problems({ DATABASE_URL })).toEqual([expect.stringContaining(`DATABASE_URL is ${shown}; `)]);
});

test.each(["https://a:b@x.turso.io", "libsql://a@x.turso.io", "http://:b@127.0.0.1:8081/?tls=0"])(
  "DATABASE_URL can't have a user or password: %s",
  (DATABASE_URL) => {
    expect(problems({ DATABASE_URL })).toEqual([expect.stringMatching(/has a user or password.*DATABASE_AUTH_TOKEN/)]);
  },
);

test("CORS_ORIGINS is separated by commas or spaces", () => {
  expect(
    parseConfig({ CORS_ORIGINS: "https://a.example , https://b.example:8443 http://c.example," }).corsOrigins,
  ).toEqual(["https://a.example", "https://b.example:8443", "http://c.example"]);
});

test.each(["https://a.example/", "https://*.example", "null", "HTTPS://A.EXAMPLE", "https://a.example:443"])(
  "CORS_ORIGINS can't be %s",
  (CORS_ORIGINS) => {
    expect(problems({ CORS_ORIGINS })).toEqual([expect.stringContaining(`CORS_ORIGINS has ${CORS_ORIGINS}`)]);
  },
);

describe("limits", () => {
  test.each(Object.keys(LIMITS) as (keyof typeof LIMITS)[])("%s has a variable of its own", (name) => {
    expect(parseConfig({ [limitVariable(name)]: "12345" }).limits).toEqual({ ...LIMITS, [name]: 12_345 });
  });

  test("are spelt like other variables", () => {
    expect(limitVariable("openStreams")).toBe("LIMIT_OPEN_STREAMS");
    expect(limitVariable("logPageChanges")).toBe("LIMIT_LOG_PAGE_CHANGES");
    expect(limitVariable("resets")).toBe("LIMIT_RESETS");
  });

  test.each(["0", "-1", "1.5", "many", "1_000", "NaN", "Infinity", "9007199254740993"])("can't be %s", (limit) => {
    expect(problems({ LIMIT_OPEN_STREAMS: limit })).toEqual([
      expect.stringContaining(`LIMIT_OPEN_STREAMS is ${limit};`),
    ]);
  });
});

test("[P7] README names every limit, with its default", () => {
  const readme = readFileSync("README.md", "utf8");
  for (const [name, limit] of Object.entries(LIMITS)) {
    const row = new RegExp(`^\\| \`${name}\` +\\| +${limit.toLocaleString("en")} \\| \\S`, "m");
    expect(readme, name).toMatch(row);
  }
});
