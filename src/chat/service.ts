import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMemberReq,
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
import type { Caller } from "./caller.ts";
import { notInRoom } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import { TYPING_MS } from "./limits.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore } from "./store.ts";
import { eventStart, messageStart } from "./stream-start.ts";
import { Tail, type TailOptions } from "./tail.ts";
import { eventsOf, messagesOf } from "./view.ts";

/** What the service stands on. */
export interface ChatParts {
  readonly store: ChatStore;
  readonly rooms: RoomHost;
  /** The feeds for a stream to be opened: those of the process, or where sockets belong to one request, its own. */
  readonly feeds: () => Feeds;
  /** When streams end with UNAVAILABLE, in milliseconds, give or take a tenth; never, if it isn't given. */
  readonly streamMaxAgeMs?: number;
}

/** The RPCs, in the order of the contract, which says what they mean. Requests arrive with their shape validated. */
export function chatService({ store, rooms, feeds, streamMaxAgeMs }: ChatParts) {
  const follow = (options: TailOptions) => Tail.open(feeds(), { ...options, maxAgeMs: streamMaxAgeMs });

  return {
    createChatRoom: (_: Caller, req: CreateRoomReq) => store.createRoom(req),

    addMember: (_: Caller, value: AddMemberReq) => rooms.apply({ case: "addMember", value }),

    async sendMessage(_: Caller, value: SendMessageReq) {
      requireText(value.body, value.clientMessageId);
      return rooms.apply({ case: "sendMessage", value });
    },

    streamMessage: {
      open: async (_: Caller, req: StreamMessageReq) => follow(await messageStart(store, req)),
      messages: messagesOf,
    },

    getRoom: (_: Caller, req: GetRoomReq) => store.getRoom(req),

    listRooms: (_: Caller, req: ListRoomsReq) => store.listRooms(req),

    listMessages: (_: Caller, req: ListMessagesReq) => store.listMessages(req),

    listMembers: (_: Caller, req: ListMembersReq) => store.listMembers(req),

    isMember: async (_: Caller, req: IsMemberReq) => {
      return create(IsMemberResSchema, { isMember: await store.isMember(req) });
    },

    removeMember: (_: Caller, value: RemoveMemberReq) => rooms.apply({ case: "removeMember", value }),

    transferOwnership: (_: Caller, value: TransferOwnershipReq) => rooms.apply({ case: "transferOwnership", value }),

    async editMessage(_: Caller, value: EditMessageReq) {
      requireText(value.body, value.clientEditId);
      return rooms.apply({ case: "editMessage", value });
    },

    deleteMessage: (_: Caller, value: DeleteMessageReq) => rooms.apply({ case: "deleteMessage", value }),

    markRead: (_: Caller, value: MarkReadReq) => rooms.apply({ case: "markRead", value }),

    async sendTyping(_: Caller, { roomId, userId }: SendTypingReq) {
      const [membership] = (await store.memberships(userId, [roomId])).of;
      if (!membership) throw notInRoom(roomId, userId);
      const expiresAt = timestampFromMs(Date.now() + TYPING_MS);
      await rooms.type(create(TypingSchema, { roomId, userId, expiresAt }), membership.head.memberSeq);
      return create(SendTypingResSchema);
    },

    streamEvents: {
      open: async (_: Caller, req: StreamEventsReq) => follow(await eventStart(store, req)),
      messages: eventsOf,
    },
  };
}

/** JSON can carry half a surrogate pair, which no database and no protobuf can. */
function requireText(...texts: string[]): void {
  if (texts.every((text) => text.isWellFormed())) return;
  throw new ConnectError("texts and ids must be valid Unicode", Code.InvalidArgument);
}
