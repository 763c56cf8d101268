import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, unavailable } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlUsers } from "../../src/libsql/users.ts";
import { Recorder } from "../support/recorder.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

describe("what users ask of the database", () => {
  let directory: TemporaryDirectory;
  let recorder: Recorder;
  let users: LibsqlUsers;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    recorder = new Recorder(await openDatabase(`file:${directory.path}/users.db`));
    await migrate(recorder);
    users = new LibsqlUsers(recorder);
  });
  afterAll(async () => {
    await recorder?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  const kinds = async (call: () => Promise<unknown>) => (await recorder.callsOf(call)).map(({ kind }) => kind);

  test.each(["17", "ann"])("user %s signs in with a read, and a write for what is new", async (key) => {
    const signIn = (issuedAt: number, name: string) => () => users.signIn({ key, name, picture: "", issuedAt });
    expect(await kinds(signIn(1, "Ann"))).toEqual(["read", "write"]);
    for (const issuedAt of [1, 0]) expect(await kinds(signIn(issuedAt, "Ann"))).toEqual(["read"]);
    expect(await kinds(signIn(0, "Anne"))).toEqual(["read"]);
    expect(await kinds(signIn(2, ""))).toEqual(["read"]);
    expect(await kinds(signIn(2, "Anne"))).toEqual(["read", "write"]);
  });

  test("a number without a profile is written nowhere", async () => {
    expect(await kinds(() => users.signIn({ key: "18", name: "", picture: "", issuedAt: 1 }))).toEqual(["read"]);
    expect(await kinds(() => users.idOf("18", true))).toEqual([]);
    expect(await recorder.read(["SELECT * FROM users WHERE id = 18"])).toEqual([[]]);
  });

  test("a key gets its id with a read and a write, and has it with a read", async () => {
    expect(await kinds(() => users.idOf("bob", false))).toEqual(["read"]);
    expect(await kinds(() => users.idOf("bob", true))).toEqual(["read", "write"]);
    expect(await kinds(() => users.idOf("bob", true))).toEqual(["read"]);
  });

  test("everything else is one request", async () => {
    expect(await kinds(() => users.revokeTokens(17n, 1_000))).toEqual(["write"]);
    expect(await kinds(() => users.revocations())).toEqual(["read"]);
    expect(await kinds(() => users.revocations(0n))).toEqual(["read"]);
    expect(await kinds(() => users.profiles([17n], ["ann"], 17n))).toEqual(["read"]);
  });
});

/** A database that can't be reached, and would keep small numbers only. */
const away = () => Promise.reject(unavailable("gone"));
const gone: Database = { read: away, write: away, ping: away, greatestInteger: 9n, async [Symbol.asyncDispose]() {} };

test("[U5] when the database can't be reached, calls reject with UNAVAILABLE", async () => {
  const users = new LibsqlUsers(gone);
  for (const call of [
    users.signIn({ key: "ann", name: "", picture: "", issuedAt: 1 }),
    users.idOf("ann", true),
    users.profiles([1n], []),
    users.revokeTokens(1n, 1),
    users.revocations(),
  ]) {
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
  }
});

test("[U1] a number that the database can't keep is no user's", async () => {
  const users = new LibsqlUsers(gone);
  for (const call of [users.signIn({ key: "10", name: "Ann", picture: "", issuedAt: 1 }), users.revokeTokens(10n, 1)]) {
    await expect(call).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringContaining("10 is greater than 9"),
    });
  }
});
