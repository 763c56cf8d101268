import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../src/http/config.ts";
import { withSecretFiles } from "../../src/node/secret-files.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory?.[Symbol.asyncDispose]());

async function file(name: string, content: string): Promise<string> {
  const path = `${directory.path}/${name}`;
  await writeFile(path, content);
  return path;
}

/** The problems of an environment, a line each. */
function problems(env: Record<string, string>): string[] {
  try {
    withSecretFiles(env);
  } catch (e) {
    expect(e).toBeInstanceOf(ConfigError);
    return (e as ConfigError).message.split("\n");
  }
  return [];
}

describe("secrets in files", () => {
  test("count as if their variables said them, without the newline at the end", async () => {
    const env = withSecretFiles({
      AUTH: "jwt",
      JWT_ISSUER: "i",
      JWT_AUDIENCE: "a",
      JWT_SECRET: " ",
      JWT_SECRET_FILE: await file("secret", `${"x".repeat(32)}\r\n`),
      API_KEYS_FILE: await file("keys", `${"a".repeat(43)}\n${"b".repeat(43)}\n`),
      DATABASE_URL_FILE: await file("url", "libsql://db.example\n"),
      DATABASE_AUTH_TOKEN_FILE: await file("token", "t\n"),
    });
    expect(parseConfig(env)).toMatchObject({
      databaseUrl: "libsql://db.example",
      databaseAuthToken: "t",
      auth: { mode: "jwt", keys: { secret: "x".repeat(32) }, apiKeys: ["a".repeat(43), "b".repeat(43)] },
    });
  });

  test("are no others than those, and need not be", () => {
    const env = { PORT_FILE: "/nowhere", LOG_LEVEL: "debug", JWT_SECRET_FILE: " " };
    expect(parseConfig(withSecretFiles(env))).toMatchObject({ port: 8080, logLevel: "debug" });
  });

  test("tell all their problems at once, with the path and without the secret", async () => {
    await mkdir(`${directory.path}/folder`);
    expect(
      problems({
        DATABASE_URL_FILE: `${directory.path}/none`,
        DATABASE_AUTH_TOKEN_FILE: `${directory.path}/folder`,
        JWT_SECRET: "secret",
        JWT_SECRET_FILE: await file("secret", "secret"),
        API_KEYS_FILE: await file("empty", "\n"),
      }),
    ).toEqual([
      `DATABASE_URL_FILE: ${directory.path}/none can't be read (ENOENT)`,
      `DATABASE_AUTH_TOKEN_FILE: ${directory.path}/folder can't be read (EISDIR)`,
      "JWT_SECRET and JWT_SECRET_FILE: set one of them",
      `API_KEYS_FILE: ${directory.path}/empty is empty`,
    ]);
  });
});
