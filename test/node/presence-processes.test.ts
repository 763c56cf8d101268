import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { GRACE_MS, PRESENCE_MS } from "../../src/chat/presence.ts";
import type { ChatClient } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { KillableServer } from "../support/killable-server.ts";
import { newRoom } from "../support/rooms.ts";
import { noSqld, Sqld } from "../support/sqld.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestEvents } from "../support/test-stream.ts";

/** In how many milliseconds others are right again. */
const RIGHT_MS = 30_000;

const databases: Record<string, () => Promise<AsyncDisposable & { readonly url: string }>> = {
  "one file": async () => {
    const directory = await temporaryDirectory();
    const url = `file:${directory.path}/roomlog.db`;
    return { url, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
  },
  "one sqld": () => Sqld.start(),
};

describe.concurrent.each(Object.entries(databases))("[N3] two processes on %s", (name, open) => {
  test.skipIf(name === "one sqld" && noSqld)(
    "know who is here in both, and who goes over from one to the other; after kill -9 of one the other is right again within 30 s",
    async () => {
      await using database = await open();
      const env = { DATABASE_URL: database.url, LOG_LEVEL: "warning" };
      await using one = new KillableServer(env);
      await using two = new KillableServer(env);
      for (const server of [one, two]) await server.start();
      const [here, there] = [(await one.life).client, (await two.life).client];
      const [bob, cat, dan] = [freshId(), freshId(), freshId()];
      const { roomId, owner } = await newRoom(here, bob, cat, dan);
      const follow = (client: ChatClient, userId: bigint) => {
        return new TestEvents(client, { roomIds: [roomId], userId, presence: true });
      };
      await using feed = follow(here, owner);
      await feed.untilHere(roomId, owner);
      await using far = follow(there, bob);
      await far.untilHere(roomId, owner, bob);
      await using both = follow(there, cat);
      await using _cat = follow(here, cat);
      await Promise.all([feed, far, both].map((events) => events.untilHere(roomId, owner, bob, cat)));

      const before = follow(there, dan);
      await feed.untilHere(roomId, owner, bob, cat, dan);
      const told = feed.all("presence").length - 1;
      await before[Symbol.asyncDispose]();
      await setTimeout(PRESENCE_MS);
      {
        await using _dan = follow(here, dan);
        await setTimeout(GRACE_MS + PRESENCE_MS);
        expect(
          feed
            .all("presence")
            .slice(told)
            .filter(({ userIds }) => !userIds.includes(dan)),
        ).toEqual([]);
      }
      await feed.untilHere(roomId, owner, bob, cat);

      await two.kill();
      const killed = Date.now();
      await feed.untilHere(roomId, owner, cat);
      expect(Date.now() - killed).toBeLessThanOrEqual(RIGHT_MS);
      const { users } = await here.listPresence({ roomId, userId: owner, userIds: [bob, cat] });
      expect(users).toMatchObject([
        { userId: bob, isHere: false },
        { userId: cat, isHere: true },
      ]);

      await two.start();
      await using back = follow((await two.life).client, bob);
      await Promise.all([feed, back].map((events) => events.untilHere(roomId, owner, cat, bob)));
    },
  );
});
