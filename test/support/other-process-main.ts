import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@libsql/client/sqlite3";
import type { Task } from "./other-process.ts";

const [task, url] = process.argv.slice(2) as [Task, string];
const ended = once(process.stdin, "close");
const client = () => createClient({ url, concurrency: 1, timeout: 5_000, intMode: "string" });

const tasks: Record<Task, () => Promise<void>> = {
  async lock() {
    const transaction = await client().transaction("write");
    console.log("locked");
    await ended;
    await transaction.rollback();
  },
  async lockAll() {
    const own = client();
    await own.execute("PRAGMA locking_mode=EXCLUSIVE");
    await own.executeMultiple("BEGIN IMMEDIATE; CREATE TABLE theirs (id INTEGER); COMMIT");
    console.log("locked");
    await ended;
    own.close();
  },
  async lockOften() {
    const own = client();
    for (let locks = 1; !process.stdin.closed; locks++) {
      const transaction = await own.transaction("write");
      if (locks === 1) console.log("locked");
      await sleep(Math.random() * 150);
      await transaction.rollback();
      await sleep(Math.random() * 10);
    }
  },
  async log() {
    const { rows } = await client().execute(
      "SELECT room_id, seq, user_id, body, client_message_id FROM messages WHERE room_id <> 0 ORDER BY room_id, seq",
    );
    console.log(JSON.stringify(rows));
  },
  async migrate() {
    const { EmbeddedDatabase } = await import("../../src/libsql/embedded/database.ts");
    const { migrate } = await import("../../src/libsql/schema/migrate.ts");
    console.log("ready");
    await once(process.stdin, "data");
    await using database = await EmbeddedDatabase.open(url);
    await migrate(database);
    console.log("migrated");
  },
  async send() {
    const { EmbeddedDatabase } = await import("../../src/libsql/embedded/database.ts");
    const { migrate } = await import("../../src/libsql/schema/migrate.ts");
    const { LibsqlStore } = await import("../../src/libsql/store.ts");
    const { createReq, messagesOf, sendReq } = await import("./requests.ts");
    const { SendStore } = await import("./send-store.ts");
    await using database = await EmbeddedDatabase.open(url);
    const store = new SendStore(new LibsqlStore(database));
    await migrate(database);
    const { id } = await store.createRoom(createReq(1n, 1n));
    for (;;) {
      const [message] = messagesOf(await store.commit([sendReq(id, 1n, "x")]));
      console.log(JSON.stringify([`${id}`, `${message!.seq}`]));
    }
  },
};
process.stdin.resume();
await tasks[task]();
