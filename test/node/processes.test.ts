import { describe, expect, test } from "vitest";
import type { Message } from "../../gen/chat_pb.ts";
import { chatClient } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { Follower, KillableServer } from "../support/killable-server.ts";
import { expectDense, newRoom } from "../support/rooms.ts";
import { ServerProcess } from "../support/server-process.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestStream } from "../support/test-stream.ts";

const SENDS = 100;
/** What is promised is less; this is what a busy machine may add to it, in milliseconds. */
const DELAY_MS = 2_000;
const KILLS = 5;
const CALLS_PER_SERVER = 8;
const ACKS_BETWEEN = 200;

/** A database that several processes may share, until it is disposed. */
interface SharedDatabase extends AsyncDisposable {
  readonly url: string;
}

const databases: Record<string, () => Promise<SharedDatabase>> = {
  "one file": async () => {
    const directory = await temporaryDirectory();
    return {
      url: `file:${directory.path}/roomlog.db`,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
  "one sqld": () => Sqld.start(),
};

describe.each(Object.entries(databases))("[P9] two processes on %s", (name, open) => {
  const isSkipped = name === "one sqld" && noSqld;

  test.skipIf(isSkipped)(
    "what is sent through one reaches the readers of the other, in order, once, soon",
    async () => {
      await using database = await open();
      const env = { DATABASE_URL: database.url, LOG_LEVEL: "warning" };
      await using one = new ServerProcess(env);
      await using two = new ServerProcess(env);
      const [here, there] = [await one.listening(), await two.listening()].map((url) => chatClient("gRPC", url));
      const bob = freshId();
      const { roomId, send } = await newRoom(here!, bob);
      await using near = new TestStream(here!, { roomIds: [roomId], userId: bob });
      await using far = new TestStream(there!, { roomIds: [roomId], userId: bob });
      await Promise.all([near.live, far.live]);

      const delays: number[] = [];
      const arrivals = [];
      for (let i = 1; i <= SENDS; i++) {
        await send(`${i}`);
        const answered = Date.now();
        arrivals.push(far.take(i).then(() => delays.push(Date.now() - answered)));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      }
      await Promise.all(arrivals);
      delays.sort((a, b) => a - b);
      expect(delays[Math.ceil(0.99 * SENDS) - 1], `delays in ms: ${delays}`).toBeLessThanOrEqual(DELAY_MS);

      const last = await there!.sendMessage({ roomId, userId: bob, body: "the last" });
      const told = await far.take(SENDS + 1);
      expectDense(told);
      expect(told.at(-1)).toEqual(last);
      expect(await near.take(SENDS + 1)).toEqual(told);
      expect(far.received).toHaveLength(SENDS + 1);
      for (const { faults } of [one, two]) expect(faults).toEqual([]);
    },
  );

  test.skipIf(isSkipped)(
    "kill -9 of either: the other goes on, and nothing is lost, doubled or out of order",
    async () => {
      await using database = await open();
      const env = { DATABASE_URL: database.url, LOG_LEVEL: "warning" };
      await using one = new KillableServer(env);
      await using two = new KillableServer(env);
      const servers = [one, two] as const;
      for (const server of servers) await server.start();
      const { asOwner: room } = await newRoom((await one.life).client);

      const answered = new Map<string, Message>();
      const acks = new Map<KillableServer, number>(servers.map((server) => [server, 0]));
      let retried = 0;
      let last = 0;
      let isOver = false;

      /** Sends through one server; what its end leaves in doubt, through the other, which has to answer. */
      async function sendThrough(server: KillableServer, other: KillableServer): Promise<void> {
        while (!isOver) {
          const life = await server.life;
          const request = { ...room, body: `message ${++last}`, clientMessageId: crypto.randomUUID() };
          let message: Message;
          try {
            message = await life.client.sendMessage(request);
            acks.set(server, acks.get(server)! + 1);
          } catch (e) {
            if (!life.isOver) throw e;
            retried++;
            message = await (await other.life).client.sendMessage(request);
          }
          expect(message).toMatchObject(request);
          answered.set(request.body, message);
        }
      }
      const sendingEnded = Promise.all(
        servers.flatMap((server, i) => {
          return Array.from({ length: CALLS_PER_SERVER }, () => sendThrough(server, servers[1 - i]!));
        }),
      );
      const followers = servers.map(() => new Follower(room));
      const isLast = ({ body }: Message) => body === "the last";
      const followed = Promise.all(followers.map((follower, i) => follower.follow(servers[i]!, isLast)));
      const failed = Promise.race([sendingEnded, followed]).then(() => expect.unreachable("nobody is to end yet"));
      failed.catch(() => {});

      /** Waits until the server has answered so many more. */
      async function moreAcks(server: KillableServer): Promise<void> {
        const enough = acks.get(server)! + ACKS_BETWEEN;
        while (acks.get(server)! < enough) {
          await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 5))]);
        }
      }
      for (let kills = 0; kills < KILLS; kills++) {
        const [victim, survivor] = [servers[kills % 2]!, servers[1 - (kills % 2)]!];
        await Promise.all(servers.map(moreAcks));
        await victim.kill();
        await moreAcks(survivor);
        await victim.start();
      }
      await Promise.all(servers.map(moreAcks));
      isOver = true;
      await sendingEnded;
      const { client } = await two.life;
      const end = await client.sendMessage({ ...room, body: "the last" });
      await followed;

      const { roomId, userId } = room;
      await using log = new TestStream(client, { roomIds: [roomId], userId, afterSeq: { [`${roomId}`]: 0n } });
      const stored = await log.take(Number(end.seq));
      expectDense(stored);
      for (const { received } of followers) expect(received).toEqual(stored);
      const byBody = new Map(stored.map((message) => [message.body, message]));
      expect(byBody.size, "no body twice").toBe(stored.length);
      expect(answered.size, "all that was asked for, and the last").toBe(stored.length - 1);
      for (const [body, message] of answered) expect(byBody.get(body)).toEqual(message);
      expect(retried).toBeGreaterThan(0);
    },
  );
});
