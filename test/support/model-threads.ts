import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "../../gen/chat_pb.ts";
import { changeMessage, messagesOf, type RoomLogs } from "./room-logs.ts";

/** Replies that the messages which their threads began with don't count yet; all of one commit. */
export interface Replies {
  readonly createdAt: Timestamp | undefined;
  /** How many, by thread. */
  readonly counts: ReadonlyMap<bigint, number>;
}

export const NO_REPLIES: Replies = { createdAt: undefined, counts: new Map() };

export function withReply({ counts }: Replies, { threadId, createdAt }: Message): Replies {
  return { createdAt, counts: new Map(counts).set(threadId, (counts.get(threadId) ?? 0) + 1) };
}

/** Has the messages that threads began with take the next numbers. */
export function countReplies(room: RoomLogs, { createdAt, counts }: Replies): void {
  for (const [id, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) addReplies(room, id, count, createdAt);
}

/** Changes the number of replies of the message that a thread began with, at the time of what changes it. */
export function addReplies(room: RoomLogs, threadId: bigint, count: number, now: Timestamp | undefined): void {
  const root = messagesOf(room).get(threadId)!;
  const updatedAt = timestampFromMs(Math.max(msOf(now), msOf(root.updatedAt) + 1));
  changeMessage(room, { ...root, replyCount: root.replyCount + count, updatedAt });
}

function msOf(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : 0;
}
