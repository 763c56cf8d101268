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
    auth: "trust",
    corsOrigins: [],
    logLevel: "info",
    limits: LIMITS,
  };

  test("may be empty", () => {
    expect(parseConfig({})).toEqual(defaults);
  });

  test("counts an empty or blank variable as unset", () => {
    const names = ["HOST", "PORT", "DATABASE_URL", "DATABASE_AUTH_TOKEN", "AUTH", "CORS_ORIGINS", "LOG_LEVEL"];
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
      auth: "trust",
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
      CORS_ORIGINS: "app.example.com https://ok.example.com https://x.example.com/path",
      LOG_LEVEL: "loud",
      LIMIT_REQUEST_BYTES: "64k",
      LIMIT_STALL_MS: "0",
    };
    expect(problems(env)).toEqual([
      expect.stringMatching(/^PORT is http; use .*65535/),
      expect.stringMatching(/^DATABASE_URL is postgres:\/\/x; use file:/),
      expect.stringMatching(/^HOST 0\.0\.0\.0 can be reached.*AUTH=trust/),
      expect.stringMatching(/^CORS_ORIGINS has app\.example\.com; use/),
      expect.stringMatching(/^CORS_ORIGINS has https:\/\/x\.example\.com\/path; use/),
      expect.stringMatching(/^LOG_LEVEL is loud; use one of .*info/),
      expect.stringMatching(/^LIMIT_REQUEST_BYTES is 64k; use .* from 1/),
      expect.stringMatching(/^LIMIT_STALL_MS is 0; use .* from 1/),
    ]);
  });

  test("never shows the token", () => {
    expect(problems({ DATABASE_URL: "x", DATABASE_AUTH_TOKEN: "secret" }).join()).not.toContain("secret");
  });
});

describe("AUTH", () => {
  test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])("is trust by default on %s", (HOST) => {
    expect(parseConfig({ HOST }).auth).toBe("trust");
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
    expect(parseConfig({ HOST, AUTH: "trust" }).auth).toBe("trust");
  });

  test("has no other mode", () => {
    expect(problems({ AUTH: "none" })).toEqual([expect.stringMatching(/^AUTH is none; /)]);
    expect(problems({ AUTH: "none", HOST: "0.0.0.0" })).toHaveLength(1);
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
  expect(problems({ DATABASE_URL })).toEqual([expect.stringContaining(`DATABASE_URL is ${DATABASE_URL}`)]);
});

test("CORS_ORIGINS may be *, and is separated by commas or spaces", () => {
  expect(parseConfig({ CORS_ORIGINS: "*" }).corsOrigins).toEqual(["*"]);
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
