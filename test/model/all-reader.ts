import { equals } from "@bufbuild/protobuf";
import { type Member, MemberSchema, type Message, MessageSchema, type Room } from "../../gen/chat_pb.ts";
import type { ChatClient } from "../support/clients.ts";
import type { Model } from "../support/model.ts";
import { changesAfter, membershipsIn, messagesOf, recordIn } from "../support/room-logs.ts";
import { TestAll } from "../support/test-stream.ts";
import { until } from "./reader.ts";

/** A service that follows everything from when it began, keeps what it is told, and resumes where it has come to. */
export class AllReader implements AsyncDisposable {
  readonly #clients: readonly ChatClient[];
  readonly #messages = new Map<bigint, Message>();
  readonly #members = new Map<string, Member>();
  readonly #rooms = new Map<bigint, Room>();
  readonly #deleted = new Set<bigint>();
  /** By room: the seq of the newest change that it was told of. */
  readonly #heads = new Map<bigint, bigint>();
  #cursor = "now";
  #stream: TestAll | undefined;
  #streams = 0;

  /** @param clients of the servers, perhaps over several protocols; whenever it comes back, it takes the next one */
  constructor(clients: readonly ChatClient[]) {
    this.#clients = clients;
  }

  /** Resolves once it has heard of its place. */
  async resume(): Promise<void> {
    await this.drop();
    const client = this.#clients[this.#streams++ % this.#clients.length]!;
    this.#stream = new TestAll(client, { after: this.#cursor });
    await this.#stream.take(1);
  }

  async drop(): Promise<void> {
    this.#absorb();
    await this.#stream?.[Symbol.asyncDispose]();
    this.#stream = undefined;
  }

  /** Waits until it knows what the rooms of the model have by now. */
  async settle(model: Model): Promise<void> {
    if (!this.#stream) await this.resume();
    let missing: string | undefined;
    const knowsAll = await until(5_000, () => {
      this.#absorb();
      missing = this.#missing(model);
      return missing === undefined;
    });
    if (!knowsAll) throw new Error(`the reader of everything lacks ${missing}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }

  #absorb(): void {
    for (const { cursor, event } of this.#stream?.takeNew() ?? []) {
      this.#cursor = cursor;
      if (event.case === "room") this.#rooms.set(event.value.id, event.value);
      if (event.case === "roomDeleted") this.#deleted.add(event.value.roomId);
      if (event.case === "member") this.#members.set(`${event.value.roomId}/${event.value.userId}`, event.value);
      if (event.case !== "message") continue;
      const { id, roomId, seq } = event.value;
      const head = this.#heads.get(roomId) ?? 0n;
      if (seq <= head) throw new Error(`the reader of everything got ${seq} of room ${roomId} after ${head}`);
      this.#heads.set(roomId, seq);
      this.#messages.set(id, event.value);
    }
  }

  /** What the model has and the reader hasn't, or otherwise. */
  #missing(model: Model): string | undefined {
    for (const [roomId, room] of model.rooms) {
      if (!this.#rooms.has(roomId)) return `room ${roomId}`;
      for (const [id, message] of messagesOf(room)) {
        const told = this.#messages.get(id);
        if (!told || !equals(MessageSchema, told, message)) return `message ${id} of room ${roomId}`;
      }
      const [record, toldRecord] = [recordIn(room.members), this.#rooms.get(roomId)!];
      if (record && (toldRecord.name !== record.name || toldRecord.ownerId !== room.room.ownerId))
        return `record ${roomId}`;
      for (const member of changesAfter(membershipsIn(room.members), 0n, ({ userId }) => userId)) {
        const told = this.#members.get(`${roomId}/${member.userId}`);
        if (!told || !equals(MemberSchema, told, member)) return `member ${member.userId} of room ${roomId}`;
      }
    }
    for (const roomId of model.deleted.keys()) if (!this.#deleted.has(roomId)) return `the end of room ${roomId}`;
    return undefined;
  }
}
