import { create } from "@bufbuild/protobuf";
import {
  CreateRoomReqSchema,
  type Member,
  type Message,
  MessageSchema,
  Role,
  type Typing,
  TypingSchema,
} from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import type { Commit, Memberships, Position, RoomChange } from "../../src/chat/store.ts";
import { change } from "./changes.ts";
import { at, MemoryStore, newsSince, readMoved } from "./memory-store.ts";
import { headOf, membersOf, messagesOf, positionsOf, type RoomLogs } from "./room-logs.ts";

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
  | { readonly kind: "edit"; readonly nth: number }
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
    this.#note(...this.model.rooms.get(roomId)!.members);
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
    const positions = positionsOf(room);
    const marks = reads.map(({ userId, messageId }) => [userId, positions.get(userId) ?? messageId] as const);
    const moved = readMoved(roomId, new Map(marks));
    const readsArePrivate = membersOf(room).size > SHARED_READS_MEMBERS;
    return create(NewsSchema, { ...news, reads: moved, readsArePrivate });
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
  momentOf(change: Message | Member | Typing): number {
    return this.#moments.get(keyOf(change))!;
  }

  /** When a membership ended, if it did. */
  endOf(roomId: bigint, membershipId: bigint): number | undefined {
    const end = this.logs(roomId).members.find(({ id, removedAt }) => id === membershipId && removedAt);
    return end && this.momentOf(end);
  }

  #commit(change: RoomChange | undefined): Commit | undefined {
    const commit = change && this.commitNow([change]);
    for (const { messages, members } of commit?.news ?? []) this.#note(...messages, ...members);
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
    const { userId } = step;
    if (step.kind === "add") return change("addMember", { roomId, userId });
    if (step.kind === "remove") return change("removeMember", { roomId, userId, actorId: userId });
    if (step.kind === "role") {
      const isMember = membersOf(this.logs(roomId)).get(userId)?.role === Role.MEMBER;
      const role = isMember ? Role.MODERATOR : Role.MEMBER;
      return change("setRole", { roomId, userId, actorId: AUTHOR, role });
    }
    const newest = messages.at(-1);
    return newest && change("markRead", { roomId, userId, messageId: newest.id });
  }

  #note(...changes: (Message | Member | Typing)[]): void {
    for (const change of changes) this.#moments.set(keyOf(change), this.#moments.size + 1);
  }
}

/** Its number in its log, which it keeps when a read position is written into it. */
function keyOf(change: Message | Member | Typing): string | Typing {
  if (change.$typeName === "chat_grpc.Typing") return change;
  const number = change.$typeName === "chat_grpc.Member" ? change.memberSeq : change.seq;
  return `${change.$typeName}/${change.roomId}/${number}`;
}
