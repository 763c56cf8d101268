import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, StatementError } from "../../src/libsql/database.ts";

/** The rules of Database in src/libsql/database.ts that hold without anything breaking. */
export function databaseContract(name: string, open: () => Promise<Database>): void {
  describe(`${name} is a libSQL database`, () => {
    let database: Database;

    beforeAll(async () => {
      database = await open();
      await database.write(["CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT"]);
    });
    afterAll(() => database?.[Symbol.asyncDispose]());

    test("[D1] the statements of one write happen together", async () => {
      const [inserted, counted] = await database.write([
        "INSERT INTO things (name) VALUES ('a'), ('b') RETURNING name",
        "SELECT count(*) AS n FROM things",
      ]);
      expect(inserted).toEqual([{ name: "a" }, { name: "b" }]);
      expect(counted).toEqual([{ n: 2n }]);
    });

    test.each([
      ["violates a constraint", "INSERT INTO things (name) VALUES ('taken')", /^SQLITE_CONSTRAINT/],
      ["is wrong", "INSERT INTO nothing VALUES (1)", /^SQL/],
    ])("[D1][D2] none of them happened if one %s", async (_, statement, code) => {
      await database.write(["INSERT OR IGNORE INTO things (name) VALUES ('taken')"]);
      const write = database.write([
        "INSERT INTO things (name) VALUES ('rolled back')",
        statement,
        "INSERT INTO things (name) VALUES ('rolled back too')",
      ]);
      const reason = await write.catch((e: unknown) => e);
      expect(reason).toBeInstanceOf(StatementError);
      expect((reason as StatementError).code).toMatch(code);
      expect(await database.read(["SELECT * FROM things WHERE name LIKE 'rolled back%'"])).toEqual([[]]);
    });

    test("[D2] what a write resolved with is there for every other connection", async () => {
      await using other = await open();
      for (let i = 0; i < 5; i++) {
        const [rows] = await database.write(["INSERT INTO things (name) VALUES (random()) RETURNING id"]);
        expect(await other.read(["SELECT max(id) AS id FROM things"])).toEqual([rows]);
      }
    });

    test("texts come back as they were, of reads and of writes", async () => {
      const texts = ["\ufeff", "\ufeffa", " \u0001\u2028'\"\\", "ä€😀", "null", ""];
      const statements = texts.map((text) => ({ sql: "SELECT ?1 AS text", args: [text] }));
      const expected = texts.map((text) => [{ text }]);
      expect(await database.read(statements)).toEqual(expected);
      expect(await database.write(statements)).toEqual(expected);
    });

    test("reads give integers as bigint, and several results in order", async () => {
      expect(await database.read(["SELECT -1 AS n, NULL AS none", "SELECT 'text' AS t"])).toEqual([
        [{ n: -1n, none: null }],
        [{ t: "text" }],
      ]);
    });

    test("values have the names of their columns, also where others have added some meanwhile", async () => {
      await using other = await open();
      await database.write(["CREATE TABLE grown (a INTEGER)", "INSERT INTO grown VALUES (1)"]);
      const statements = [
        "SELECT grown.*, 'end' AS last FROM grown",
        "UPDATE grown SET a = 1 RETURNING *, 'end' AS last",
      ];
      expect(await database.write(statements)).toEqual(Array(2).fill([{ a: 1n, last: "end" }]));
      await other.write(["ALTER TABLE grown ADD COLUMN b INTEGER NOT NULL DEFAULT 2"]);
      for (let i = 0; i < 2; i++) {
        expect(await database.write(statements)).toEqual(Array(2).fill([{ a: 1n, b: 2n, last: "end" }]));
      }
      await database.write(["DROP TABLE grown"]);
    });

    test("[D6] the greatest integer comes back as it is", async () => {
      const greatest = database.greatestInteger;
      await database.write(["CREATE TABLE IF NOT EXISTS numbers (n INTEGER) STRICT"]);
      const insert = { sql: "INSERT INTO numbers VALUES (?1) RETURNING n", args: [greatest] };
      expect(await database.write([insert])).toEqual([[{ n: greatest }]]);
      const select = { sql: "SELECT n FROM numbers WHERE n = ?1", args: [greatest] };
      expect(await database.read([select, { ...select, args: [greatest - 1n] }])).toEqual([[{ n: greatest }], []]);
      await database.write(["DELETE FROM numbers"]);
    });

    test("[D6] greater ones may be asked for, and are found nowhere", async () => {
      const args = [2n ** 63n - 2n];
      expect(await database.read([{ sql: "SELECT id FROM things WHERE id = ?1", args }])).toEqual([[]]);
    });
  });
}
