import { equals } from "@bufbuild/protobuf";
import {
  type Member,
  MemberSchema,
  type Message,
  MessageSchema,
  type Room,
  RoomSchema,
  type StreamAllRes,
} from "../../gen/chat_pb.ts";
import { type ChangePlace, comparePlaces, fromCursorText } from "../../src/chat/change-place.ts";
import type { ChatClient } from "../support/clients.ts";
import type { Model } from "../support/model.ts";
import { changesAfter, membershipsIn, messagesOf } from "../support/room-logs.ts";
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
  #place: ChangePlace | undefined;
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
    for (const told of this.#stream?.takeNew() ?? []) {
      this.#proceed(told);
      this.#take(told.event);
    }
  }

  /** Each change lies behind all that were told before it, over all streams. */
  #proceed({ cursor, event }: StreamAllRes): void {
    const { place } = fromCursorText(cursor);
    const step = this.#place ? comparePlaces(place, this.#place) : 1;
    if (step < 0 || (step === 0 && event.case !== "upToDate")) {
      throw new Error(`the reader of everything got ${event.case} at ${cursor} after ${this.#cursor}`);
    }
    this.#cursor = cursor;
    this.#place = place;
    if (event.case === "upToDate" || event.case === undefined) return;
    if (this.#deleted.has(place.roomId)) {
      throw new Error(`the reader of everything got ${event.case} of room ${place.roomId}, which is deleted`);
    }
  }

  #take(event: StreamAllRes["event"]): void {
    switch (event.case) {
      case "room": {
        const known = this.#rooms.get(event.value.id);
        if (known && event.value.memberSeq <= known.memberSeq) this.#throwOutOfOrder("record", event.value);
        this.#rooms.set(event.value.id, event.value);
        return;
      }
      case "roomDeleted":
        this.#deleted.add(event.value.roomId);
        return;
      case "member": {
        const key = `${event.value.roomId}/${event.value.userId}`;
        const known = this.#members.get(key);
        // A read position is told with the number that the membership has.
        if (known && event.value.memberSeq < known.memberSeq) this.#throwOutOfOrder("member", event.value);
        this.#members.set(key, event.value);
        return;
      }
      case "message": {
        const { id, roomId, seq } = event.value;
        const head = this.#heads.get(roomId) ?? 0n;
        if (seq <= head) throw new Error(`the reader of everything got ${seq} of room ${roomId} after ${head}`);
        this.#heads.set(roomId, seq);
        this.#messages.set(id, event.value);
      }
    }
  }

  #throwOutOfOrder(what: string, { id, memberSeq }: Room | Member): never {
    throw new Error(`the reader of everything got change ${memberSeq} of ${what} ${id} after a later one`);
  }

  /** What the model has and the reader hasn't, or otherwise. */
  #missing(model: Model): string | undefined {
    for (const [roomId, room] of model.rooms) {
      if (!this.#rooms.has(roomId)) return `room ${roomId}`;
      if (this.#deleted.has(roomId)) return `room ${roomId}, which is not deleted`;
      for (const [id, message] of messagesOf(room)) {
        const told = this.#messages.get(id);
        if (!told || !equals(MessageSchema, told, message)) return `message ${id} of room ${roomId}`;
      }
      if (!equals(RoomSchema, withoutCount(this.#rooms.get(roomId)!), withoutCount(room.room))) {
        return `record ${roomId}`;
      }
      for (const member of changesAfter(membershipsIn(room.members), 0n, ({ userId }) => userId)) {
        const told = this.#members.get(`${roomId}/${member.userId}`);
        const bannedUntil = room.bans.get(member.userId);
        const expected = { ...member, ...(bannedUntil && { bannedUntil }) };
        if (!told || !equals(MemberSchema, told, expected)) return `member ${member.userId} of room ${roomId}`;
      }
    }
    for (const roomId of model.deleted.keys()) if (!this.#deleted.has(roomId)) return `the end of room ${roomId}`;
    return undefined;
  }
}

/** How many members a record shows, and when it last changed, other changes tell, too, and it isn't told anew for them. */
export function withoutCount(room: Room): Room {
  return { ...room, memberCount: 0, updatedAt: undefined as never };
}
