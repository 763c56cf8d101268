import { Code, ConnectError } from "@connectrpc/connect";

/**
 * A place in the log of all rooms: behind a change. Changes are in the order of revisions, those of one revision by rooms,
 * and those of a room in it by their numbers: first of its record and its members, then of its messages.
 */
export interface ChangePlace {
  readonly revision: bigint;
  readonly roomId: bigint;
  readonly log: ChangeLogName;
  /** The seq of a message, the member_seq of a membership or a record; 0 of a deletion. */
  readonly number: bigint;
}

/** What changes, in the order in which it is told where the numbers leave that open. */
export const CHANGE_LOGS = ["room", "member", "message", "roomDeleted"] as const;

export type ChangeLogName = (typeof CHANGE_LOGS)[number];

/** Before all changes of a revision, and behind all of those before. */
export function beginningOf(revision: bigint): ChangePlace {
  return { revision, roomId: 0n, log: CHANGE_LOGS[0], number: 0n };
}

/** Negative if `a` is before `b`. */
export function comparePlaces(a: ChangePlace, b: ChangePlace): number {
  if (a.revision !== b.revision) return a.revision < b.revision ? -1 : 1;
  if (a.roomId !== b.roomId) return a.roomId < b.roomId ? -1 : 1;
  const order = CHANGE_LOGS.indexOf(a.log) - CHANGE_LOGS.indexOf(b.log);
  if (order !== 0 && !(isOfMembers(a) && isOfMembers(b))) return order;
  if (a.number !== b.number) return a.number < b.number ? -1 : 1;
  return order;
}

/** Whether the number is a member_seq. */
export function isOfMembers({ log }: Pick<ChangePlace, "log">): boolean {
  return log === "room" || log === "member";
}

/** A place as callers keep it. */
export function toCursorText({ revision, roomId, log, number }: ChangePlace, epoch: string): string {
  return `${revision}.${roomId}.${CHANGE_LOGS.indexOf(log)}.${number}.${epoch}`;
}

/** The place of a caller's cursor, and its epoch; throws INVALID_ARGUMENT if it is none. */
export function fromCursorText(text: string): { place: ChangePlace; epoch: string } {
  const match = /^(\d{1,18})\.(\d{1,18})\.([0-3])\.(\d{1,18})\.([\w.-]+)$/.exec(text);
  if (!match) throw new ConnectError('after: use the cursor of an event, nothing, or "now"', Code.InvalidArgument);
  const [, revision, roomId, log, number, epoch] = match as unknown as [string, string, string, string, string, string];
  const place = {
    revision: BigInt(revision),
    roomId: BigInt(roomId),
    log: CHANGE_LOGS[Number(log)]!,
    number: BigInt(number),
  };
  return { place, epoch };
}
