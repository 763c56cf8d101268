import { createClient } from "@libsql/client/http";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Database, StatementError } from "../../src/libsql/database.ts";
import { RemoteDatabase } from "../../src/libsql/remote/database.ts";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { databaseContract } from "../contract/database.ts";
import { expectUnavailable } from "../support/expect-unavailable.ts";
import { FaultyHttpServer } from "../support/faulty-http-server.ts";
import { FaultyWebSocketServer } from "../support/faulty-websocket-server.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const kinds = [
  ["over one stream", (url: string, timeoutMs?: number) => new RemoteDatabase(url, undefined, timeoutMs)],
  ["over HTTP", (url: string, timeoutMs?: number) => new HttpDatabase(url, undefined, timeoutMs)],
] as const;

describe.skipIf(noSqld).each(kinds)(`sqld %s ${noSqld || ""}`, (kind, open) => {
  let sqld: Sqld;
  beforeAll(async () => {
    sqld = await Sqld.start();
  });
  afterAll(() => sqld?.stop());

  databaseContract(`sqld ${kind}`, async () => open(sqld.url));
});

describe.skipIf(noSqld).each(kinds)(`sqld %s, when something breaks ${noSqld || ""}`, (_, openKind) => {
  const timeoutMs = 1_000;
  let sqld: Sqld;
  beforeAll(async () => {
    sqld = await Sqld.start();
    await using database = new HttpDatabase(sqld.url);
    await database.write(["CREATE TABLE things (name TEXT PRIMARY KEY) STRICT"]);
  });
  afterAll(() => sqld?.stop());
  beforeEach(async () => {
    await using database = new HttpDatabase(sqld.url);
    await database.write(["DELETE FROM things"]);
  });

  function open(url = sqld.url): Database {
    const database = openKind(url, timeoutMs);
    onTestFinished(() => database[Symbol.asyncDispose]());
    return database;
  }

  function insert(name: string) {
    return { sql: "INSERT INTO things (name) VALUES (?)", args: [name] };
  }

  async function names(): Promise<unknown[]> {
    await using database = new HttpDatabase(sqld.url);
    return (await database.read(["SELECT name FROM things ORDER BY rowid"]))[0]!.map(({ name }) => name);
  }

  test("[D4] a write that a hanging server gets to too late doesn't happen", async () => {
    await using proxy = await TcpProxy.start(sqld.url);
    const database = open(proxy.url);
    await database.write([insert("before")]);
    await sqld.pause();
    try {
      proxy.onRequest = () => setImmediate(proxy.silence);
      await expectUnavailable(timeoutMs, [database.write([insert("late")])]);
      proxy.onRequest = () => {};
    } finally {
      sqld.resume();
    }
    await database.write([insert("after")]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await names()).toEqual(["before", "after"]);
  });

  test("[D3] killed and started again, it works at once, without help", async () => {
    const database = open();
    await database.write([insert("before")]);
    await sqld.kill();
    for (let i = 0; i < 3; i++) await expectUnavailable(0, [database.write([insert("x")]), database.ping()]);
    await sqld.restart();
    await database.write([insert("after")]);
    await database.ping();
    expect(await names()).toEqual(["before", "after"]);
  });

  test("[D2][D3] cut before the server has the write, it is UNAVAILABLE and didn't happen", async () => {
    await using proxy = await TcpProxy.start(sqld.url);
    const database = open(proxy.url);
    await database.write([insert("before")]);
    proxy.onRequest = (_, cut) => cut();
    await expectUnavailable(0, [database.write([insert("the-cut-one")])]);
    proxy.onRequest = () => {};
    await database.write([insert("after")]);
    expect(await names()).toEqual(["before", "after"]);
  });

  test("[D2][D3] cut before its answer, it is UNAVAILABLE and may have happened, once", async () => {
    await using proxy = await TcpProxy.start(sqld.url);
    const database = open(proxy.url);
    await database.write([insert("before")]);
    proxy.onAnswer = (_, cut) => cut();
    await expectUnavailable(0, [database.write([insert("the-cut-one")])]);
    proxy.onAnswer = () => {};
    await database.write([insert("after")]);
    expect(await names()).toEqual(["before", "the-cut-one", "after"]);
  });

  test("[D1] a refused statement leaves no transaction behind", async () => {
    const database = open();
    await database.write([insert("one")]);
    for (let i = 0; i < 3; i++) {
      await expect(database.write([insert(`two ${i}`), insert("one")])).rejects.toThrow(StatementError);
      await database.write([insert(`three ${i}`)]);
    }
    expect(await names()).toEqual(["one", "three 0", "three 1", "three 2"]);
  });

  test("[D3] a lock of others is waited for, but not too long", async () => {
    const database = open();
    await database.write([insert("before")]);
    const lock = await createClient({ url: sqld.url }).transaction("write");
    await lock.execute("SELECT 1");
    await expectUnavailable(timeoutMs, [database.write([insert("x")])]);
    const patient = database.write([insert("patient")]);
    await lock.rollback();
    await patient;
    expect(await names()).toEqual(["before", "patient"]);
  });
});

describe.skipIf(noSqld)(noSqld || "sqld with one stream for writes", () => {
  let sqld: Sqld;
  beforeAll(async () => {
    sqld = await Sqld.start();
  });
  afterAll(() => sqld?.stop());

  test("writes go over one connection, in order", async () => {
    await using proxy = await TcpProxy.start(sqld.url);
    await using database = new RemoteDatabase(proxy.url);
    await database.write(["CREATE TABLE things (id INTEGER PRIMARY KEY)"]);
    const writes = Array.from({ length: 100 }, () =>
      database.write(["INSERT INTO things DEFAULT VALUES RETURNING id"]),
    );
    const ids = (await Promise.all(writes)).map(([rows]) => Number(rows![0]!.id));
    expect(ids).toEqual(ids.map((_, i) => i + 1));
    expect(proxy.connections).toBe(1);
  });

  test("[D3] 2,000 reads at a time end well", async () => {
    await using database = new RemoteDatabase(sqld.url);
    const reads = Array.from({ length: 2_000 }, (_, i) => database.read([{ sql: "SELECT ? AS n", args: [BigInt(i)] }]));
    expect((await Promise.all(reads)).map(([rows]) => rows![0]!.n)).toEqual(reads.map((_, i) => BigInt(i)));
  });

  test("closed, it waits for its writes, and takes no more", async () => {
    const database = new RemoteDatabase(sqld.url);
    const write = database.write(["SELECT 1 AS one"]);
    await database[Symbol.asyncDispose]();
    expect(await write).toEqual([[{ one: 1n }]]);
    await expectUnavailable(0, [database.write(["SELECT 1"]), database.read(["SELECT 1"]), database.ping()]);
  });
});

describe("a server that has too much to do", () => {
  const answer = JSON.stringify({
    baton: null,
    base_url: null,
    results: [
      {
        type: "ok",
        response: {
          type: "batch",
          result: {
            step_results: [{ cols: [{ name: "n" }], rows: [[{ type: "integer", value: "1" }]], affected_row_count: 0 }],
            step_errors: [null],
          },
        },
      },
      { type: "ok", response: { type: "close" } },
    ],
  });

  test("[D3] 429 means to wait, and no more than 16 reads are asked at a time", async () => {
    let refusals = 0;
    let now = 0;
    let most = 0;
    await using server = await FaultyHttpServer.start(async (req, res) => {
      most = Math.max(most, ++now);
      await req.toArray();
      await new Promise((resolve) => setTimeout(resolve, 1));
      now--;
      if (Math.random() < 0.5) res.end(answer);
      else res.writeHead(429, { "content-type": "application/json" }).end('{"message":"too many"}'), refusals++;
    });
    await using database = new RemoteDatabase(server.url);
    const reads = await Promise.all(Array.from({ length: 200 }, () => database.read(["SELECT 1 AS n"])));
    expect(reads).toEqual(Array(200).fill([[{ n: 1n }]]));
    expect(refusals).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(16);
  });

  test("[D3] reads that get no place in time are UNAVAILABLE", async () => {
    await using server = await FaultyHttpServer.start(() => {});
    await using database = new RemoteDatabase(server.url, undefined, 300, 2);
    await expectUnavailable(
      300,
      Array.from({ length: 10 }, () => database.read(["SELECT 1"])),
    );
  });
});

describe("a server whose WebSockets answer badly", () => {
  const timeoutMs = 300;

  test.each<[string, Parameters<typeof FaultyWebSocketServer.start>[0]]>([
    ["nothing", () => {}],
    ["no JSON", (socket) => socket.send("{")],
    ["null", (socket) => socket.send("null")],
    ["bytes", (socket) => socket.send(Buffer.from([1, 2, 3]))],
    ["an end", (socket) => socket.close(1011, "no")],
    ["a cut", (socket) => socket.terminate()],
    ["a refused token", (socket) => socket.send('{"type":"hello_error","error":{"message":"no"}}')],
    ["hello for ever", (socket) => socket.send('{"type":"hello_ok"}')],
    ["errors", refuse({ message: "no" })],
    ["a lock, always", refuse({ message: "locked", code: "SQLITE_BUSY" })],
    ["a transaction that timed out", refuse({ message: "late", code: "TRANSACTION_TIMEOUT" })],
    ["answers of another kind", respond(() => ({ type: "close_stream" }))],
    ["batches of which nothing ran", respond((type) => batchOf(type, [], []))],
    ["a full disk", respond((type) => batchOf(type, [null], [{ message: "full", code: "SQLITE_FULL" }]))],
    ["a lock in each batch", respond((type) => batchOf(type, [null], [{ message: "locked", code: "SQLITE_BUSY" }]))],
  ])("[D3] %s is UNAVAILABLE in time", async (_, onMessage) => {
    await using server = await FaultyWebSocketServer.start(onMessage);
    await using database = new RemoteDatabase(server.url, undefined, timeoutMs);
    for (let i = 0; i < 2; i++) await expectUnavailable(2 * timeoutMs, [database.write(["A"]), database.write(["B"])]);
  });

  test("[D3] one that speaks only HTTP is named in the error", async () => {
    await using server = await FaultyHttpServer.start((_, res) => res.writeHead(404).end());
    await using database = new RemoteDatabase(server.url);
    const e = await database.write(["SELECT 1"]).catch((e: unknown) => e);
    expect((e as Error).cause).toMatchObject({ message: expect.stringMatching(/WebSocket.*can't be opened.*404/) });
  });

  type Message = { type: string; request_id: number; request: { type: string } };

  function respond(response: (type: string) => object): Parameters<typeof FaultyWebSocketServer.start>[0] {
    return (socket, text) => {
      const { type, request_id, request } = JSON.parse(text) as Message;
      if (type === "hello") return socket.send('{"type":"hello_ok"}');
      const answer = request.type === "batch" ? response(request.type) : { type: request.type };
      socket.send(JSON.stringify({ type: "response_ok", request_id, response: answer }));
    };
  }

  function refuse(error: object): Parameters<typeof FaultyWebSocketServer.start>[0] {
    return (socket, text) => {
      const { type, request_id } = JSON.parse(text) as Message;
      socket.send(
        JSON.stringify(type === "hello" ? { type: "hello_ok" } : { type: "response_error", request_id, error }),
      );
    };
  }

  function batchOf(type: string, step_results: unknown[], step_errors: unknown[]): object {
    return { type, result: { step_results, step_errors } };
  }
});
