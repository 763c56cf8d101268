import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Cursor,
  EventSchema,
  type ListCursor,
  type StreamEventsReq,
  type StreamMessageReq,
} from "../../gen/chat_pb.ts";
import { notInRooms } from "./errors.ts";
import { HEARTBEAT_MS } from "./limits.ts";
import type { ListStart } from "./list-cursor.ts";
import type { ListedRooms } from "./list-page.ts";
import { isBefore } from "./position.ts";
import type { ChatStore, Membership, Memberships } from "./store.ts";
import type { TailOptions } from "./tail-options.ts";

type Members = Pick<ChatStore, "memberships">;
type Lists = Pick<ChatStore, "memberships" | "listedRooms">;

/** Where a StreamMessage begins: its cursors know of messages only, and one that can't be served is refused. */
export async function messageStart(
  store: Members,
  req: StreamMessageReq,
  byRight: readonly bigint[] = [],
): Promise<TailOptions> {
  const { userId, afterSeq, epoch } = req;
  refuseStrays("after_seq", afterSeq, req.roomIds);
  const memberships = await membershipsOf(store, req, byRight);
  const from = memberships.of.flatMap(({ roomId, head, firstSeq }) => {
    const seq = afterSeq[`${roomId}`];
    if (seq === undefined) return [];
    const reason = unservable({ seq, memberSeq: 0n, epoch }, { head, firstSeq }, memberships.epoch);
    if (reason) throw new ConnectError(`after_seq: room ${roomId} ${reason}`, Code.OutOfRange);
    return [[roomId, { ...head, seq }] as const];
  });
  return { userId, memberships, from: new Map(from), endsWhenRemoved: true };
}

/** Where a StreamEvents begins. Rooms `byRight` are followed whoever their members are. */
export async function eventStart(
  store: Lists,
  req: StreamEventsReq,
  byRight: readonly bigint[] = [],
): Promise<TailOptions> {
  const { userId, after, heartbeatSeconds } = req;
  refuseStrays("after", after, req.roomIds);
  if (req.roomIds.length === 0 && !req.followList) {
    throw new ConnectError("room_ids: name a room, or set follow_list", Code.InvalidArgument);
  }
  const [memberships, listed] = await Promise.all([
    membershipsOf(store, req, byRight),
    req.followList ? store.listedRooms(userId) : undefined,
  ]);
  const list = listed && listStart(listed, req.listAfter);
  const { epoch, of } = memberships;
  const asked = of.flatMap((membership) => {
    const cursor = after[`${membership.roomId}`];
    return cursor ? [{ ...membership, cursor, reason: unservable(cursor, membership, epoch) }] : [];
  });
  const served = asked.filter(({ reason }) => !reason).map(({ roomId, cursor }) => [roomId, cursor] as const);
  const opening = asked
    .filter(({ reason }) => reason)
    .map(({ roomId, head }) => {
      return create(EventSchema, { event: { case: "reset", value: { roomId, cursor: { ...head, epoch } } } });
    });
  if (list?.isReset) opening.push(create(EventSchema, { event: { case: "reset", value: { roomId: 0n } } }));
  const heartbeatMs = heartbeatSeconds > 0 ? heartbeatSeconds * 1000 : HEARTBEAT_MS;
  return { userId, memberships, from: new Map(served), opening, heartbeatMs, list, visit: { watches: req.presence } };
}

/** Where the list starts, and whether that is not where it was asked for, because that can't be served. */
function listStart(listed: ListedRooms, asked: ListCursor | undefined): ListStart & { readonly isReset: boolean } {
  const after = asked?.revision ?? listed.revision;
  const isReset = isOfAnother(asked?.epoch, listed.epoch) || after > listed.revision;
  return { listed, after: isReset ? 0n : after, isReset };
}

/** Whether numbers are of another epoch; of which they are, a caller may leave out. */
function isOfAnother(epoch: string | undefined, present: string): boolean {
  return epoch !== undefined && epoch !== "" && epoch !== present;
}

/** Why a room can't be followed from a cursor, if it can't. */
function unservable(
  cursor: Pick<Cursor, "seq" | "memberSeq" | "epoch">,
  { head, firstSeq }: Pick<Membership, "head" | "firstSeq">,
  epoch: string,
): string | undefined {
  if (isOfAnother(cursor.epoch, epoch)) return "has numbers of another epoch by now; read it anew";
  if (isBefore(head, cursor)) return `has no such change yet, its newest is ${head.seq}`;
  if (cursor.seq + 1n < firstSeq) return `keeps changes from ${firstSeq} on; read it anew`;
  return undefined;
}

function refuseStrays(field: string, cursors: object, roomIds: readonly bigint[]): void {
  const asked = new Set(roomIds.map(String));
  const stray = Object.keys(cursors).find((roomId) => !asked.has(roomId));
  if (stray !== undefined) throw new ConnectError(`${field}: room ${stray} is not in room_ids`, Code.InvalidArgument);
}

async function membershipsOf(
  store: Members,
  { userId, roomIds }: Pick<StreamEventsReq, "userId" | "roomIds">,
  byRight: readonly bigint[],
): Promise<Memberships> {
  const memberships = await store.memberships(userId, roomIds, byRight);
  const found = new Set(memberships.of.map(({ roomId }) => roomId));
  const missing = roomIds.filter((roomId) => !found.has(roomId));
  if (missing.length > 0) throw notInRooms(missing, userId);
  return memberships;
}
