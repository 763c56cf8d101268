import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { EventSchema, type StreamEventsReq, type StreamMessageReq } from "../../gen/chat_pb.ts";
import { notInRoom } from "./errors.ts";
import type { ChatStore, Reader } from "./store.ts";
import type { TailOptions } from "./tail.ts";

type Heads = Pick<ChatStore, "readersAtHead">;

/** Where a StreamMessage begins: its cursors know of messages only, and one that can't be served is refused. */
export async function messageStart(store: Heads, req: StreamMessageReq): Promise<TailOptions> {
  const { userId, afterSeq } = req;
  refuseStrays("after_seq", afterSeq, req.roomIds);
  const readers = (await readersAtHead(store, req)).map((reader) => {
    const { roomId, cursor } = reader;
    const seq = afterSeq[`${roomId}`] ?? cursor.seq;
    if (seq <= cursor.seq) return { ...reader, cursor: { ...cursor, seq } };
    const message = `after_seq: room ${roomId} has no change ${seq} yet, its newest is ${cursor.seq}`;
    throw new ConnectError(message, Code.OutOfRange);
  });
  return { userId, readers, endsWhenRemoved: true };
}

/** Where a StreamEvents begins. */
export async function eventStart(store: Heads, req: StreamEventsReq): Promise<TailOptions> {
  const { userId, after, heartbeatSeconds } = req;
  refuseStrays("after", after, req.roomIds);
  const heads = await readersAtHead(store, req);
  const isBeyond = ({ roomId, cursor: { seq, memberSeq } }: Reader) => {
    const asked = after[`${roomId}`];
    return asked !== undefined && (asked.seq > seq || asked.memberSeq > memberSeq);
  };
  const readers = heads.map((head) =>
    isBeyond(head) ? head : { ...head, cursor: after[`${head.roomId}`] ?? head.cursor },
  );
  const opening = heads.filter(isBeyond).map(({ roomId, cursor }) => {
    return create(EventSchema, { event: { case: "reset", value: { roomId, cursor } } });
  });
  return { userId, readers, opening, heartbeatMs: heartbeatSeconds > 0 ? heartbeatSeconds * 1000 : undefined };
}

function refuseStrays(field: string, cursors: object, roomIds: readonly bigint[]): void {
  const asked = new Set(roomIds.map(String));
  const stray = Object.keys(cursors).find((roomId) => !asked.has(roomId));
  if (stray !== undefined) throw new ConnectError(`${field}: room ${stray} is not in room_ids`, Code.InvalidArgument);
}

async function readersAtHead(
  store: Heads,
  { userId, roomIds }: Pick<StreamEventsReq, "userId" | "roomIds">,
): Promise<Reader[]> {
  const readers = await store.readersAtHead(userId, roomIds);
  const found = new Set(readers.map(({ roomId }) => roomId));
  const missing = roomIds.find((roomId) => !found.has(roomId));
  if (missing !== undefined) throw notInRoom(missing, userId);
  return readers;
}
