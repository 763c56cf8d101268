import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** What each folder of src/ may import, beside itself and gen/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  chat: [],
  rpc: ["chat"],
  http: ["rpc", "chat"],
  auth: ["rpc", "chat"],
  libsql: ["chat"],
  node: ["http", "rpc", "chat", "auth", "libsql"],
  workers: ["http", "rpc", "chat", "auth", "libsql"],
};

test("dependencies point one way", () => {
  const wrong: string[] = [];
  for (const file of globSync("src/**/*.ts")) {
    const [, folder] = file.split("/");
    for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from|import)[\s(]*"(\.[^"]+)"/g)) {
      const [root, imported] = join(dirname(file), path!).split("/");
      const isAllowed = root === "gen" || imported === folder || MAY_IMPORT[folder!]!.includes(imported!);
      if (!isAllowed) wrong.push(`${file} imports ${path}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("the service knows nothing of Connect's protocols", () => {
  for (const file of globSync("src/chat/*.ts")) {
    expect(readFileSync(file, "utf8"), file).not.toMatch(
      /@connectrpc\/connect\/|@connectrpc\/connect-|JSON\.(parse|stringify)|toBinary|toJson/,
    );
  }
});

test("no file of src is longer than 250 lines", () => {
  for (const file of globSync("src/**/*.ts")) {
    expect(readFileSync(file, "utf8").split("\n").length, file).toBeLessThanOrEqual(251);
  }
});
