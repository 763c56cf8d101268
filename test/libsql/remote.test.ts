import { Code, ConnectError } from "@connectrpc/connect";
import { createClient } from "@libsql/client/http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message, SendMessageReq } from "../../gen/chat_pb.ts";
import type { Database } from "../../src/libsql/database.ts";
import { RemoteDatabase } from "../../src/libsql/remote/database.ts";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { presenceStoreContract } from "../contract/presence-store.ts";
import { storeContract } from "../contract/store.ts";
import { usersContract } from "../contract/users.ts";
import { expectUnavailable } from "../support/expect-unavailable.ts";
import { FaultyHttpServer } from "../support/faulty-http-server.ts";
import { freshId } from "../support/fresh-id.ts";
import { libsqlParts, libsqlPresenceParts, libsqlUserParts } from "../support/libsql-parts.ts";
import { createReq, memberReq, messagesOf, sendReq } from "../support/requests.ts";
import { SendStore } from "../support/send-store.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { freshPost, newStoredRoom } from "../support/stored-rooms.ts";

const alice = 1n;

describe.skipIf(noSqld)(noSqld || "sqld", () => {
  const servers: Sqld[] = [];
  afterAll(() => Promise.all(servers.map((sqld) => sqld.stop())));

  /** Opens the database of a fresh server. */
  async function freshOpen(): Promise<() => Promise<Database>> {
    const sqld = await Sqld.start();
    servers.push(sqld);
    return async () => new RemoteDatabase(sqld.url);
  }

  storeContract("sqld", async () => libsqlParts(await freshOpen()));
  presenceStoreContract("sqld", async () => libsqlPresenceParts(await freshOpen()));
  usersContract("sqld", async () => libsqlUserParts(await freshOpen()));
});

describe.skipIf(noSqld)(noSqld || "sqld, when something breaks", () => {
  const timeoutMs = 1_000;
  let sqld: Sqld;
  let database: RemoteDatabase;
  let store: SendStore;
  beforeAll(async () => {
    sqld = await Sqld.start();
    database = new RemoteDatabase(sqld.url, undefined, timeoutMs);
    store = sendStore(database);
    await migrate(new HttpDatabase(sqld.url));
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await sqld?.stop();
  });

  const newRoom = () => newStoredRoom(store.whole, alice);

  async function log(roomId: bigint): Promise<Message[]> {
    const messages = await store.messagesAfter(new Map([[roomId, 0n]]), 1_000_000);
    expect(messages.map(({ seq }) => Number(seq))).toEqual(messages.map((_, i) => i + 1));
    return messages;
  }

  function everyCall(roomId: bigint): Promise<unknown>[] {
    return [
      store.commit([sendReq(roomId, alice, "x", "id")]),
      store.createRoom(createReq(freshPost(), alice)),
      store.addMember(memberReq(roomId, freshId())),
      store.messagesAfter(new Map([[roomId, 0n]]), 10),
      store.heads(alice, [roomId]),
      store.ping(),
    ];
  }

  test("[S7][D3] gone, it is UNAVAILABLE at once, and works again when it is back", async () => {
    const room = await newRoom();
    await sqld.kill();
    for (let i = 0; i < 3; i++) await expectUnavailable(0, everyCall(room));
    await sqld.restart();
    expect(await store.ping()).toBeUndefined();
    expect(await log(room)).toEqual([]);
    await Promise.all(everyCall(room));
    expect(await log(room)).toHaveLength(1);
  });

  test("[S2][S4][S7] killed amid sends, it loses no answered one; repeated, every send is there once", async () => {
    const room = await newRoom();
    const sends = Array.from({ length: 8 * 100 }, (_, i) => sendReq(room, alice, `${i}`, `${i}`));
    const answers = new Map<SendMessageReq, Message>();
    let unanswered = 0;
    let crash: Promise<void> | undefined;
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (const req of sends.slice(100 * sender, 100 * (sender + 1))) {
        try {
          answers.set(req, messagesOf(await store.commit([req]))[0]!);
        } catch (e) {
          expect(ConnectError.from(e).code).toBe(Code.Unavailable);
          unanswered++;
        }
        if (answers.size === 100) crash ??= sqld.kill();
      }
    });
    await Promise.all(senders);
    await crash;
    await sqld.restart();
    expect(unanswered).toBeGreaterThan(0);
    expect(answers.size + unanswered).toBe(sends.length);
    const afterCrash = await log(room);
    for (const message of answers.values()) expect(afterCrash[Number(message.seq) - 1]).toEqual(message);
    const repeated = messagesOf(await store.commit(sends));
    expect(repeated.toSorted((a, b) => Number(a.seq - b.seq))).toEqual(await log(room));
    for (const [i, req] of sends.entries()) expect(repeated[i]).toEqual(answers.get(req) ?? repeated[i]);
    expect(repeated.map(({ body }) => body)).toEqual(sends.map(({ body }) => body));
  });

  test("[S4][S7][D3] hanging, it is UNAVAILABLE in time, and works again when it goes on", async () => {
    const room = await newRoom();
    await store.commit([sendReq(room, alice, "before")]);
    await sqld.pause();
    try {
      for (let i = 0; i < 2; i++) await expectUnavailable(timeoutMs, everyCall(room));
    } finally {
      sqld.resume();
    }
    await Promise.all(everyCall(room));
    expect((await log(room)).map(({ body }) => body)).toEqual(["before", "x"]);
  });

  test("[S7][D3] a lock is waited for, but not too long, and works again after it", async () => {
    const room = await newRoom();
    const other = createClient({ url: sqld.url });
    const lock = await other.transaction("write");
    await lock.execute("CREATE TABLE theirs (id INTEGER)");
    await expectUnavailable(timeoutMs, [store.commit([sendReq(room, alice, "x", "id")])]);
    expect(await log(room)).toEqual([]);
    await using patientDatabase = new RemoteDatabase(sqld.url);
    const patient = sendStore(patientDatabase).commit([sendReq(room, alice, "x", "id")]);
    expect(await log(room)).toEqual([]);
    await lock.rollback();
    await patient;
    await Promise.all(everyCall(room));
    expect(await log(room)).toHaveLength(1);
  });

  test("[S4][S7] an answer that gets lost is UNAVAILABLE; repeated, the send is there once", async () => {
    const room = await newRoom();
    await using proxy = await FaultyHttpServer.start(async (req, res) => {
      const body = Buffer.concat(await req.toArray());
      const answer = await fetch(sqld.url + req.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      if (body.includes("BEGIN IMMEDIATE")) res.destroy();
      else res.end(await answer.text());
    });
    const send = sendReq(room, alice, "x", "id");
    const lossy = sendStore(new HttpDatabase(proxy.url, undefined, timeoutMs));
    await expectUnavailable(0, [lossy.commit([send])]);
    const [message] = await log(room);
    expect(await store.commit([send])).toEqual([{ message, isNew: false }]);
    expect(await log(room)).toHaveLength(1);
  });

  test("several processes may start at once on a fresh database", async () => {
    await using fresh = await Sqld.start();
    await Promise.all(Array.from({ length: 8 }, () => migrate(new HttpDatabase(fresh.url))));
    const [applied] = await new HttpDatabase(fresh.url).read(["SELECT version FROM schema_migrations"]);
    await migrate(new HttpDatabase(fresh.url));
    expect(await new HttpDatabase(fresh.url).read(["SELECT version FROM schema_migrations"])).toEqual([applied]);
    expect((await sendStore(new HttpDatabase(fresh.url)).createRoom(createReq(1n, alice))).postId).toBe(1n);
  });
});

describe("a server that answers badly", () => {
  const timeoutMs = 300;
  const json = { "content-type": "application/json" };

  test.each<[string, number, Record<string, string>, string]>([
    ["500 of a proxy", 500, { "content-type": "text/html" }, "<h1>oops</h1>"],
    ["502 with an empty body", 502, {}, ""],
    ["503 with text", 503, { "content-type": "text/plain" }, "overloaded"],
    ["429", 429, json, `{"error":"too many requests"}`],
    ["401", 401, json, `{"error":"unauthorized"}`],
    ["400 with a code", 400, json, `{"message":"the stream has expired","code":"STREAM_EXPIRED"}`],
    ["500 with JSON that isn't an object", 500, json, "null"],
    ["500 with broken JSON", 500, json, "{"],
    ["200 with HTML", 200, { "content-type": "text/html" }, "<h1>welcome</h1>"],
    ["200 with an empty body", 200, json, ""],
    ["200 with an empty object", 200, json, "{}"],
    ["200 without results", 200, json, `{"baton":null,"base_url":null,"results":[]}`],
    ["200 with half an answer", 200, json, `{"baton":null,"base_url":null,"results":[{"type":"ok"`],
    ["200 with an error in place of a result", 200, json, pipeline({ type: "error", error: { message: "no" } })],
    ["200 with a batch of which nothing ran", 200, json, pipeline(batchResult([]))],
    [
      "200 with a batch that timed out",
      200,
      json,
      pipeline(batchResult([{ message: "t", code: "TRANSACTION_TIMEOUT" }])),
    ],
    ["200 with a full disk", 200, json, pipeline(batchResult([{ message: "full", code: "SQLITE_FULL" }]))],
    ["200 with an I/O error", 200, json, pipeline(batchResult([{ message: "io", code: "SQLITE_IOERR_FSYNC" }]))],
    ["200 with a lock, always", 200, json, pipeline(batchResult([{ message: "locked", code: "SQLITE_BUSY" }]))],
  ])("[S7][D3] %s is UNAVAILABLE", async (_, status, headers, body) => {
    await using server = await FaultyHttpServer.start((_, res) => res.writeHead(status, headers).end(body));
    await expectUnavailable(timeoutMs, readAndWrite(server.url));
  });

  test.each<[string, Parameters<typeof FaultyHttpServer.start>[0]]>([
    ["no answer", () => {}],
    ["headers and then nothing", (_, res) => res.writeHead(200, json).flushHeaders()],
    ["an answer that never ends", (_, res) => void res.writeHead(200, json).write(`{"baton":`)],
    ["an error that never ends", (_, res) => void res.writeHead(500, json).write(`{"message":`)],
    ["a connection cut before the answer", (_, res) => res.destroy()],
    ["a connection cut amid the answer", (_, res) => void res.writeHead(200, json).write("{", () => res.destroy())],
    ["a redirect to itself", (req, res) => res.writeHead(307, { location: req.url! }).end()],
  ])("[S7][D3] %s is UNAVAILABLE in time", async (_, listener) => {
    await using server = await FaultyHttpServer.start(listener);
    await expectUnavailable(timeoutMs, readAndWrite(server.url));
  });

  function readAndWrite(url: string): Promise<unknown>[] {
    const overHttp = sendStore(new HttpDatabase(url, undefined, timeoutMs));
    const overOneStream = sendStore(new RemoteDatabase(url, undefined, timeoutMs));
    return [overHttp, overOneStream].flatMap((store) => [
      store.ping(),
      store.commit([sendReq(1n, alice, "x")]),
      store.createRoom(createReq(1n, alice)),
    ]);
  }
});

function sendStore(database: Database): SendStore {
  return new SendStore(new LibsqlStore(database));
}

/** A pipeline's answer: to the batch, and to its close. */
function pipeline(batch: object): string {
  const ok = (type: string) => ({ type: "ok", response: { type } });
  return JSON.stringify({ baton: null, base_url: null, results: [batch, ok("close")] });
}

function batchResult(stepErrors: { message: string; code: string }[]): object {
  const result = { step_results: stepErrors.map(() => null), step_errors: stepErrors };
  return { type: "ok", response: { type: "batch", result } };
}
