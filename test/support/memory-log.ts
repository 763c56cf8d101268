import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Member, MemberSchema, type Message, MessageSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { type MemberChange, MemberChangeSchema, type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { ChatStore, LogPage, PageSize, Position, Reader } from "../../src/chat/store.ts";
import { changeMember, changeMessage, changesAfter, fitting, headOf, type RoomLogs } from "./room-logs.ts";

const at = (n: bigint) => timestampFromMs(1_800_000_000_000 + Number(n));

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
  | { readonly kind: "add" | "remove" | "read"; readonly userId: bigint };

/**
 * Logs in memory, of steps that ask nothing of a room but that it can take them. Every room exists, and everybody is a
 * member of it from before its beginning, under the membership id that is the user's own, until the first removal.
 */
export class MemoryLog implements Pick<ChatStore, "readLogs" | "readersAtHead"> {
  readonly #rooms = new Map<bigint, RoomLogs>();
  readonly #addedSeqs = new Map<bigint, bigint>();
  readonly #moments = new Map<object, number>();
  #lastMembershipId = 1_000n;

  append(roomId: bigint, count = 1): News {
    return this.commit(
      roomId,
      Array.from({ length: count }, () => ({ kind: "send" })),
    );
  }

  commit(roomId: bigint, steps: readonly Step[]): News {
    const room = this.logs(roomId);
    const before = headOf(room);
    for (const step of steps) {
      const change = "userId" in step ? this.#changeMember(roomId, step) : this.#changeMessage(roomId, step);
      if (change) this.#note(change);
    }
    return create(NewsSchema, {
      roomId,
      messages: room.messages.slice(Number(before.seq)),
      members: room.members.slice(Number(before.memberSeq)).map((member) => this.memberChange(member)),
      memberSeq: headOf(room).memberSeq,
    });
  }

  /** Typing is news only. */
  typing(roomId: bigint, userId: bigint): News {
    const typing = create(TypingSchema, { roomId, userId });
    this.#note(typing);
    return create(NewsSchema, { roomId, memberSeq: this.head(roomId).memberSeq, typing: [typing] });
  }

  head(roomId: bigint): Position {
    const { seq, memberSeq } = headOf(this.logs(roomId));
    return { seq, memberSeq };
  }

  /** All changes ever committed to a room. */
  logs(roomId: bigint): RoomLogs {
    const room = this.#rooms.get(roomId) ?? { messages: [], members: [] };
    this.#rooms.set(roomId, room);
    return room;
  }

  /** A change of a membership, as those are told who know of all that was before, or up to `known`. */
  memberChange(member: Member, known = member.memberSeq - 1n): MemberChange {
    return create(MemberChangeSchema, { member, isNew: this.addedSeq(member.id) > known });
  }

  /** The member_seq at which a membership began; 0, if that was before the room's beginning. */
  addedSeq(membershipId: bigint): bigint {
    return this.#addedSeqs.get(membershipId) ?? 0n;
  }

  /** When something was committed: these numbers grow. */
  momentOf(change: object): number {
    return this.#moments.get(change)!;
  }

  /** When a membership ended, if it did. */
  endOf(roomId: bigint, membershipId: bigint): number | undefined {
    const end = this.logs(roomId).members.find(({ id, removedAt }) => id === membershipId && removedAt);
    return end && this.momentOf(end);
  }

  async readLogs(readers: readonly Reader[], { changes, bytes }: PageSize): Promise<ReadonlyMap<bigint, LogPage>> {
    const present = readers.filter(({ roomId, membershipId }) => this.endOf(roomId, membershipId) === undefined);
    const due = present.flatMap(({ roomId, cursor }) => {
      return changesAfter(this.logs(roomId).messages, cursor.seq, ({ id }) => id).slice(0, changes);
    });
    const given = fitting(due, bytes, ({ body }) => body);
    const pages = present.map(({ roomId, cursor, knownMembers }): [bigint, LogPage] => {
      const newer = changesAfter(this.logs(roomId).members, cursor.memberSeq, ({ userId }) => userId);
      const page = {
        messages: given.filter((message) => message.roomId === roomId),
        members: newer.slice(0, changes).map((member) => this.memberChange(member, knownMembers ?? cursor.memberSeq)),
        head: this.head(roomId),
      };
      return [roomId, page];
    });
    return new Map(pages);
  }

  async readersAtHead(userId: bigint, roomIds: readonly bigint[]): Promise<Reader[]> {
    return roomIds.flatMap((roomId) => {
      const membershipId = this.membership(roomId, userId);
      return membershipId === undefined ? [] : [{ roomId, membershipId, cursor: this.head(roomId) }];
    });
  }

  membership(roomId: bigint, userId: bigint): bigint | undefined {
    const latest = this.logs(roomId).members.findLast((member) => member.userId === userId);
    if (!latest) return userId;
    return latest.removedAt ? undefined : latest.id;
  }

  #changeMessage(roomId: bigint, step: Extract<Step, { kind: "send" | "edit" }>): Message | undefined {
    const room = this.logs(roomId);
    const seq = headOf(room).seq + 1n;
    if (step.kind === "send") return changeMessage(room, testMessage(roomId, seq));
    const messages = changesAfter(room.messages, 0n, ({ id }) => id);
    const message = messages[step.nth % messages.length];
    return message && changeMessage(room, { ...message, body: `edit ${seq}`, updatedAt: at(seq) });
  }

  #changeMember(roomId: bigint, { kind, userId }: Extract<Step, { userId: bigint }>): Member | undefined {
    const room = this.logs(roomId);
    const memberSeq = headOf(room).memberSeq + 1n;
    const membershipId = this.membership(roomId, userId);
    if ((membershipId === undefined) !== (kind === "add")) return;
    const id = membershipId ?? ++this.#lastMembershipId;
    if (kind === "add") this.#addedSeqs.set(id, memberSeq);
    const readMessageId = kind === "read" ? headOf(room).seq : 0n;
    const removedAt = kind === "remove" ? at(memberSeq) : undefined;
    return changeMember(room, create(MemberSchema, { id, roomId, userId, readMessageId, removedAt }));
  }

  #note(change: object): void {
    this.#moments.set(change, this.#moments.size + 1);
  }
}
