import { setTimeout as sleep } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type ChatClient, chatClient, freshId } from "../support/clients.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { TestStream } from "../support/test-stream.ts";
import type { StartService } from "./access.ts";

const KEY = "k".repeat(43);

/** So low that a test gets there, and of those that grow back so slowly that it stays there. */
const LOW = {
  LIMIT_SENDS_PER_SECOND: "1",
  LIMIT_SENDS_BURST: "5",
  LIMIT_ROOM_SENDS_PER_SECOND: "1",
  LIMIT_ROOM_SENDS_BURST: "3",
  LIMIT_ROOMS_PER_MINUTE: "1",
  LIMIT_ROOMS_BURST: "2",
  LIMIT_MEMBERS_PER_MINUTE: "1",
  LIMIT_MEMBERS_BURST: "2",
  LIMIT_SIGNALS_PER_SECOND: "1",
  LIMIT_SIGNALS_BURST: "3",
  LIMIT_PAGES_PER_SECOND: "1",
  LIMIT_PAGES_BURST: "4",
  LIMIT_VIEW_PAGES_PER_SECOND: "1",
  LIMIT_VIEW_PAGES_BURST: "4",
  LIMIT_USER_STREAMS: "2",
  LIMIT_VIEW_STREAMS: "1",
  LIMIT_ROOM_MEMBERS: "4",
  LIMIT_USER_ROOMS: "3",
};

/**
 * Each limit of a caller is tried, and says its name, and when to come back where that helps. A runtime that isn't told of a
 * client that has left notices it by the next message.
 */
export function quotaContract(start: StartService, { noticesLeaving = true } = {}): void {
  const resources = new AsyncDisposableStack();
  let provider: IdentityProvider;
  let url: string;
  let backend: ChatClient;
  beforeAll(async () => {
    provider = resources.use(await IdentityProvider.start());
    const service = await start({ ...provider.env, ...LOW, API_KEYS: KEY, ROOM_CREATION: "users" });
    resources.use(service);
    url = service.url;
    backend = chatClient("Connect JSON", url, KEY);
  });
  afterAll(() => resources[Symbol.asyncDispose]());

  const signIn = async (claims: object) => chatClient("Connect JSON", url, await provider.token({ ...claims }));

  async function newRoom(owner = freshId()) {
    const { id: roomId } = await backend.createChatRoom({ postId: freshId(), userId: owner });
    return { roomId, owner, client: await signIn({ sub: `${owner}` }) };
  }

  /** Calls until it is too often; gives how often it wasn't, and the refusal. */
  async function untilRefused(
    call: () => Promise<unknown>,
  ): Promise<{ taken: number; seconds: number; error: ConnectError }> {
    const started = performance.now();
    for (let taken = 0; taken < 200; taken++) {
      try {
        await call();
      } catch (e) {
        return { taken, seconds: (performance.now() - started) / 1_000, error: ConnectError.from(e) };
      }
    }
    return expect.unreachable("it is never too often");
  }

  function expectLimit(error: ConnectError, limit: string): void {
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ domain: "roomlog", metadata: { limit } }]);
  }

  test.each<[string, number, () => Promise<() => Promise<unknown>>]>([
    [
      "roomSendsPerSecond",
      3,
      async () => {
        const { client, roomId } = await newRoom();
        return () => client.sendMessage({ roomId, body: "x" });
      },
    ],
    [
      "sendsPerSecond",
      5,
      async () => {
        const { client, owner, roomId } = await newRoom();
        const { roomId: other } = await newRoom(owner);
        let sends = 0;
        return () => client.sendMessage({ roomId: sends++ % 2 === 0 ? roomId : other, body: "x" });
      },
    ],
    [
      "signalsPerSecond",
      3,
      async () => {
        const { client, roomId } = await newRoom();
        return () => client.sendTyping({ roomId });
      },
    ],
    [
      "pagesPerSecond",
      4,
      async () => {
        const { client } = await newRoom();
        return () => client.listRooms({});
      },
    ],
    [
      "viewPagesPerSecond",
      4,
      async () => {
        const { roomId } = await newRoom();
        const client = await signIn({ view: [`${roomId}`] });
        return () => client.listMessages({ roomId });
      },
    ],
  ])("[P7] %s: after %i at once it is one a second, and the error says when", async (limit, burst, prepare) => {
    const call = await prepare();
    const { taken, seconds, error } = await untilRefused(call);
    expect(taken).toBeGreaterThanOrEqual(burst);
    expect(taken).toBeLessThanOrEqual(burst + seconds + 1);
    expectLimit(error, limit);
    const [retry] = error.findDetails(RetryInfoSchema);
    const waitMs = durationMs(retry!.retryDelay!);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(1_000);
    await sleep(waitMs + 20); // timers may be early
    await call();
  });

  test("[P7] roomsPerMinute: opens so many rooms", async () => {
    const client = await signIn({ sub: `${freshId()}` });
    const { taken, error } = await untilRefused(() => client.createChatRoom({ postId: freshId() }));
    expect(taken).toBe(2);
    expectLimit(error, "roomsPerMinute");
  });

  test("[P7] membersPerMinute: adds so many members", async () => {
    const { client, roomId } = await newRoom();
    const { taken, error } = await untilRefused(() => client.addMember({ roomId, userKey: crypto.randomUUID() }));
    expect(taken).toBe(2);
    expectLimit(error, "membersPerMinute");
  });

  test("[P7] membersPerMinute: each of the users whom a call adds counts", async () => {
    const { client, roomId } = await newRoom();
    const add = (count: number) => client.addMembers({ roomId, userIds: Array.from({ length: count }, freshId) });
    await add(2);
    expectLimit((await untilRefused(() => add(1))).error, "membersPerMinute");
    const other = await signIn({ sub: `${freshId()}` });
    await other.ensureRoom({ room: { case: "key", value: `room ${freshId()}` }, memberIds: [freshId(), freshId()] });
    const refused = await untilRefused(() => {
      return other.ensureRoom({ room: { case: "key", value: `room ${freshId()}` }, memberKeys: [`${freshId()}`] });
    });
    expectLimit(refused.error, "membersPerMinute");
  });

  test("[P7] a backend is held to none of these, whomever it acts for", async () => {
    const { roomId, owner } = await newRoom();
    for (let i = 0; i < 30; i++) await backend.sendMessage({ roomId, userId: owner, body: "x" });
  });

  describe.each<[string, number, (roomId: bigint, owner: bigint) => object]>([
    ["userStreams", 2, (_, owner) => ({ sub: `${owner}` })],
    ["viewStreams", 1, (roomId) => ({ view: [`${roomId}`] })],
  ])("[P7] %s", (limit, most, claims) => {
    test("are counted until they have ended", async () => {
      const { roomId, owner } = await newRoom();
      const client = await signIn(claims(roomId, owner));
      const open = async () => {
        const stream = new TestStream(client, { roomIds: [roomId], afterSeq: { [`${roomId}`]: 0n } });
        await stream.live.catch(() => {});
        return stream;
      };
      await backend.sendMessage({ roomId, userId: owner, body: "x" });
      const streams = [];
      for (let i = 0; i < most; i++) streams.push(await open());
      await Promise.all(streams.map((stream) => stream.take(1)));
      await using refused = await open();
      expectLimit((await refused.ended)!, limit);
      await streams[0]![Symbol.asyncDispose]();
      await vi.waitFor(
        async () => {
          if (!noticesLeaving) await backend.sendMessage({ roomId, userId: owner, body: "x" });
          await using again = await open();
          await again.take(1);
        },
        { timeout: 30_000, interval: 1_000 },
      );
      for (const stream of streams) await stream[Symbol.asyncDispose]();
    });
  });

  test("[P7] roomMembers and userRooms are as many as there may be, also for a backend", async () => {
    const { roomId, owner } = await newRoom();
    const full = await untilRefused(() => backend.addMember({ roomId, userId: freshId() }));
    expect(full.taken).toBe(3);
    expectLimit(full.error, "roomMembers");
    expect(full.error.findDetails(RetryInfoSchema)).toEqual([]);
    const busy = await untilRefused(() => backend.createChatRoom({ postId: freshId(), userId: owner }));
    expect(busy.taken).toBe(2);
    expectLimit(busy.error, "userRooms");
  });
}
