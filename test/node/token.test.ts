import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { bearer, call, identification, JWT, SECRET } from "../support/tokens.ts";

const JWT_ENV = { JWT_ISSUER: JWT.issuer, JWT_AUDIENCE: JWT.audience, JWT_SECRET: SECRET };

function mint(args: readonly string[], env: Readonly<Record<string, string>> = JWT_ENV) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["src/node/token.ts", ...args], {
    cwd: join(import.meta.dirname, "../.."),
    env,
    encoding: "utf8",
  });
  return { status, stdout: stdout.trim(), stderr };
}

async function callerOf(token: string) {
  return identification().identify(call(bearer(token)));
}

describe("npm run token", () => {
  test("prints a user's token, which the server takes", async () => {
    const { status, stdout, stderr } = mint(["--user", "7", "--ttl", "20m", "--name", "Ann", "--view", "12,post:7"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await callerOf(stdout)).toMatchObject({ kind: "viewer", userId: 7n, views: [{ id: 12n }, { id: 12n }] });
    const { iat, exp, name } = decodeJwt(stdout);
    expect({ ttl: exp! - iat!, name }).toEqual({ ttl: 1_200, name: "Ann" });
  });

  test("prints a service's token, and one without a user", async () => {
    expect(await callerOf(mint(["--service"]).stdout)).toMatchObject({ kind: "service" });
    expect(await callerOf(mint(["--view", "12"]).stdout)).toMatchObject({ kind: "viewer", views: [{ id: 12n }] });
  });

  test("takes the secret from a file", async () => {
    await using directory = await temporaryDirectory();
    const path = `${directory.path}/secret`;
    await writeFile(path, `${SECRET}\n`);
    const { JWT_SECRET, ...env } = JWT_ENV;
    const { stdout } = mint(["--user", "auth0|9f"], { ...env, JWT_SECRET_FILE: path });
    expect(await callerOf(stdout)).toMatchObject({ kind: "user", name: "auth0|9f" });
  });

  test.each<[string[], Record<string, string>, RegExp]>([
    [["--user", "7"], {}, /AUTH=jwt needs JWT_ISSUER[\s\S]*AUTH=jwt needs JWT_AUDIENCE[\s\S]*JWT_SECRET/],
    [["--user", "7"], { ...JWT_ENV, JWT_SECRET: "short" }, /JWT_SECRET has 5 bytes/],
    [
      ["--user", "7"],
      { ...JWT_ENV, JWT_SECRET: "", JWT_JWKS_URL: "https://i.example" },
      /only the issuer signs tokens/,
    ],
    [[], JWT_ENV, /say for whom it is[\s\S]*usage: npm run token/],
    [["--user", "7", "--ttl", "2h"], JWT_ENV, /--ttl is 2h; use a time such as 15m, up to TOKEN_MAX_TTL \(3600 s/],
    [["--user", "7", "--ttl", "soon"], JWT_ENV, /--ttl is soon/],
    [["--uesr", "7"], JWT_ENV, /usage: npm run token/],
  ])("%j is refused with words", (args, env, words) => {
    const { status, stdout, stderr } = mint(args, env);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain(SECRET);
  });

  test("says how it is used", () => {
    expect(mint(["--help"]).stdout).toMatch(/^usage: npm run token/);
  });
});
