import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

describe("npm run migrate", () => {
  let directory: TemporaryDirectory;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(() => directory?.[Symbol.asyncDispose]());

  function migrate(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["src/node/migrate.ts", ...args], {
      cwd: join(import.meta.dirname, "../.."),
      env: { DATABASE_URL: `file:${directory.path}/roomlog.db?token=secret` },
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  }

  test("tells what it does, and that there is nothing more to do", () => {
    const first = migrate();
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toMatch(/^migration 1 of \d+: .*\n(.*\n)*the schema of file:\S+roomlog\.db is up to date\n$/);
    expect(migrate().stdout).toMatch(/^the schema of \S+ is up to date\n$/);
  });

  test("gives another epoch when it is asked for one", () => {
    const epochs = [migrate("--new-epoch"), migrate("--new-epoch")].map(({ stdout }) => {
      return /^its epoch is (\w+) now$/m.exec(stdout)?.[1];
    });
    expect(epochs[0]).toMatch(/\w+/);
    expect(epochs[1]).not.toBe(epochs[0]);
  });

  test.each(["--epoch", "now"])("refuses %s, and says how it is used", (argument) => {
    const { status, stdout, stderr } = migrate(argument);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/usage: npm run migrate/);
  });
});
