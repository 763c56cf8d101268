import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Message, SendMessageReqSchema } from "../../gen/chat_pb.ts";
import { type ChatClient, chatClient, type Protocol } from "../support/clients.ts";
import { newRoom } from "../support/rooms.ts";
import { ServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestStream } from "../support/test-stream.ts";

const CYCLES = 4;
const ACKS_BEFORE_KILL = 300;
const SENDERS: readonly Protocol[] = ["gRPC", "Connect JSON", "gRPC-Web", "Connect over h2"];
const CALLS_PER_SENDER = 12;

type Send = MessageInitShape<typeof SendMessageReqSchema> & { body: string };

test("[P1] [P2] [P4] kill -9 under load: what was answered is stored, once, without a hole", async () => {
  await using directory = await temporaryDirectory();
  const env = { DATABASE_URL: `file:${directory.path}/roomlog.db`, LOG_LEVEL: "warning" };
  let room = { roomId: 0n, userId: 0n };
  let last = 0;
  const answered = new Map<string, Message>();
  /** Sends with a client_message_id of which nobody knows whether they were stored. */
  const inDoubt = new Set<Send>();
  const followed: Message[] = [];

  /** Sends until the server is gone, first of all what is in doubt. */
  async function sendUntilGone(client: ChatClient, onAnswer: () => void): Promise<void> {
    for (;;) {
      const [retry] = inDoubt;
      if (retry) inDoubt.delete(retry);
      const body = `message ${++last}`;
      const send: Send = retry ?? { ...room, body, clientMessageId: last % 3 === 0 ? "" : crypto.randomUUID() };
      try {
        const message = await client.sendMessage(send);
        expect(message).toMatchObject(send);
        expect(answered.has(send.body)).toBe(false);
        answered.set(send.body, message);
        onAnswer();
      } catch (e) {
        if (send.clientMessageId) inDoubt.add(send);
        if (e instanceof Error && e.name === "AssertionError") throw e;
        return;
      }
    }
  }

  function follow(client: ChatClient, after: number): TestStream {
    const { roomId, userId } = room;
    return new TestStream(client, { roomIds: [roomId], userId, afterSeq: { [`${roomId}`]: BigInt(after) } });
  }

  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    await using server = new ServerProcess(env);
    const url = await server.listening();
    if (cycle === 1) ({ asOwner: room } = await newRoom(chatClient("gRPC", url)));
    await using follower = follow(chatClient("gRPC", url), followed.length);
    await follower.live;

    let acks = 0;
    const enough = Promise.withResolvers<void>();
    const onAnswer = () => ++acks === ACKS_BEFORE_KILL && enough.resolve();
    const senders = SENDERS.flatMap((protocol) => {
      const client = chatClient(protocol, url);
      return Array.from({ length: CALLS_PER_SENDER }, () => sendUntilGone(client, onAnswer));
    });
    await Promise.race([enough.promise, Promise.all(senders)]);
    await server.kill("SIGKILL");
    await Promise.all(senders);
    await follower.ended;
    followed.push(...follower.received);
  }

  await using server = new ServerProcess(env);
  const client = chatClient("gRPC", await server.listening());
  expect(inDoubt.size).toBeGreaterThan(0);
  for (const send of inDoubt) answered.set(send.body, await client.sendMessage(send));
  const end = await client.sendMessage({ ...room, body: "the end" });
  await using stream = follow(client, 0);
  const stored = await stream.take(Number(end.seq));

  expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, i) => BigInt(i + 1)));
  const byBody = new Map(stored.map((message) => [message.body, message]));
  expect(byBody.size).toBe(stored.length);
  for (const [body, message] of answered) expect(byBody.get(body)).toEqual(message);
  const ids = stored.map(({ clientMessageId }) => clientMessageId).filter((id) => id !== "");
  expect(new Set(ids).size).toBe(ids.length);
  // A follower that resumed from its cursor after each crash has seen the same log.
  expect(followed).toEqual(stored.slice(0, followed.length));
  expect(answered.size).toBeGreaterThan(CYCLES * ACKS_BEFORE_KILL);
}, 60_000);
