import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role } from "../../gen/chat_pb.ts";
import { type ChatClient, chatClient, freshId } from "../support/clients.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { codeOf } from "../support/rooms.ts";
import { ServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestStream } from "../support/test-stream.ts";

const KEY = "k".repeat(43);
/** Two seconds are promised; the rest is what a busy machine may add, in milliseconds. */
const REVOKED_MS = 4_000;
/** Between sends, so that they stay below the quota of a user, in milliseconds. */
const PAUSE_MS = 250;

const resources = new AsyncDisposableStack();
let provider: IdentityProvider;
/** The process where rights are taken away, and the one where they are used. */
let here: string;
let there: string;
/** The product's backend, at the first of them. */
let backend: ChatClient;

beforeAll(async () => {
  provider = resources.use(await IdentityProvider.start());
  const directory = resources.use(await temporaryDirectory());
  const env = {
    ...provider.env,
    DATABASE_URL: `file:${directory.path}/roomlog.db`,
    API_KEYS: KEY,
    LOG_LEVEL: "warning",
  };
  const servers = [resources.use(new ServerProcess(env)), resources.use(new ServerProcess(env))];
  [here, there] = (await Promise.all(servers.map((server) => server.listening()))) as [string, string];
  backend = chatClient("gRPC", here, KEY);
});
afterAll(() => resources[Symbol.asyncDispose]());

const signIn = async (userId: bigint) => chatClient("gRPC", there, await provider.token({ sub: `${userId}` }));

async function newRoom(...members: bigint[]) {
  const owner = freshId();
  const { id: roomId } = await backend.createChatRoom({ postId: freshId(), userId: owner });
  for (const userId of members) await backend.addMember({ roomId, userId });
  return { roomId, owner };
}

/** Sends, one after the other, until one is refused; gives the code, and when the last was answered. */
async function sendUntilRefused(client: ChatClient, roomId: bigint): Promise<{ code: string; lastAt: number }> {
  for (let lastAt = 0; ; ) {
    try {
      await client.sendMessage({ roomId, body: "still here" });
      lastAt = performance.now();
    } catch (e) {
      return { code: Code[ConnectError.from(e).code]!, lastAt };
    }
    await sleep(PAUSE_MS);
  }
}

describe("[P5] [P9] what is taken away through one process, while the other is in use:", () => {
  test("a member who is removed sends nothing more, and receives nothing more", async () => {
    const ben = freshId();
    const { roomId, owner } = await newRoom(ben);
    const client = await signIn(ben);
    await using stream = new TestStream(client, { roomIds: [roomId] });
    await stream.live;
    const refused = sendUntilRefused(client, roomId);
    await stream.take(2);

    await backend.removeMember({ roomId, userId: ben, actorId: owner });
    const removedAt = performance.now();
    const { code, lastAt } = await refused;
    expect(code).toBe("NotFound");
    expect(lastAt).toBeLessThan(removedAt + 50);

    for (let i = 0; i < 3; i++) await backend.sendMessage({ roomId, userId: owner, body: "not for ben" });
    await sleep(1_000);
    expect(stream.received.map(({ body }) => body)).not.toContain("not for ben");
  });

  test("a moderator whose role is lowered deletes no more messages of others", async () => {
    const [ann, ben] = [freshId(), freshId()];
    const { roomId, owner } = await newRoom(ann, ben);
    await backend.setRole({ roomId, userId: ann, actorId: owner, role: Role.MODERATOR });
    const client = await signIn(ann);
    const message = () => backend.sendMessage({ roomId, userId: ben, body: "x" });
    const remove = async ({ id }: { id: bigint }) => client.deleteMessage({ roomId, messageId: id });
    expect((await remove(await message())).deletedAt).toBeDefined();
    const kept = await message();
    await backend.setRole({ roomId, userId: ann, actorId: owner, role: Role.MEMBER });
    expect(await codeOf(remove(kept))).toBe("PermissionDenied");
  });

  test("a user whose tokens are revoked is signed out of streams and calls within two seconds, until there is a new one", async () => {
    const carl = freshId();
    const { roomId } = await newRoom(carl);
    const client = await signIn(carl);
    await using stream = new TestStream(client, { roomIds: [roomId] });
    await stream.live;
    const refused = sendUntilRefused(client, roomId);
    await stream.take(2);

    const revokedAt = performance.now();
    await backend.revokeTokens({ user: { case: "userId", value: carl } });
    const ended = stream.ended.then((error) => ({ error, at: performance.now() }));
    const { error, at } = await ended;
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: expect.stringContaining("revoked") });
    expect(at - revokedAt).toBeLessThan(REVOKED_MS);
    const { code, lastAt } = await refused;
    expect(code).toBe("Unauthenticated");
    expect(lastAt - revokedAt).toBeLessThan(REVOKED_MS);

    const renewed = chatClient("gRPC", there, await provider.token({ sub: `${carl}` }, -1));
    expect((await renewed.sendMessage({ roomId, body: "back" })).userId).toBe(carl);
  });
});
