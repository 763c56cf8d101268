import { mkdir, readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Code, ConnectError } from "@connectrpc/connect";
import { createClient } from "@libsql/client/sqlite3";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Database } from "../../src/libsql/database.ts";
import { EmbeddedDatabase } from "../../src/libsql/embedded/database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { presenceStoreContract } from "../contract/presence-store.ts";
import { storeContract } from "../contract/store.ts";
import { usersContract } from "../contract/users.ts";
import { apply, change } from "../support/changes.ts";
import { expectUnavailable } from "../support/expect-unavailable.ts";
import { libsqlParts, libsqlPresenceParts, libsqlUserParts } from "../support/libsql-parts.ts";
import { OtherProcess } from "../support/other-process.ts";
import { createReq, memberReq, messagesOf, sendReq } from "../support/requests.ts";
import { SendStore } from "../support/send-store.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let directory: TemporaryDirectory;
let files = 0;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory?.[Symbol.asyncDispose]());

function freshUrl(): string {
  return `file:${join(directory.path, `${++files}.db`)}`;
}

storeContract("an embedded file", async () => {
  const url = freshUrl();
  return libsqlParts(() => EmbeddedDatabase.open(url));
});

presenceStoreContract("an embedded file", async () => {
  const url = freshUrl();
  return libsqlPresenceParts(() => EmbeddedDatabase.open(url));
});

usersContract("an embedded file", async () => {
  const url = freshUrl();
  return libsqlUserParts(() => EmbeddedDatabase.open(url));
});

describe("an embedded file, when something breaks", () => {
  const alice = 1n;

  /** A store whose calls give up early, with a room of alice. */
  async function openStore(timeoutMs: number) {
    const url = freshUrl();
    const database = await EmbeddedDatabase.open(url, timeoutMs);
    onTestFinished(() => database[Symbol.asyncDispose]());
    await migrate(database);
    const store = sendStore(database);
    return { url, database, store, room: await newStoredRoom(store.whole, alice) };
  }

  test("[S7] a send waits for a short lock of another process; readers don't", async () => {
    const { url, store, room } = await openStore(5_000);
    await using other = await OtherProcess.locking("lock", url);
    let answered = false;
    const sends = Promise.all(ids(10).map((id) => store.commit([sendReq(room, alice, id, id)])));
    void sends.then(() => (answered = true));
    for (let i = 0; i < 20; i++) expect(await store.messagesAfter(new Map([[room, 0n]]), 10)).toEqual([]);
    expect(answered).toBe(false);
    await other.end();
    const messages = messagesOf((await sends).flat());
    expect(messages.map(({ seq }) => Number(seq)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await logSeenByAnotherProcess(url)).toEqual(rowsOf(messages));
  });

  test("[S7][D3] writes end as UNAVAILABLE during a long lock, and work after it; no answered one is lost", async () => {
    const timeoutMs = 500;
    const { url, store, room } = await openStore(timeoutMs);
    const before = messagesOf(await store.commit([sendReq(room, alice, "before")]));
    await using other = await OtherProcess.locking("lock", url);
    for (const round of ids(2)) {
      await expectUnavailable(timeoutMs, [
        store.commit([sendReq(room, alice, `during ${round}`)]),
        store.commit([sendReq(room, alice, `also during ${round}`, `${round}`)]),
        store.createRoom(createReq(2n, alice)),
        store.addMember(memberReq(room, 2n)),
      ]);
    }
    expect(await store.heads(alice, [room])).toEqual(new Map([[room, 1n]]));
    await other.end();
    const after = [];
    for (const id of ids(20)) after.push(...messagesOf(await store.commit([sendReq(room, alice, `after ${id}`)])));
    await store.addMember(memberReq(room, 3n));
    expect((await store.createRoom(createReq(3n, alice))).postId).toBe(3n);
    const log = await logSeenByAnotherProcess(url);
    expect(log).toEqual(expect.arrayContaining(rowsOf([...before, ...after])));
    expect(log.map(({ seq }) => Number(seq))).toEqual(log.map((_, i) => i + 1));
    expect(new Set(log.map(({ body }) => body)).size).toBe(log.length);
  });

  test("[S4][S7] sends repeated until answered are there once, however often the file is locked", async () => {
    const { url, room } = await openStore(5_000);
    await using store = sendStore(await EmbeddedDatabase.open(url, 60));
    await using other = await OtherProcess.locking("lockOften", url);
    let unanswered = 0;
    const sendUntilAnswered = async (id: string) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return messagesOf(await store.commit([sendReq(room, alice, "x", id)]))[0]!;
        } catch (e) {
          if (attempt === 200 || ConnectError.from(e).code !== Code.Unavailable) throw e;
          unanswered++;
        }
      }
    };
    const senders = ids(4).map(async (sender) => {
      const answers = [];
      // Until a lock has met one of them.
      for (let id = 1; id <= 25 || (unanswered === 0 && id <= 2_000); id++) {
        answers.push(await sendUntilAnswered(`${sender}/${id}`));
      }
      return answers;
    });
    const messages = (await Promise.all(senders)).flat().toSorted((a, b) => Number(a.seq - b.seq));
    await other.end();
    expect(unanswered).toBeGreaterThan(0);
    expect(messages.map(({ seq }) => Number(seq))).toEqual(messages.map((_, i) => i + 1));
    expect(await logSeenByAnotherProcess(url)).toEqual(rowsOf(messages));
  });

  test("[S7][D3] reads end as UNAVAILABLE where another process has the file for itself, and see the new state after it", async () => {
    const timeoutMs = 500;
    const url = freshUrl();
    await using other = await OtherProcess.locking("lockAll", url);
    await using store = sendStore(await EmbeddedDatabase.open(url, timeoutMs));
    await expectUnavailable(timeoutMs, [
      store.ping(),
      store.heads(alice, [1n]),
      store.messagesAfter(new Map([[1n, 0n]]), 1),
      store.createRoom(createReq(1n, alice)),
    ]);
    await other.end();
    await using database = await EmbeddedDatabase.open(url);
    await migrate(database);
    const room = await newStoredRoom(store.whole, alice);
    for (const i of [1n, 2n, 3n]) {
      await sendStore(database).commit([sendReq(room, alice, "x")]);
      expect(await store.heads(alice, [room])).toEqual(new Map([[room, i]]));
    }
  });

  test("[S7][D3] a full disk is UNAVAILABLE, and what wasn't answered isn't stored", async () => {
    const { database, store, room } = await openStore(5_000);
    await database.write(["PRAGMA max_page_count = 50"]);
    const sends = Array.from({ length: 100 }, () => sendReq(room, alice, "x".repeat(8_000)));
    await expectUnavailable(5_000, [store.commit(sends)]);
    expect(messagesOf(await store.commit(sends)).map(({ seq }) => Number(seq))).toEqual(sends.map((_, i) => i + 1));
  });

  test("[S7][D3] a file that can't be opened is UNAVAILABLE until it can", async () => {
    const path = join(directory.path, "directory.db");
    await mkdir(path);
    await using store = sendStore(await EmbeddedDatabase.open(`file:${path}`));
    await expectUnavailable(5_000, [store.ping(), store.createRoom(createReq(1n, alice))]);
    await rmdir(path);
    expect(await store.ping()).toBeUndefined();
  });

  test("[S7][D3] a crash of its threads is UNAVAILABLE once", async () => {
    const { database, store, room } = await openStore(5_000);
    const postMessage = vi.spyOn(Worker.prototype, "postMessage");
    onTestFinished(() => postMessage.mockRestore());
    const crash = () => {
      for (const thread of new Set(postMessage.mock.contexts as Worker[])) thread.postMessage(null);
      postMessage.mockClear();
    };
    for (let i = 1n; i <= 3n; i++) {
      expect(messagesOf(await store.commit([sendReq(room, alice, "x")]))[0]!.seq).toBe(i);
      expect(await store.heads(alice, [room])).toEqual(new Map([[room, i]]));
      crash();
      await expectUnavailable(5_000, [store.ping(), store.commit([sendReq(room, alice, "x")])]);
    }
    crash();
    await database[Symbol.asyncDispose]();
  });

  test("[S4][S6] who is no longer a member gets NOT_FOUND for a known client_message_id too", async () => {
    const { database, store, room } = await openStore(5_000);
    await store.commit([sendReq(room, alice, "x", "id")]);
    await database.write(["DELETE FROM members"]);
    const [outcome] = await store.commit([sendReq(room, alice, "x", "id")]);
    expect(outcome).toMatchObject({ name: "ConnectError", code: Code.NotFound });
  });

  test("[S2] every answer of a process that was killed is in the log", async () => {
    const url = freshUrl();
    await using other = new OtherProcess("send", url);
    let answer: [string, string] = ["", "0"];
    while (Number(answer[1]) < 100) answer = JSON.parse(await other.line());
    await other.kill();
    await using store = sendStore(await EmbeddedDatabase.open(url));
    const log = await store.messagesAfter(new Map([[BigInt(answer[0]), 0n]]), 1_000_000);
    expect(log.map(({ seq }) => Number(seq))).toEqual(log.map((_, i) => i + 1));
    expect(log.length).toBeGreaterThanOrEqual(100);
  });

  test("several processes may start at once on a fresh database", async () => {
    const url = freshUrl();
    await using processes = new AsyncDisposableStack();
    const others = ids(4).map(() => processes.use(new OtherProcess("migrate", url)));
    for (const other of others) expect(await other.line()).toBe("ready");
    for (const other of others) other.tell("go");
    for (const other of others) expect(await other.line()).toBe("migrated");
    await using database = await EmbeddedDatabase.open(url);
    const [applied] = await database.read(["SELECT version FROM schema_migrations"]);
    await migrate(database);
    expect(await database.read(["SELECT version FROM schema_migrations"])).toEqual([applied]);
    expect((await sendStore(database).createRoom(createReq(1n, alice))).postId).toBe(1n);
  });

  test("the text of a deleted message is in none of its files after a checkpoint, also of a connection that was replaced", async () => {
    const { url, database, store, room: roomId } = await openStore(5_000);
    const path = url.slice("file:".length);
    const SECRET = "the-deleted-text";
    const filesWithSecret = async () => {
      const names = (await readdir(directory.path)).filter((name) => join(directory.path, name).startsWith(path));
      const contents = await Promise.all(names.map((name) => readFile(join(directory.path, name))));
      return names.filter((_, i) => contents[i]!.includes(SECRET));
    };
    const checkpoint = async () => {
      const other = createClient({ url });
      expect((await other.execute("PRAGMA wal_checkpoint(TRUNCATE)")).rows[0]!.busy).toBe(0);
      other.close();
    };
    const body = (i: number) => SECRET.repeat(2 + ((i * 37) % (i % 10 === 0 ? 500 : 30)));
    const sendAndDelete = async () => {
      const sends = ids(400).map((_, i) => sendReq(roomId, alice, body(i)));
      const messages = messagesOf(await store.commit(sends));
      await checkpoint();
      expect(await filesWithSecret()).toHaveLength(1);
      // Not longer: where texts grow, SQLite rearranges pages, and leaves pieces of old ones in between.
      for (const { id: messageId } of messages.filter((_, i) => i % 3 > 0)) {
        await apply(store.whole, "editMessage", { roomId, messageId, userId: alice, body: `${SECRET}.` });
      }
      const deletions = messages.map(({ id: messageId }) => {
        return change("deleteMessage", { roomId, messageId, userId: alice });
      });
      expect((await store.whole.commit(deletions)).news[0]!.messages).toHaveLength(400);
    };

    await sendAndDelete();
    await checkpoint();
    expect(await filesWithSecret()).toEqual([]);

    // A full disk makes the writer connect anew.
    await database.write(["PRAGMA max_page_count = 1"]);
    await expectUnavailable(5_000, [store.commit(Array(250).fill(sendReq(roomId, alice, "x".repeat(8_000))))]);
    await sendAndDelete();
    await database[Symbol.asyncDispose]();
    await checkpoint();
    expect(await filesWithSecret()).toEqual([]);
  });

  test("closed, it finishes what was asked before, and is UNAVAILABLE", async () => {
    const { database, store, room } = await openStore(5_000);
    const sends = ids(20).map((id) => store.commit([sendReq(room, alice, id)]));
    await Promise.all([database[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
    expect(messagesOf((await Promise.all(sends)).flat())).toHaveLength(20);
    await expectUnavailable(5_000, [store.ping(), store.commit([sendReq(room, alice, "late")])]);
    await database[Symbol.asyncDispose]();
  });
});

function sendStore(database: Database): SendStore {
  return new SendStore(new LibsqlStore(database));
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i + 1}`);
}

function rowsOf(messages: ReturnType<typeof messagesOf>) {
  return messages
    .toSorted((a, b) => Number(a.seq - b.seq))
    .map(({ roomId, seq, userId, body, clientMessageId }) => ({
      room_id: `${roomId}`,
      seq: `${seq}`,
      user_id: `${userId}`,
      body,
      client_message_id: clientMessageId || null,
    }));
}

async function logSeenByAnotherProcess(url: string): Promise<ReturnType<typeof rowsOf>> {
  await using other = new OtherProcess("log", url);
  return JSON.parse(await other.line());
}
