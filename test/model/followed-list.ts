import { clone, equals, toJsonString } from "@bufbuild/protobuf";
import {
  type Event,
  type ListCursor,
  ListCursorSchema,
  MessageSchema,
  type RoomSummary,
  RoomSummarySchema,
} from "../../gen/chat_pb.ts";
import { membershipsIn, messagesOf } from "../support/room-logs.ts";
import type { Past } from "./reader.ts";

export type ListEvent = Extract<Event["event"], { case: "roomChanged" | "roomLeft" }>;

/** What a client keeps of its user's list of rooms, from the beginning of it on, over all of its streams. */
export class FollowedList {
  readonly #past: Past;
  readonly #userId: bigint;
  readonly #rooms = new Map<bigint, RoomSummary>();
  #cursor: ListCursor | undefined;

  constructor(past: Past, userId: bigint) {
    this.#past = past;
    this.#userId = userId;
  }

  /** What a request has to say to follow it from where the client is. */
  get from() {
    return { followList: true, listAfter: this.#cursor ? clone(ListCursorSchema, this.#cursor) : { revision: 0n } };
  }

  reach(cursor: ListCursor | undefined): void {
    this.#cursor = cursor;
  }

  /** Why it is not what the database has, as the model knows it; empty if it is. */
  get isWrong(): string {
    const expected = this.#past.model.roomsOf(this.#userId);
    if (expected.length !== this.#rooms.size) return `with ${this.#rooms.size} rooms, where ${expected.length} are`;
    for (const summary of expected) {
      const told = this.#rooms.get(summary.room!.id);
      // When a room last changed only its answers say.
      const { updatedAt } = told?.room ?? {};
      const right: RoomSummary = { ...summary, room: { ...summary.room!, ...(updatedAt && { updatedAt }) } };
      if (!told) return `without room ${summary.room!.id}`;
      if (!equals(RoomSummarySchema, right, told)) {
        return `with ${toJsonString(RoomSummarySchema, told)} for ${toJsonString(RoomSummarySchema, right)}`;
      }
    }
    return "";
  }

  /** Takes what was told; says what is wrong with it, if something is. */
  take(event: ListEvent): string {
    this.#past.saw(`list: ${event.case}`);
    const roomId = event.case === "roomChanged" ? event.value.room!.id : event.value.roomId;
    const { rooms, deleted } = this.#past.model;
    const { members } = (rooms.get(roomId) ?? deleted.get(roomId))!;
    const own = membershipsIn(members).filter(({ userId }) => userId === this.#userId);
    if (event.case === "roomLeft") {
      this.#rooms.delete(roomId);
      const wasIn = own.some(({ removedAt }) => !removedAt);
      if (deleted.has(roomId)) return wasIn ? "" : "the end of somebody else's room";
      const hasEnded = own.some(({ id, removedAt }) => !removedAt && this.#past.ended.has(id));
      return hasEnded ? "" : "a membership that has not ended";
    }
    this.#rooms.set(roomId, event.value);
    return this.#problemOf(event.value);
  }

  /** What was told has been so at some time, while the user was a member. */
  #problemOf({ room, member, head, lastMessage, readMessageId, unreadCount }: RoomSummary): string {
    const { rooms, deleted } = this.#past.model;
    const logs = rooms.get(room!.id) ?? deleted.get(room!.id);
    if (!logs || !member || member.userId !== this.#userId) return "somebody else's room";
    const end = this.#past.ended.get(member.id)?.memberSeq;
    if (end !== undefined && head!.memberSeq >= end) return "what was committed after the membership";
    const positions = logs.reads.get(member.id) ?? [];
    if (!positions.some(({ messageId }) => messageId === readMessageId)) return "a read position that never was";
    const messages = [...messagesOf(logs, head!.seq).values()];
    const last = messages.at(-1);
    const isLast = last && lastMessage ? equals(MessageSchema, last, lastMessage) : last === lastMessage;
    if (!isLast) return "another last message";
    const unread = messages.filter(({ id, userId, deletedAt }) => {
      return id > readMessageId && userId !== this.#userId && !deletedAt;
    });
    return unread.length === unreadCount ? "" : `another count than ${unread.length}`;
  }
}
