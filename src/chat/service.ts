import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { ChatService, StreamMessageReq } from "../../gen/chat_pb.ts";
import { notInRoom } from "./errors.ts";
import { liveResponseKey } from "./live-response.ts";
import { HEAD_CHECK_MS } from "./limits.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore, Positions } from "./store.ts";
import type { Subscriber } from "./broadcaster.ts";
import { tail } from "./tail.ts";

/** What the service stands on. */
export interface ChatParts {
  readonly store: ChatStore;
  readonly rooms: RoomHost;
  readonly subscriber: Subscriber;
  /** When streams end with UNAVAILABLE, in milliseconds; never, if it isn't given. */
  readonly streamMaxAgeMs?: number;
}

/** The RPCs, in the order of the contract, which says what they mean. Requests arrive with their shape validated. */
export function chatService({ store, rooms, subscriber, streamMaxAgeMs }: ChatParts): ServiceImpl<typeof ChatService> {
  return {
    createChatRoom: (req) => store.createRoom(req),

    addMember: (req) => store.addMember(req),

    async sendMessage(req) {
      if (!req.body.isWellFormed() || !req.clientMessageId.isWellFormed()) {
        throw new ConnectError("body and client_message_id must be valid Unicode text", Code.InvalidArgument);
      }
      return rooms.send(req);
    },

    async *streamMessage(req, ctx) {
      const from = await startingPoints(store, req);
      const changes = tail({ store, subscriber }, from, ctx.signal, HEAD_CHECK_MS, streamMaxAgeMs);
      const live = ctx.values.get(liveResponseKey);
      if (live) yield* live.serve(ctx, changes);
      else for await (const batches of changes) for (const batch of batches) yield* batch;
    },
  };
}

async function startingPoints(store: ChatStore, { roomIds, userId, afterSeq }: StreamMessageReq): Promise<Positions> {
  const asked = new Set(roomIds.map(String));
  const stray = Object.keys(afterSeq).find((roomId) => !asked.has(roomId));
  if (stray !== undefined) {
    throw new ConnectError(`after_seq: room ${stray} is not in room_ids`, Code.InvalidArgument);
  }
  const heads = await store.headsFor(userId, roomIds);
  return new Map(
    roomIds.map((roomId) => {
      const head = heads.get(roomId);
      if (head === undefined) throw notInRoom(roomId, userId);
      const cursor = afterSeq[`${roomId}`] ?? head;
      if (cursor > head) {
        throw new ConnectError(
          `after_seq: room ${roomId} has no change ${cursor} yet, its newest is ${head}`,
          Code.OutOfRange,
        );
      }
      return [roomId, cursor];
    }),
  );
}
