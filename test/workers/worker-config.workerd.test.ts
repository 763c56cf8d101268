import { expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { workerConfig } from "../../src/workers/worker-config.ts";

const configOf = (variables: Readonly<Record<string, string>>) =>
  workerConfig({ AUTH: "trust", ...variables } as unknown as Cloudflare.Env);

test("without a server the Worker keeps the log itself, in one object; an empty variable counts as unset", () => {
  const alone = { databaseUrl: undefined, databaseObjects: 1, databaseLocation: undefined, restoreTo: undefined };
  expect(configOf({})).toMatchObject(alone);
  expect(configOf({ DATABASE_URL: " ", DATABASE_OBJECTS: "", DATABASE_LOCATION: "", RESTORE_TO: "" })).toMatchObject(
    alone,
  );
});

test("a server may have up to four writers", () => {
  const config = configOf({ DATABASE_URL: "libsql://db.example", DATABASE_OBJECTS: "4", DATABASE_LOCATION: "weur" });
  expect(config).toMatchObject({ databaseUrl: "libsql://db.example", databaseObjects: 4, databaseLocation: "weur" });
});

test.each([
  [{ DATABASE_URL: "file:data/roomlog.db" }, "Workers have no files"],
  [{ DATABASE_OBJECTS: "2" }, "without a DATABASE_URL there is one"],
  [{ DATABASE_URL: "libsql://db.example", DATABASE_OBJECTS: "5" }, "from 1 to 4"],
  [{ DATABASE_URL: "libsql://db.example", DATABASE_OBJECTS: "some" }, "from 1 to 4"],
  [{ DATABASE_LOCATION: "berlin" }, "use one of wnam"],
  [{ RESTORE_TO: "yesterday" }, "use a time such as"],
  [{ RESTORE_TO: "2026-01-01T00:00:00Z", DATABASE_URL: "libsql://db.example" }, "leave one of them out"],
  [{ AUTH: "none" }, "use jwt or trust"],
  [{ CORS_ORIGINS: "*" }, "any page would be believed"],
])("%o is refused with words", (variables, words) => {
  expect(() => configOf(variables)).toThrow(words);
});

test("without AUTH it is undecided who may call, which is no problem of the start", () => {
  expect(configOf({ AUTH: "" }).auth).toEqual({ mode: "undecided" });
  expect(configOf({ AUTH: " ", JWT_ISSUER: "https://issuer.example" }).auth).toEqual({ mode: "undecided" });
});

test("a commit of the longest texts fits into a value of a Durable Object's SQLite", () => {
  const { commitChanges, commitCharacters } = configOf({}).limits;
  const longestRow = JSON.stringify([2 ** 53, 2 ** 53, 2 ** 53, "\u0001".repeat(64), ""]).length;
  expect(6 * commitCharacters + commitChanges * longestRow).toBeLessThan(2_097_152);
  expect(configOf({ DATABASE_URL: "libsql://db.example" }).limits.commitCharacters).toBe(LIMITS.commitCharacters);
});
