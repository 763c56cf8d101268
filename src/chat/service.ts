import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type AddMemberReq,
  type ChatService,
  type CreateRoomReq,
  type DeleteMessageReq,
  type EditMessageReq,
  type GetRoomReq,
  type IsMemberReq,
  IsMemberResSchema,
  type ListMembersReq,
  type ListMessagesReq,
  type ListRoomsReq,
  type MarkReadReq,
  type RemoveMemberReq,
  type SendMessageReq,
  type SendTypingReq,
  SendTypingResSchema,
  type StreamEventsReq,
  type StreamMessageReq,
  type TransferOwnershipReq,
  TypingSchema,
} from "../../gen/chat_pb.ts";
import type { Subscriber } from "./broadcaster.ts";
import { notInRoom } from "./errors.ts";
import { TYPING_MS } from "./limits.ts";
import { serveStream } from "./live-response.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore } from "./store.ts";
import { eventStart, messageStart } from "./stream-start.ts";
import { type TailOptions, tail } from "./tail.ts";
import { eventView, messageView } from "./view.ts";

/** What the service stands on. */
export interface ChatParts {
  readonly store: ChatStore;
  readonly rooms: RoomHost;
  readonly subscriber: Subscriber;
  /** When streams end with UNAVAILABLE, in milliseconds; never, if it isn't given. */
  readonly streamMaxAgeMs?: number;
}

/** The RPCs, in the order of the contract, which says what they mean. Requests arrive with their shape validated. */
export function chatService(parts: ChatParts): ServiceImpl<typeof ChatService> {
  const { streamMessage, streamEvents } = streams(parts);
  return {
    ...unaryCalls(parts),
    streamMessage: (req, ctx) => serveStream(streamMessage, req, ctx),
    streamEvents: (req, ctx) => serveStream(streamEvents, req, ctx),
  };
}

/** The RPCs with one answer, for which the request says it all: they need nothing of the call's context. */
export function unaryCalls({ store, rooms }: ChatParts) {
  return {
    createChatRoom: (req: CreateRoomReq) => store.createRoom(req),

    addMember: (value: AddMemberReq) => rooms.apply({ case: "addMember", value }),

    async sendMessage(value: SendMessageReq) {
      requireText(value.body, value.clientMessageId);
      return rooms.apply({ case: "sendMessage", value });
    },

    getRoom: (req: GetRoomReq) => store.getRoom(req),

    listRooms: (req: ListRoomsReq) => store.listRooms(req),

    listMessages: (req: ListMessagesReq) => store.listMessages(req),

    listMembers: (req: ListMembersReq) => store.listMembers(req),

    isMember: async (req: IsMemberReq) => create(IsMemberResSchema, { isMember: await store.isMember(req) }),

    removeMember: (value: RemoveMemberReq) => rooms.apply({ case: "removeMember", value }),

    transferOwnership: (value: TransferOwnershipReq) => rooms.apply({ case: "transferOwnership", value }),

    async editMessage(value: EditMessageReq) {
      requireText(value.body, value.clientEditId);
      return rooms.apply({ case: "editMessage", value });
    },

    deleteMessage: (value: DeleteMessageReq) => rooms.apply({ case: "deleteMessage", value }),

    markRead: (value: MarkReadReq) => rooms.apply({ case: "markRead", value }),

    async sendTyping({ roomId, userId }: SendTypingReq) {
      const [member] = await store.readersAtHead(userId, [roomId]);
      if (!member) throw notInRoom(roomId, userId);
      const expiresAt = timestampFromMs(Date.now() + TYPING_MS);
      await rooms.type(create(TypingSchema, { roomId, userId, expiresAt }), member.cursor.memberSeq);
      return create(SendTypingResSchema);
    },
  };
}

/** The RPCs that follow rooms. */
export function streams({ store, subscriber, streamMaxAgeMs }: ChatParts) {
  const follow = (options: TailOptions, signal: AbortSignal) => {
    return tail({ store, subscriber }, { ...options, maxAgeMs: streamMaxAgeMs }, signal);
  };
  return {
    streamMessage: {
      open: async (req: StreamMessageReq, signal: AbortSignal) => follow(await messageStart(store, req), signal),
      view: messageView,
    },

    streamEvents: {
      open: async (req: StreamEventsReq, signal: AbortSignal) => follow(await eventStart(store, req), signal),
      view: eventView,
    },
  };
}

/** JSON can carry half a surrogate pair, which no database and no protobuf can. */
function requireText(...texts: string[]): void {
  if (texts.every((text) => text.isWellFormed())) return;
  throw new ConnectError("texts and ids must be valid Unicode", Code.InvalidArgument);
}
