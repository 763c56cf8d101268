import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Libsql from "libsql";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { Connection } from "../../src/libsql/embedded/connection.ts";
import { EmbeddedDatabase } from "../../src/libsql/embedded/database.ts";
import { OpenedFile } from "../../src/libsql/embedded/opened-file.ts";
import { databaseContract } from "../contract/database.ts";
import { expectUnavailable } from "../support/expect-unavailable.ts";
import { OtherProcess } from "../support/other-process.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let directory: TemporaryDirectory;
let files = 0;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory?.[Symbol.asyncDispose]());

async function open(timeoutMs = 5_000) {
  const path = join(directory.path, `${++files}.db`);
  const database = await EmbeddedDatabase.open(`file:${path}`, timeoutMs);
  onTestFinished(() => database[Symbol.asyncDispose]());
  await database.write(["CREATE TABLE things (name TEXT) STRICT"]);
  return { path, database };
}

function insert(name: string) {
  return { sql: "INSERT INTO things (name) VALUES (?)", args: [name] };
}

async function names(database: EmbeddedDatabase): Promise<unknown[]> {
  return (await database.read(["SELECT name FROM things"]))[0]!.map(({ name }) => name);
}

/** A statement that takes seconds. */
const SLOW = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000000) SELECT max(i) FROM n";

let contractUrl: string;
beforeAll(() => {
  contractUrl = `file:${join(directory.path, "contract.db")}`;
});
databaseContract("an embedded file", () => EmbeddedDatabase.open(contractUrl));

describe("what promises of an embedded file rest on", () => {
  test("[D2] every commit is fsynced, deleted text is overwritten, references are kept", async () => {
    const { database } = await open();
    for (const run of [database.read, database.write]) {
      const results = await run.call(
        database,
        ["journal_mode", "synchronous", "secure_delete", "foreign_keys"].map((name) => `PRAGMA ${name}`),
      );
      expect(results.map((rows) => Object.values(rows[0]!)[0])).toEqual(["wal", 2n, 1n, 1n]);
    }
  });

  test("[D2] a file that can't give it is refused in words", () => {
    const path = join(directory.path, `${++files}.db`);
    const exec = Libsql.prototype.exec;
    const lazy = vi.spyOn(Libsql.prototype, "exec").mockImplementation(function (this: Libsql.Database, sql: string) {
      return exec.call(this, sql.replace(/PRAGMA journal_mode = \w+/, ""));
    });
    onTestFinished(() => lazy.mockRestore());
    const connection = new Connection(path, new OpenedFile(path), "write");
    onTestFinished(() => connection.close());
    expect(() => connection.run(["SELECT 1"])).toThrow(
      "the file can't be kept safely: journal_mode is delete, not wal",
    );
    expect(connection.isBroken).toBe(true);
  });

  test("a text that was deleted is soon in none of its files, when nothing more is written", async () => {
    const { path, database } = await open();
    const secret = "the-deleted-text";
    const filesWithSecret = async () => {
      const all = (await readdir(directory.path)).map((name) => join(directory.path, name));
      const own = all.filter((name) => name.startsWith(path));
      const contents = await Promise.all(own.map((name) => readFile(name)));
      return own.filter((_, i) => contents[i]!.includes(secret));
    };
    await database.write([insert(secret.repeat(10)), insert("stays")]);
    await database.write([{ sql: "UPDATE things SET name = '' WHERE name LIKE ?", args: [`${secret}%`] }]);
    expect(await filesWithSecret()).not.toEqual([]);
    await vi.waitFor(async () => expect(await filesWithSecret()).toEqual([]), { timeout: 20_000, interval: 100 });
    expect(await names(database)).toEqual(["", "stays"]);
  });
});

describe("an embedded database, when something breaks", () => {
  test("[D4] a write whose deadline passes during a lock doesn't happen", async () => {
    const { path, database } = await open(300);
    await using other = await OtherProcess.locking("lock", `file:${path}`);
    await expectUnavailable(300, [database.write([insert("late")])]);
    await other.end();
    await database.write([insert("after")]);
    expect(await names(database)).toEqual(["after"]);
  });

  test("[D4] a write that waits too long for others doesn't happen", async () => {
    const { database } = await open(300);
    await expectUnavailable(300, [database.write([SLOW]), database.write([insert("late")])]);
    await vi.waitFor(() => database.write([insert("after")]), { timeout: 60_000 });
    expect(await names(database)).not.toContain("late");
  });

  test.each(["removed", "replaced"])(
    "[D2][D5] a file that was %s under it is UNAVAILABLE until it is back",
    async (what) => {
      const { path, database } = await open();
      await database.write([insert("before")]);
      await database.ping();
      await rename(path, `${path}-away`);
      if (what === "replaced") await writeFile(path, "");
      for (let i = 0; i < 2; i++) {
        await expectUnavailable(0, [database.write([insert("lost")]), database.read(["SELECT 1"]), database.ping()]);
      }
      expect((await readdir(directory.path)).map((name) => join(directory.path, name)).includes(path)).toBe(
        what === "replaced",
      );
      await rename(`${path}-away`, path);
      await database.ping();
      await database.write([insert("after")]);
      expect(await names(database)).toEqual(["before", "after"]);
    },
  );

  test("[D5] ping() rejects from the first write that failed until one goes well", async () => {
    const { path, database } = await open(300);
    await using other = await OtherProcess.locking("lock", `file:${path}`);
    await database.ping();
    await expectUnavailable(300, [database.write([insert("x")])]);
    await expectUnavailable(300, [database.ping()]);
    await expect(database.write(["INSERT INTO nothing VALUES (1)"])).rejects.toThrow();
    await other.end();
    await database.ping();
    expect(await database.read(["SELECT name FROM sqlite_schema"])).toEqual([[{ name: "things" }]]);
  });
});
