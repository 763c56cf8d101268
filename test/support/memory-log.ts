import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Member, MemberSchema, type Message, MessageSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { type MemberChange, MemberChangeSchema, type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { ChatStore, LogPage, Position, Reader } from "../../src/chat/store.ts";

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

interface Room {
  readonly messages: Map<bigint, Message>;
  readonly members: Map<bigint, { readonly member: Member; readonly addedSeq: bigint }>;
  /** Every change as it was committed. */
  readonly pastMessages: Message[];
  readonly pastMembers: MemberChange[];
}

/**
 * Logs in memory. Every room exists, and everybody is a member of it from before its beginning, under the membership id
 * that is the user's own, until the first removal.
 */
export class MemoryLog implements Pick<ChatStore, "readLogs" | "readersAtHead"> {
  readonly #rooms = new Map<bigint, Room>();
  readonly #moments = new Map<object, number>();
  #lastMembershipId = 1_000n;
  #now = 0;

  append(roomId: bigint, count = 1): News {
    return this.commit(
      roomId,
      Array.from({ length: count }, () => ({ kind: "send" })),
    );
  }

  commit(roomId: bigint, steps: readonly Step[]): News {
    const room = this.#room(roomId);
    const [messages, members] = [room.pastMessages.length, room.pastMembers.length];
    for (const step of steps) this.#take(roomId, room, step);
    return create(NewsSchema, {
      roomId,
      messages: room.pastMessages.slice(messages),
      members: room.pastMembers.slice(members),
      memberSeq: this.head(roomId).memberSeq,
    });
  }

  /** Typing is news only. */
  typing(roomId: bigint, userId: bigint): News {
    const typing = create(TypingSchema, { roomId, userId });
    this.#note(typing);
    return create(NewsSchema, { roomId, memberSeq: this.head(roomId).memberSeq, typing: [typing] });
  }

  head(roomId: bigint): Position {
    const { pastMessages, pastMembers } = this.#room(roomId);
    return { seq: BigInt(pastMessages.length), memberSeq: BigInt(pastMembers.length) };
  }

  /** All changes ever committed to a room's logs. */
  past(roomId: bigint): Pick<Room, "pastMessages" | "pastMembers"> {
    return this.#room(roomId);
  }

  /** When something was committed: these numbers grow. */
  momentOf(change: object): number {
    return this.#moments.get(change)!;
  }

  /** When a membership ended, if it did. */
  endOf(roomId: bigint, membershipId: bigint): number | undefined {
    const end = this.#room(roomId).pastMembers.find(({ member }) => member!.id === membershipId && member!.removedAt);
    return end && this.momentOf(end);
  }

  async readLogs(readers: readonly Reader[], limit: number): Promise<ReadonlyMap<bigint, LogPage>> {
    const pages = readers.flatMap(({ roomId, membershipId, cursor, knownMembers }): [bigint, LogPage][] => {
      if (this.endOf(roomId, membershipId) !== undefined) return [];
      const { messages, members } = this.#room(roomId);
      const newer = [...members.values()].filter(({ member }) => member.memberSeq > cursor.memberSeq);
      const page = {
        messages: [...messages.values()].filter(({ seq }) => seq > cursor.seq).slice(0, limit),
        members: newer.slice(0, limit).map(({ member, addedSeq }) => {
          return create(MemberChangeSchema, { member, isNew: addedSeq > (knownMembers ?? cursor.memberSeq) });
        }),
        memberSeq: this.head(roomId).memberSeq,
      };
      return [[roomId, page]];
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
    const known = this.#room(roomId).members.get(userId);
    if (!known) return userId;
    return known.member.removedAt ? undefined : known.member.id;
  }

  #take(roomId: bigint, room: Room, step: Step): void {
    const seq = this.head(roomId).seq + 1n;
    if (step.kind === "send") {
      this.#keep(room, testMessage(roomId, seq));
      return;
    }
    if (step.kind === "edit") {
      const message = [...room.messages.values()][step.nth % (room.messages.size || 1)];
      if (message)
        this.#keep(room, create(MessageSchema, { ...message, seq, body: `edit ${seq}`, updatedAt: at(seq) }));
      return;
    }
    const id = this.membership(roomId, step.userId);
    if ((id === undefined) !== (step.kind === "add")) return;
    const memberSeq = this.head(roomId).memberSeq + 1n;
    const before = room.members.get(step.userId);
    const member = create(MemberSchema, {
      id: id ?? ++this.#lastMembershipId,
      roomId,
      userId: step.userId,
      memberSeq,
      readMessageId: step.kind === "read" ? this.head(roomId).seq : 0n,
      ...(step.kind === "remove" && { removedAt: at(memberSeq) }),
    });
    const change = create(MemberChangeSchema, { member, isNew: step.kind === "add" });
    room.members.delete(step.userId);
    room.members.set(step.userId, { member, addedSeq: change.isNew ? memberSeq : (before?.addedSeq ?? 0n) });
    room.pastMembers.push(change);
    this.#note(change);
  }

  /** The map has its messages in the order of their latest changes. */
  #keep(room: Room, message: Message): void {
    room.messages.delete(message.id);
    room.messages.set(message.id, message);
    room.pastMessages.push(message);
    this.#note(message);
  }

  #note(change: object): void {
    this.#moments.set(change, ++this.#now);
  }

  #room(roomId: bigint): Room {
    const room = this.#rooms.get(roomId) ?? {
      messages: new Map(),
      members: new Map(),
      pastMessages: [],
      pastMembers: [],
    };
    this.#rooms.set(roomId, room);
    return room;
  }
}
