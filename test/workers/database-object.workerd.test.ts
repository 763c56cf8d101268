import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import type { Message } from "../../gen/chat_pb.ts";
import { ChangeGroupSchema } from "../../gen/room/room_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { migrations } from "../../src/libsql/schema/migrations.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { ObjectDatabase } from "../../src/workers/object-database.ts";
import { workerConfig } from "../../src/workers/worker-config.ts";
import { expectDense, newRoom } from "../support/rooms.ts";
import { TestStream } from "../support/test-stream.ts";
import { client } from "./client.workerd.ts";
import { deaths } from "./main.workerd.ts";

const database = () => env.DATABASES.getByName("database-0");
const hasServer = workerConfig(env).databaseUrl !== undefined;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("the database object", () => {
  afterEach(() => {
    deaths.wanted = 0;
  });

  test("[P1][P3][P4] that dies 1,000 times amid commits loses no answered message, doubles none, and keeps the order", async () => {
    const rooms = await Promise.all(Array.from({ length: 4 }, () => newRoom(client)));
    const streams = rooms.map(({ roomId, owner }) => new TestStream(client, { roomIds: [roomId], userId: owner }));
    await Promise.all(streams.map(({ live }) => live));
    let unanswered = 0;
    const sendUntilAnswered = async (asOwner: { roomId: bigint; userId: bigint }, id: string): Promise<Message> => {
      for (;;) {
        await pause(1); // without it no other timer has its turn
        try {
          return await client.sendMessage({ ...asOwner, body: id, clientMessageId: id });
        } catch (e) {
          expect(ConnectError.from(e)).toMatchObject({ code: Code.Unavailable });
          unanswered++;
        }
      }
    };
    deaths.count = 0;
    deaths.wanted = 1_000;
    const isOver = () => deaths.count >= deaths.wanted;
    const sending = rooms.map(({ asOwner }) =>
      ["a", "b"].map(async (sender) => {
        const answers: Message[] = [];
        for (let i = 0; !isOver(); i++) answers.push(await sendUntilAnswered(asOwner, `${sender}${i}`));
        return answers;
      }),
    );
    const evicting = (async () => {
      for (; !isOver(); await pause(20)) await evictDurableObject(database()).catch(() => {}); // it isn't awake
    })();
    const answers = await Promise.all(sending.map(async (senders) => (await Promise.all(senders)).flat()));
    await evicting;

    expect(unanswered).toBeGreaterThan(500);
    for (const [i, { asOwner }] of rooms.entries()) {
      const last = await client.sendMessage({ ...asOwner, body: "last" });
      const log = await streams[i]!.take(Number(last.seq));
      await streams[i]![Symbol.asyncDispose]();
      expectDense(log);
      expect(log).toEqual([...answers[i]!.sort((a, b) => Number(a.seq - b.seq)), last]);
    }
    console.log(`${answers.flat().length} messages, ${unanswered} calls without an answer`);
  });

  test("[P1] what it has answered is there when it wakes", async () => {
    const { asOwner, send } = await newRoom(client);
    const sent = await send("before");
    await evictDurableObject(database());
    expect((await client.listMessages(asOwner)).messages).toEqual([sent]);
  });

  test("[S11] finishes a deletion whose caller has gone away", async () => {
    const { roomId, owner, send } = await newRoom(client);
    await send("to be erased");
    const change = { change: { case: "deleteRoom", value: { roomId, actorId: owner } } } as const;
    await database().commit(toBinary(ChangeGroupSchema, create(ChangeGroupSchema, { changes: [change] })), Infinity);
    const store = new LibsqlStore(new ObjectDatabase({ any: database }, LIMITS));
    expect(await store.unerasedRooms()).toContain(roomId);
    expect(await runDurableObjectAlarm(database())).toBe(true);
    expect(await store.unerasedRooms()).not.toContain(roomId);
  });

  test("refuses statements for another schema with UNAVAILABLE, as they come during a rollout", async () => {
    const reply = await runInDurableObject(database(), (object) => {
      return object.read(["SELECT 1"], migrations.length + 1, Date.now() + 1_000).catch((e: unknown) => e);
    });
    expect(reply).toMatchObject({ code: Code.Unavailable });
  });

  test.skipIf(hasServer)("leaves a log alone that a newer program has written, and is UNAVAILABLE", async () => {
    const any = () => env.DATABASES.getByName("newer");
    const newer = new ObjectDatabase({ any }, LIMITS);
    await newer.write([{ sql: "INSERT INTO schema_migrations (version) VALUES (?1)", args: [999n] }]);
    await evictDurableObject(any());
    await expect(newer.read(["SELECT 1"])).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test.skipIf(hasServer)("is restored in one epoch only, and by the platform, which says where it can't", async () => {
    const { asOwner, send } = await newRoom(client);
    const sent = await send("kept");
    const { messages, head } = await client.listMessages(asOwner);
    const restore = (epoch: string) => {
      return runInDurableObject(database(), (object) => object.restore(epoch).catch((e: unknown) => `${e}`));
    };
    expect(await restore("another")).toContain(`the epoch of the log is ${head!.epoch}`);
    expect(await restore(head!.epoch)).toContain("point-in-time recovery");
    expect(messages).toEqual([sent]);
  });

  test("[D4][S7] a group that comes too late is not committed", async () => {
    const { asOwner } = await newRoom(client);
    const change = { change: { case: "sendMessage", value: { ...asOwner, body: "late" } } } as const;
    const group = toBinary(ChangeGroupSchema, create(ChangeGroupSchema, { changes: [change] }));
    const refused = await runInDurableObject(database(), (object) => {
      return object.commit(group, Date.now() - 1).catch((e: unknown) => `${e}`);
    });
    expect(refused).toContain("took too long");
    expect((await client.listMessages(asOwner)).messages).toEqual([]);
  });
});
