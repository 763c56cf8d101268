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

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
}

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

test("every package is locked by its hash, and in production none runs an install script", () => {
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const { allowScripts }: { allowScripts: Record<string, boolean> } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const [path, { integrity, resolved, hasInstallScript, dev }] of Object.entries(lock.packages)) {
    if (path === "") continue;
    expect(integrity, path).toMatch(/^sha512-/);
    expect(resolved, path).toBeUndefined();
    if (hasInstallScript && !dev) expect(allowScripts[path.replace(/^.*node_modules\//, "")], path).toBe(false);
  }
});
