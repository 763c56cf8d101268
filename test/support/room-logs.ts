import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Cursor,
  CursorSchema,
  type Member,
  type Message,
  type Room,
  type RoomSummary,
} from "../../gen/chat_pb.ts";

/**
 * A room is two logs: entry n - 1 of each is what change n made of a message, or of a membership or the room's record. A
 * read position is no change: it is written into the entry of its membership.
 */
export interface RoomLogs {
  readonly messages: Message[];
  readonly members: (Member | Room)[];
}

/** The changes of memberships, without those of the record. */
export function membershipsIn(changes: readonly (Member | Room)[]): Member[] {
  return changes.filter((change) => change.$typeName === "chat_grpc.Member");
}

/** The record after changes, if they have one. */
export function recordIn(changes: readonly (Member | Room)[]): Room | undefined {
  return changes.findLast((change) => change.$typeName === "chat_grpc.Room");
}

/** What a change is of: a user's membership, or the record. */
export function subjectOf(change: Member | Room): bigint {
  return change.$typeName === "chat_grpc.Member" ? change.userId : 0n;
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
  for (const member of membershipsIn(members.slice(0, Number(memberSeq)))) {
    if (member.removedAt) current.delete(member.userId);
    else current.set(member.userId, member);
  }
  return current;
}

/** How far the current members have read, by user; who has read nothing, and hasn't changed, is left out. */
export function positionsOf(logs: RoomLogs): Map<bigint, bigint> {
  const isKept = ({ readMessageId, createdAt, updatedAt }: Member) => {
    return readMessageId > 0n || timestampMs(updatedAt!) > timestampMs(createdAt!);
  };
  const kept = [...membersOf(logs).values()].filter(isKept);
  return new Map(kept.map(({ userId, readMessageId }) => [userId, readMessageId]));
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

/** All that is long in a message, as it is stored. */
export function textOf({ body, data, mentionedUserIds, reactions }: Message): string {
  const lists = [
    mentionedUserIds.map(String),
    reactions.map(({ emoji, count, userIds }) => [emoji, count, userIds.map(String)]),
  ];
  const json = [...(data ? [data] : []), ...lists.filter(({ length }) => length > 0)];
  return [body, ...json.map((each) => JSON.stringify(each))].join("");
}

/** All that is long in a room's record, as it is stored. */
export function recordText({ name, data }: Room): string {
  return name + (data ? JSON.stringify(data) : "");
}

/** All that is long in a room in a list. */
export function summaryText({ room, lastMessage }: RoomSummary): string {
  return recordText(room!) + (lastMessage ? textOf(lastMessage) : "");
}

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
  const seq = BigInt(messages.length + 1);
  const message = { ...changed, seq, createdSeq: changed.createdSeq || seq };
  messages.push(message);
  return message;
}

export function changeMember({ members }: RoomLogs, changed: Member): Member {
  const member = { ...changed, memberSeq: BigInt(members.length + 1) };
  members.push(member);
  return member;
}

/** What the record is from now on. */
export function changeRecord({ members }: RoomLogs, changed: Room): Room {
  const record = { ...changed, memberSeq: BigInt(members.length + 1) };
  members.push(record);
  return record;
}

/** Writes a read position where the membership is; its number stays. */
export function moveRead({ members }: RoomLogs, moved: Member): Member {
  members[Number(moved.memberSeq) - 1] = moved;
  return moved;
}
