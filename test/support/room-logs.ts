import { create } from "@bufbuild/protobuf";
import { type Cursor, CursorSchema, type Member, type Message } from "../../gen/chat_pb.ts";

/**
 * A room is two logs: entry n - 1 of each is what change n made of a message, or of a membership. A read position is no
 * change: it is written into the entry of its membership.
 */
export interface RoomLogs {
  readonly messages: Message[];
  readonly members: Member[];
}

export function headOf({ messages, members }: RoomLogs, epoch = ""): Cursor {
  return create(CursorSchema, { seq: BigInt(messages.length), memberSeq: BigInt(members.length), epoch });
}

/** The room's messages after so many changes, in the order of their creation. */
export function messagesOf({ messages }: RoomLogs, seq: bigint | number = Infinity): Map<bigint, Message> {
  return new Map(messages.slice(0, Number(seq)).map((message) => [message.id, message]));
}

/** The room's members after so many changes, by user, those who have been there longest first. */
export function membersOf({ members }: RoomLogs, memberSeq: bigint | number = Infinity): Map<bigint, Member> {
  const current = new Map<bigint, Member>();
  for (const member of members.slice(0, Number(memberSeq))) {
    if (member.removedAt) current.delete(member.userId);
    else current.set(member.userId, member);
  }
  return current;
}

/** How far the current members have read, by user; who has read nothing is left out. */
export function positionsOf(logs: RoomLogs): Map<bigint, bigint> {
  const positions = [...membersOf(logs).values()].map(({ userId, readMessageId }) => [userId, readMessageId] as const);
  return new Map(positions.filter(([, readMessageId]) => readMessageId > 0n));
}

/** What a log has after a cursor: of several changes of the same only the last one. */
export function changesAfter<T>(log: readonly T[], cursor: bigint, keyOf: (change: T) => bigint): T[] {
  const latest = new Map<bigint, T>();
  for (const change of log.slice(Number(cursor))) {
    latest.delete(keyOf(change));
    latest.set(keyOf(change), change);
  }
  return [...latest.values()];
}

const utf8 = new TextEncoder();

/** The bytes that a text takes in JSON. */
export function textBytes(text: string): number {
  return utf8.encode(text).byteLength;
}

/** The first of them whose texts fit into the bytes together; the very first in any case. */
export function fitting<T>(all: readonly T[], bytes: number, textOf: (each: T) => string): T[] {
  let total = 0;
  return all.filter((each, i) => {
    total += textBytes(textOf(each));
    return i === 0 || total <= bytes;
  });
}

export function changeMessage({ messages }: RoomLogs, changed: Message): Message {
  const message = { ...changed, seq: BigInt(messages.length + 1) };
  messages.push(message);
  return message;
}

export function changeMember({ members }: RoomLogs, changed: Member): Member {
  const member = { ...changed, memberSeq: BigInt(members.length + 1) };
  members.push(member);
  return member;
}

/** Writes a read position where the membership is; its number stays. */
export function moveRead({ members }: RoomLogs, moved: Member): Member {
  members[Number(moved.memberSeq) - 1] = moved;
  return moved;
}
