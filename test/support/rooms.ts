import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import type { Message } from "../../gen/chat_pb.ts";
import type { ChatClient } from "./clients.ts";
import { freshId } from "./fresh-id.ts";

/** A new room of a new post, with an owner and other members that no other room has. */
export async function newRoom(client: ChatClient, ...members: bigint[]) {
  const owner = freshId();
  const room = await client.createChatRoom({ postId: freshId(), userId: owner });
  for (const userId of members) await client.addMember({ roomId: room.id, userId });
  const send = (body: string, userId = owner, replyToId = 0n) =>
    client.sendMessage({ roomId: room.id, userId, body, replyToId });
  /** Sends 1, 2, 3, … in groups, without an order. */
  const sendMany = async (count: number) => {
    for (let sent = 0; sent < count; sent += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - sent) }, (_, i) => send(`${sent + i}`)));
    }
  };
  /** What every request of the owner has to say. */
  const asOwner = { roomId: room.id, userId: owner };
  return { roomId: room.id, room, owner, asOwner, send, sendMany };
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).code;
}

export async function errorOf(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await call.then(() => expect.unreachable("the call succeeded"), ConnectError.from);
  return { code: Code[error.code], message: error.rawMessage };
}

export function bodies(messages: readonly Message[]): string[] {
  return messages.map(({ body }) => body);
}

/** The changes of one room, checked for [P3]: seq after seq, none missing, none twice. */
export function expectDense(messages: readonly Message[], after = 0n): void {
  expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, i) => after + BigInt(i) + 1n));
}
