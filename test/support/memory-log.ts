import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Message, MessageSchema } from "../../gen/chat_pb.ts";
import type { Batch } from "../../src/chat/broadcaster.ts";
import type { ChatStore, Positions } from "../../src/chat/store.ts";

export function testMessage(roomId: bigint, seq: bigint, body = `message ${seq}`): Message {
  const at = timestampFromMs(1_800_000_000_000 + Number(seq));
  return create(MessageSchema, { id: seq, roomId, userId: 1n, seq, body, createdAt: at, updatedAt: at });
}

/** The changes first to last of a room, as they would be committed together. */
export function testBatch(roomId: bigint, first: number, last = first): Batch {
  const messages = Array.from({ length: last - first + 1 }, (_, i) => testMessage(roomId, BigInt(first + i)));
  return messages as [Message, ...Message[]];
}

/** Logs in memory. Every room exists, and everybody is a member of it. */
export class MemoryLog implements Pick<ChatStore, "changesAfter" | "headsFor"> {
  readonly #rooms = new Map<bigint, Message[]>();

  append(roomId: bigint, count = 1): Batch {
    const head = this.head(roomId);
    const batch = testBatch(roomId, head + 1, head + count);
    this.#room(roomId).push(...batch);
    return batch;
  }

  head(roomId: bigint): number {
    return this.#room(roomId).length;
  }

  /** The changes first to last, as far as they exist. */
  changes(roomId: bigint, first: number, last: number): Message[] {
    return this.#room(roomId).slice(Math.max(first, 1) - 1, Math.max(last, 0));
  }

  async changesAfter(cursors: Positions, limit: number): Promise<Message[]> {
    return [...cursors].flatMap(([roomId, after]) => this.changes(roomId, Number(after) + 1, Number(after) + limit));
  }

  async headsFor(_userId: bigint, roomIds: readonly bigint[]): Promise<Positions> {
    return new Map(roomIds.map((roomId) => [roomId, BigInt(this.head(roomId))]));
  }

  #room(roomId: bigint): Message[] {
    let room = this.#rooms.get(roomId);
    if (!room) this.#rooms.set(roomId, (room = []));
    return room;
  }
}
