import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChatClient, chatClient, freshId } from "../support/clients.ts";
import { newRoom } from "../support/rooms.ts";
import { startServerProcess } from "../support/server-process.ts";

const PAIRS = 800;
/** Of the share of pairs in which one room took longer, if it takes as long as the other: no more than half of 1 in a million runs go beyond. */
const DEVIATIONS = 5;

let service: Awaited<ReturnType<typeof startServerProcess>>;
let client: ChatClient;
/** A room with messages and members, and the number of none. */
let foreign: bigint;
let unknown: bigint;

beforeAll(async () => {
  service = await startServerProcess({ LOG_LEVEL: "warning" });
  client = chatClient("Connect binary", service.url);
  const { roomId, sendMany } = await newRoom(client, ...Array.from({ length: 50 }, freshId));
  await sendMany(200);
  [foreign, unknown] = [roomId, roomId + 1_000_000n];
});
afterAll(() => service?.[Symbol.asyncDispose]());

const stranger = freshId();

test.each<[string, (roomId: bigint) => Promise<unknown>]>([
  ["GetRoom", (roomId) => client.getRoom({ room: { case: "roomId", value: roomId }, userId: stranger })],
  ["ListMessages", (roomId) => client.listMessages({ roomId, userId: stranger })],
  ["ListMembers", (roomId) => client.listMembers({ roomId, userId: stranger })],
  ["IsMember", (roomId) => client.isMember({ roomId, userId: 1n, actorId: stranger })],
  ["SendMessage", (roomId) => client.sendMessage({ roomId, userId: stranger, body: "x" })],
  ["DeleteMessage", (roomId) => client.deleteMessage({ roomId, userId: stranger, messageId: 1n })],
  ["RemoveMember", (roomId) => client.removeMember({ roomId, userId: 1n, actorId: stranger })],
  ["SendTyping", (roomId) => client.sendTyping({ roomId, userId: stranger })],
])("[P5] %s takes a stranger as long for a room that there is as for none", async (_, call) => {
  const took = async (roomId: bigint) => {
    const started = performance.now();
    const error = ConnectError.from(await call(roomId).catch((e: unknown) => e));
    const ms = performance.now() - started;
    expect(error.code).toBe(Code.NotFound);
    return ms;
  };
  let longer = 0;
  for (let i = 0; i < PAIRS; i++) {
    // One after the other, in either order, so that whatever else slows them down slows down both.
    const isForeignFirst = Math.random() < 0.5;
    const first = await took(isForeignFirst ? foreign : unknown);
    const second = await took(isForeignFirst ? unknown : foreign);
    if (first > second === isForeignFirst) longer++;
  }
  const deviation = Math.sqrt(PAIRS * 0.25);
  expect(Math.abs(longer - PAIRS / 2) / deviation, `longer in ${longer} of ${PAIRS} pairs`).toBeLessThan(DEVIATIONS);
});
