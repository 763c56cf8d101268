import { clone, create, equals } from "@bufbuild/protobuf";
import {
  type Cursor,
  CursorSchema,
  type Event,
  type Member,
  MemberSchema,
  type Message,
  MessageSchema,
  type Room,
  RoomSchema,
} from "../../gen/chat_pb.ts";
import { type ChatClient, chatClient } from "../support/clients.ts";
import type { Model, ModelRoom } from "../support/model.ts";
import { headOf, membersOf, messagesOf, recordIn } from "../support/room-logs.ts";
import { TestEvents } from "../support/test-stream.ts";
import { token } from "../support/tokens.ts";
import { withoutCount } from "./all-reader.ts";
import { until } from "./reader.ts";

interface ViewedRoom {
  cursor: Cursor;
  readonly messages: Map<bigint, Message>;
  readonly members: Map<bigint, Member>;
  /** The room's record as it was last told, if it was. */
  record: Room | undefined;
}

/**
 * The holder of a view of some rooms, who is a member of none, follows them from their beginnings, and resumes where it has
 * come to. Whoever joins or is removed, it is told everything of these rooms, and nothing of others.
 */
export class ViewReader implements AsyncDisposable {
  readonly #urls: readonly string[];
  readonly #rooms = new Map<bigint, ViewedRoom>();
  /** Rooms that it was told are deleted. */
  readonly #deleted = new Set<bigint>();
  #token = "";
  #stream: TestEvents | undefined;
  #streams = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** Gets a token for rooms, some of which it names by their keys. */
  async view(rooms: readonly ModelRoom[]): Promise<void> {
    const names = rooms.map(({ room: { id, key } }, i) => (i % 2 === 0 ? key : `${id}`));
    this.#token = await token({ sub: undefined, view: names });
    for (const { room } of rooms) {
      const empty = { messages: new Map(), members: new Map(), record: undefined };
      this.#rooms.set(room.id, { cursor: create(CursorSchema), ...empty });
    }
  }

  /** Follows the rooms that are still there. */
  async resume(model: Model): Promise<void> {
    await this.drop();
    for (const id of this.#rooms.keys()) if (!model.rooms.has(id)) this.#rooms.delete(id);
    if (this.#rooms.size === 0) return;
    const after = Object.fromEntries(
      [...this.#rooms].map(([id, { cursor }]) => [`${id}`, clone(CursorSchema, cursor)] as const),
    );
    const client: ChatClient = chatClient(
      "Connect JSON",
      this.#urls[this.#streams++ % this.#urls.length]!,
      this.#token,
    );
    this.#stream = new TestEvents(client, { roomIds: [...this.#rooms.keys()], after });
    await this.#stream.take(1);
  }

  async drop(): Promise<void> {
    this.#absorb();
    await this.#stream?.[Symbol.asyncDispose]();
    this.#stream = undefined;
  }

  /** Waits until it knows what the rooms have by now. */
  async settle(model: Model): Promise<void> {
    if (!this.#stream) await this.resume(model);
    let missing: string | undefined;
    const knowsAll = await until(5_000, () => {
      this.#absorb();
      missing = [...this.#rooms].map(([id, room]) => lacks(room, model.rooms.get(id))).find(Boolean);
      return missing === undefined;
    });
    if (!knowsAll) throw new Error(`the holder of a view lacks ${missing}`);
    for (const id of this.#deleted) {
      if (!model.deleted.has(id)) throw new Error(`the holder of a view was told that room ${id} is deleted`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }

  #absorb(): void {
    for (const { event } of this.#stream?.takeNew() ?? []) this.#take(event);
  }

  #take(event: Event["event"]): void {
    switch (event.case) {
      case "message": {
        const { cursor, messages } = this.#roomOf(event.value.roomId);
        if (event.value.seq <= cursor.seq) throw new Error(`the holder of a view got ${event.value.seq} again`);
        cursor.seq = event.value.seq;
        messages.set(event.value.id, event.value);
        return;
      }
      case "memberAdded":
      case "memberRemoved": {
        const room = this.#roomOf(event.value.roomId);
        const { members } = room;
        proceed(room, event.value.memberSeq);
        if (event.value.removedAt) members.delete(event.value.userId);
        else members.set(event.value.userId, event.value);
        return;
      }
      case "roomUpdated": {
        const room = this.#roomOf(event.value.id);
        proceed(room, event.value.memberSeq);
        room.record = event.value;
        return;
      }
      case "roomDeleted":
        this.#roomOf(event.value.roomId);
        this.#rooms.delete(event.value.roomId);
        this.#deleted.add(event.value.roomId);
        return;
      case "reset":
        throw new Error(`the holder of a view can't resume in room ${event.value.roomId}`);
    }
  }

  /** A room of the view. */
  #roomOf(id: bigint): ViewedRoom {
    const room = this.#rooms.get(id);
    if (!room) throw new Error(`the holder of a view was told of room ${id}, which it doesn't follow`);
    return room;
  }
}

/** A change of a room's members or record is told after those before it. */
function proceed({ cursor }: ViewedRoom, memberSeq: bigint): void {
  if (memberSeq <= cursor.memberSeq) throw new Error(`the holder of a view got change ${memberSeq} of members again`);
  cursor.memberSeq = memberSeq;
}

/** What a room has and its reader hasn't, or otherwise. */
function lacks({ cursor, messages, members, record }: ViewedRoom, room: ModelRoom | undefined): string | undefined {
  if (!room) return "the end of a room";
  const { seq, memberSeq } = headOf(room);
  if (cursor.seq !== seq || cursor.memberSeq !== memberSeq) return `changes up to ${seq} and ${memberSeq}`;
  if (messages.size !== messagesOf(room).size) return "messages, or has too many";
  for (const [id, message] of messagesOf(room)) {
    if (!equals(MessageSchema, messages.get(id)!, message)) return `message ${id} as it is`;
  }
  if (members.size !== membersOf(room).size) return "members, or has too many";
  for (const [id, { readMessageId: _, updatedAt: __, ...member }] of membersOf(room)) {
    const { readMessageId: ___, updatedAt: ____, ...known } = members.get(id)!;
    if (!equals(MemberSchema, known as Member, member as Member)) return `member ${id} as it is`;
  }
  const latest = recordIn(room.members);
  if (!latest) return undefined;
  return record && equals(RoomSchema, withoutCount(record), withoutCount(latest)) ? undefined : "the record as it is";
}
