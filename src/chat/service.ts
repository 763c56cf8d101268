import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMemberReq,
  type CreateRoomReq,
  type DeleteMessageReq,
  type EditMessageReq,
  type GetProfilesReq,
  GetProfilesResSchema,
  type GetRoomReq,
  type IsMemberReq,
  IsMemberResSchema,
  type ListMembersReq,
  type ListMessagesReq,
  type ListRoomsReq,
  type MarkReadReq,
  type RemoveMemberReq,
  type RevokeTokensReq,
  RevokeTokensResSchema,
  type SendMessageReq,
  type SendTypingReq,
  SendTypingResSchema,
  type SetRoleReq,
  type StreamEventsReq,
  type StreamMessageReq,
  type TransferOwnershipReq,
  TypingSchema,
} from "../../gen/chat_pb.ts";
import type { Caller, ViewedRoom } from "./caller.ts";
import { notInRoom } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import { TYPING_MS } from "./limits.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore, Reading } from "./store.ts";
import { eventStart, messageStart } from "./stream-start.ts";
import { Tail, type TailOptions } from "./tail.ts";
import type { UserStore } from "./user-store.ts";
import { eventsOf, messagesOf } from "./view.ts";

/** What the service stands on. */
export interface ChatParts {
  readonly store: ChatStore;
  readonly users: UserStore;
  /** Tells whoever holds streams of a user that tokens of before a time don't count any more; that is stored. */
  readonly gate: { revoked(userId: bigint, issuedBefore: number): Promise<void> };
  readonly rooms: RoomHost;
  /** The feeds for a stream to be opened: those of the process, or where sockets belong to one request, its own. */
  readonly feeds: () => Feeds;
  /** When streams end with UNAVAILABLE, in milliseconds, give or take a tenth; never, if it isn't given. */
  readonly streamMaxAgeMs?: number;
}

/**
 * The RPCs, in the order of the contract, which says what they mean. Requests arrive with their shape validated, and with the
 * caller's field filled in; it is 0 for who acts for no user.
 */
export function chatService({ store, users, gate, rooms, feeds, streamMaxAgeMs }: ChatParts) {
  const follow = (options: TailOptions) => Tail.open(feeds(), { ...options, maxAgeMs: streamMaxAgeMs });

  return {
    createChatRoom: (_: Caller, req: CreateRoomReq) => store.createRoom(req),

    addMember: (_: Caller, value: AddMemberReq) => rooms.apply({ case: "addMember", value }),

    async sendMessage({ kind }: Caller, value: SendMessageReq) {
      requireText(value.body, value.clientMessageId);
      return rooms.apply({ case: "sendMessage", value }, kind === "user");
    },

    streamMessage: {
      open: async (caller: Caller, req: StreamMessageReq) =>
        follow(await messageStart(store, req, byRight(caller, req))),
      messages: messagesOf,
    },

    getRoom: (caller: Caller, req: GetRoomReq) => {
      const { case: name, value } = req.room;
      return store.getRoom(req, reading(caller, req, name === "postId" ? { postId: value } : { id: value! }));
    },

    listRooms: (_: Caller, req: ListRoomsReq) => store.listRooms(req),

    listMessages: (caller: Caller, req: ListMessagesReq) => {
      return store.listMessages(req, reading(caller, req, { id: req.roomId }));
    },

    listMembers: (caller: Caller, req: ListMembersReq) => {
      return store.listMembers(req, reading(caller, req, { id: req.roomId }));
    },

    isMember: async (_: Caller, req: IsMemberReq) => {
      return create(IsMemberResSchema, { isMember: await store.isMember(req) });
    },

    removeMember: (_: Caller, value: RemoveMemberReq) => rooms.apply({ case: "removeMember", value }),

    transferOwnership: (_: Caller, value: TransferOwnershipReq) => rooms.apply({ case: "transferOwnership", value }),

    setRole: (_: Caller, value: SetRoleReq) => rooms.apply({ case: "setRole", value }),

    async editMessage({ kind }: Caller, value: EditMessageReq) {
      requireText(value.body, value.clientEditId);
      return rooms.apply({ case: "editMessage", value }, kind === "user");
    },

    deleteMessage: ({ kind }: Caller, value: DeleteMessageReq) => {
      return rooms.apply({ case: "deleteMessage", value }, kind === "user");
    },

    markRead: (_: Caller, value: MarkReadReq) => rooms.apply({ case: "markRead", value }),

    async sendTyping(_: Caller, { roomId, userId }: SendTypingReq) {
      const [membership] = (await store.memberships(userId, [roomId])).of;
      if (!membership) throw notInRoom(roomId, userId);
      const expiresAt = timestampFromMs(Date.now() + TYPING_MS);
      await rooms.type(create(TypingSchema, { roomId, userId, expiresAt }), membership.head.memberSeq);
      return create(SendTypingResSchema);
    },

    streamEvents: {
      open: async (caller: Caller, req: StreamEventsReq) => follow(await eventStart(store, req, byRight(caller, req))),
      messages: eventsOf,
    },

    async getProfiles(_: Caller, { userIds, keys, actorId }: GetProfilesReq) {
      if (userIds.length + keys.length > MAX_PROFILES) {
        throw new ConnectError(`ask for at most ${MAX_PROFILES} users at a time`, Code.InvalidArgument);
      }
      const profiles = await users.profiles(userIds, keys, actorId === 0n ? undefined : actorId);
      return create(GetProfilesResSchema, { profiles });
    },

    async revokeTokens(_: Caller, { user, issuedBefore }: RevokeTokensReq) {
      const now = Date.now();
      const from = issuedBefore ? Math.max(0, Math.ceil(timestampMs(issuedBefore))) : now;
      if (from > now + CLOCK_SKEW_MS) {
        throw new ConnectError("issued_before is in the future; leave it out for now", Code.InvalidArgument);
      }
      const userId = user.case === "key" ? (await users.idOf(user.value, true))! : user.value!;
      await users.revokeTokens(userId, from);
      await gate.revoked(userId, from);
      return create(RevokeTokensResSchema);
    },
  };
}

const MAX_PROFILES = 100;
/** How much the clock of who revokes tokens may be ahead, in milliseconds. */
const CLOCK_SKEW_MS = 5_000;

/** How a caller reads a room: a backend that acts for no user, and the holder of a view of the room, by right. */
function reading({ kind, views }: Caller, { userId }: { userId: bigint }, room: Partial<ViewedRoom>): Reading {
  const isBackend = kind === "trusted" || kind === "service";
  if (isBackend && userId === 0n) return "right";
  return views.some(({ id, postId }) => id === room.id || postId === room.postId) ? "right" : "member";
}

/** The rooms of a stream that its caller reads by right. */
function byRight(caller: Caller, req: StreamMessageReq | StreamEventsReq): bigint[] {
  return req.roomIds.filter((id) => reading(caller, req, { id }) === "right");
}

/** JSON can carry half a surrogate pair, which no database and no protobuf can. */
function requireText(...texts: string[]): void {
  if (texts.every((text) => text.isWellFormed())) return;
  throw new ConnectError("texts and ids must be valid Unicode", Code.InvalidArgument);
}
