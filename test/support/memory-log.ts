import { create } from "@bufbuild/protobuf";
import {
  CreateRoomReqSchema,
  type Member,
  type Message,
  MessageSchema,
  Role,
  type Room,
  type Typing,
  TypingSchema,
} from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import { memberChanges } from "../../src/chat/position.ts";
import { readsOf } from "../../src/chat/read-positions.ts";
import type { Commit, Memberships, Position, RoomChange } from "../../src/chat/store.ts";
import { change } from "./changes.ts";
import { at, byUser, MemoryStore, newsSince } from "./memory-store.ts";
import { headOf, membershipsIn, membersOf, messagesOf, type RoomLogs } from "./room-logs.ts";

export function testMessage(roomId: bigint, seq: bigint, body = `message ${seq}`): Message {
  return create(MessageSchema, { id: seq, roomId, userId: 1n, seq, body, createdAt: at(seq), updatedAt: at(seq) });
}

/** The sends first to last of a room, as they would be committed together; nothing is known of its members. */
export function testNews(roomId: bigint, first: number, last = first): News {
  const messages = Array.from({ length: last - first + 1 }, (_, i) => testMessage(roomId, BigInt(first + i)));
  return create(NewsSchema, { roomId, messages });
}

/** A change of a room. What is not allowed changes nothing. */
export type Step =
  | { readonly kind: "send" }
  | { readonly kind: "rename" }
  | { readonly kind: "edit"; readonly nth: number }
  /** Moves the read position to a message, or to the beginning. */
  | { readonly kind: "unread"; readonly userId: bigint; readonly nth: number }
  | { readonly kind: "add" | "remove" | "read" | "role"; readonly userId: bigint };

/** Owns every room, writes and edits its messages, and never leaves. */
export const AUTHOR = 1_000n;

/**
 * Rooms that are there when a test speaks of them, with an author and the users as members, and that change by steps:
 * all that a test of readers needs to say.
 */
export class MemoryLog extends MemoryStore {
  readonly #users: readonly bigint[];
  /** When each change was committed. */
  readonly #moments = new Map<string | Typing, number>();

  constructor(...users: bigint[]) {
    super();
    this.#users = users.length > 0 ? users : [1n, 2n, 3n];
  }

  /** The room's logs, with all changes ever committed to it. */
  logs(roomId: bigint): RoomLogs {
    const found = this.model.rooms.get(roomId);
    if (found) return found;
    this.openNow(create(CreateRoomReqSchema, { postId: roomId, userId: AUTHOR }), roomId);
    this.#note(...membershipsIn(this.model.rooms.get(roomId)!.members));
    for (const userId of this.#users) this.#commit(change("addMember", { roomId, userId }));
    return this.model.rooms.get(roomId)!;
  }

  override head(roomId: bigint): Position {
    this.logs(roomId);
    return super.head(roomId);
  }

  override async memberships(
    userId: bigint,
    roomIds: readonly bigint[],
    byRight?: readonly bigint[],
  ): Promise<Memberships> {
    for (const roomId of roomIds) this.logs(roomId);
    return super.memberships(userId, roomIds, byRight);
  }

  append(roomId: bigint, count = 1): News {
    return this.change(roomId, ...Array.from({ length: count }, () => ({ kind: "send" }) as const));
  }

  /** Commits the steps. Its news have the read positions too, as readers are told of them in passing. */
  change(roomId: bigint, ...steps: readonly Step[]): News {
    const room = this.logs(roomId);
    const before = headOf(room);
    const reads = steps.flatMap((step) => this.#commit(this.#changeOf(roomId, step))?.reads ?? []);
    const news = newsSince(this.model.rooms.get(roomId)!, before);
    if (reads.length === 0) return news;
    // A member that was added again has read all: that comes after what it had read before.
    const positions = this.readPositions(roomId);
    const marks = reads.map((mark) => [mark.userId, positions.get(mark.userId) ?? mark] as const);
    const readsArePrivate = membersOf(room).size > SHARED_READS_MEMBERS;
    return create(NewsSchema, { ...news, ...readsOf(roomId, byUser(new Map(marks))), readsArePrivate });
  }

  /** Typing is news only. */
  typing(roomId: bigint, userId: bigint): News {
    const { memberSeq } = this.head(roomId);
    const typing = create(TypingSchema, { roomId, userId });
    this.#note(typing);
    return create(NewsSchema, { roomId, memberSeq, typing: [typing] });
  }

  /** The id of the user's membership, if it is a member. */
  membership(roomId: bigint, userId: bigint): bigint | undefined {
    return membersOf(this.logs(roomId)).get(userId)?.id;
  }

  /** When something was committed: these numbers grow. */
  momentOf(change: Message | Member | Room | Typing): number {
    return this.#moments.get(keyOf(change))!;
  }

  /** When a membership ended, if it did. */
  endOf(roomId: bigint, membershipId: bigint): number | undefined {
    const end = membershipsIn(this.logs(roomId).members).find(({ id, removedAt }) => id === membershipId && removedAt);
    return end && this.momentOf(end);
  }

  #commit(change: RoomChange | undefined): Commit | undefined {
    const commit = change && this.commitNow([change]);
    for (const news of commit?.news ?? []) this.#note(...news.messages, ...memberChanges(news));
    return commit;
  }

  /** What a step asks for, if there is something that it can be asked of. */
  #changeOf(roomId: bigint, step: Step): RoomChange | undefined {
    const messages = [...messagesOf(this.logs(roomId)).values()];
    const next = this.head(roomId).seq + 1n;
    if (step.kind === "send") return change("sendMessage", { roomId, userId: AUTHOR, body: `message ${next}` });
    if (step.kind === "edit") {
      const message = messages[step.nth % messages.length];
      const edit = { roomId, userId: AUTHOR, messageId: message?.id ?? 0n, body: `edit ${next}` };
      return message && change("editMessage", edit);
    }
    if (step.kind === "rename") {
      return change("updateRoom", { roomId, actorId: AUTHOR, name: `name ${this.head(roomId).memberSeq + 1n}` });
    }
    const { userId } = step;
    if (step.kind === "add") return change("addMember", { roomId, userId });
    if (step.kind === "remove") return change("removeMember", { roomId, userId, actorId: userId });
    if (step.kind === "role") {
      const isMember = membersOf(this.logs(roomId)).get(userId)?.role === Role.MEMBER;
      const role = isMember ? Role.MODERATOR : Role.MEMBER;
      return change("setRole", { roomId, userId, actorId: AUTHOR, role });
    }
    if (step.kind === "unread") {
      const messageId = [0n, ...messages.map(({ id }) => id)].at(step.nth % (messages.length + 1))!;
      return change("markRead", { roomId, userId, messageId, mayMoveBack: true });
    }
    const newest = messages.at(-1);
    return newest && change("markRead", { roomId, userId, messageId: newest.id });
  }

  #note(...changes: (Message | Member | Room | Typing)[]): void {
    for (const change of changes) this.#moments.set(keyOf(change), this.#moments.size + 1);
  }
}

/** Its number in its log, which it keeps when a read position is written into it. */
function keyOf(change: Message | Member | Room | Typing): string | Typing {
  switch (change.$typeName) {
    case "chat_grpc.Typing":
      return change;
    case "chat_grpc.Message":
      return `messages/${change.roomId}/${change.seq}`;
    case "chat_grpc.Member":
      return `members/${change.roomId}/${change.memberSeq}`;
    case "chat_grpc.Room":
      return `members/${change.id}/${change.memberSeq}`;
  }
}
