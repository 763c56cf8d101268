import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import type { Message, SendMessageReq } from "../../gen/chat_pb.ts";
import { GREAT_ID, GREATEST_ID } from "./greatest-id.ts";
import { sendReq } from "./requests.ts";
import type { Outcome, SendStore } from "./send-store.ts";

export const alice = GREAT_ID + 1n;
export const bob = GREAT_ID + 2n;
export const stranger = GREAT_ID;
/** The greatest id; also a room that doesn't exist. */
export const last = GREATEST_ID;

/** A send of alice's, unless it is another's. */
export function send(roomId: bigint, body: string, userId = alice, clientMessageId = ""): SendMessageReq {
  return sendReq(roomId, userId, body, clientMessageId);
}

/** What is worth comparing of an outcome. */
export function answer(outcome: Outcome) {
  if (outcome instanceof ConnectError) return Code[outcome.code];
  const { message, isNew } = outcome;
  return { body: message.body, seq: message.seq, isNew };
}

/** All messages of a room in which nothing but sends has happened. */
export async function sentLog(store: SendStore, roomId: bigint): Promise<Message[]> {
  const messages = await store.messagesAfter(new Map([[roomId, 0n]]), 1_000_000);
  expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, i) => BigInt(i + 1)));
  return messages;
}
