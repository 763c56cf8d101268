import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMemberReq,
  type DeleteMessageReq,
  type EditMessageReq,
  type GetProfilesReq,
  GetProfilesResSchema,
  type GetRoomReq,
  type IsMemberReq,
  IsMemberResSchema,
  type ListMembersReq,
  type ListMessagesReq,
  type ListPresenceReq,
  ListPresenceResSchema,
  type ListRoomsReq,
  type MarkReadReq,
  type RemoveMemberReq,
  type RevokeTokensReq,
  RevokeTokensResSchema,
  type SearchMessagesReq,
  type SendMessageReq,
  type SendTypingReq,
  SendTypingResSchema,
  type SetBanReq,
  type SetMuteReq,
  type SetPinReq,
  type SetReactionReq,
  type SetRoleReq,
  type StreamAllReq,
  type StreamEventsReq,
  type StreamMessageReq,
  type TransferOwnershipReq,
  TypingSchema,
} from "../../gen/chat_pb.ts";
import type { AllNews } from "../../gen/room/room_pb.ts";
import type { Caller } from "./caller.ts";
import { ChangeFollower } from "./change-follower.ts";
import type { ChangeLog } from "./change-log.ts";
import { bansAreSecret, notInRoom } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import { TYPING_MS } from "./limits.ts";
import type { PresenceList } from "./presence.ts";
import { reading, viewOf } from "./reading.ts";
import type { RoomHost } from "./room-host.ts";
import { roomRpcs } from "./room-rpcs.ts";
import { requireEdit, requireSend } from "./speech.ts";
import type { ChatStore } from "./store.ts";
import { eventStart, messageStart } from "./stream-start.ts";
import { Tail } from "./tail.ts";
import type { TailOptions } from "./tail-options.ts";
import { requireText } from "./text.ts";
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
  /** The log of all rooms, likewise. */
  readonly changes: () => ChangeLog;
  /** Who is here. */
  readonly presence: PresenceList;
}

/**
 * The RPCs, in the order of the contract, which says what they mean. Requests arrive with their shape validated, and with the
 * caller's field filled in; it is 0 for who acts for no user.
 */
export function chatService({ store, users, gate, rooms, feeds, changes, presence }: ChatParts) {
  const follow = (options: TailOptions) => Tail.open(feeds(), options);

  return {
    ...roomRpcs({ store, rooms }),

    addMember: (_: Caller, value: AddMemberReq) => rooms.apply({ case: "addMember", value }),

    async sendMessage(caller: Caller, value: SendMessageReq) {
      requireSend(caller, value);
      return rooms.apply({ case: "sendMessage", value }, caller.kind === "user");
    },

    streamMessage: {
      open: async (caller: Caller, req: StreamMessageReq) =>
        follow(await messageStart(store, req, byRight(caller, req))),
      messages: messagesOf,
    },

    getRoom: (caller: Caller, req: GetRoomReq) => {
      return store.getRoom(req, reading(caller, req, viewOf(req.room)));
    },

    listRooms: (_: Caller, req: ListRoomsReq) => store.listRooms(req),

    listMessages: (caller: Caller, req: ListMessagesReq) => {
      return store.listMessages(req, reading(caller, req, { id: req.roomId }));
    },

    async listMembers(caller: Caller, req: ListMembersReq) {
      if (req.banned && caller.kind === "viewer") throw bansAreSecret();
      return store.listMembers(req, reading(caller, req, { id: req.roomId }));
    },

    isMember: async (_: Caller, req: IsMemberReq) => {
      return create(IsMemberResSchema, { isMember: await store.isMember(req) });
    },

    removeMember: (_: Caller, value: RemoveMemberReq) => rooms.apply({ case: "removeMember", value }),

    transferOwnership: (_: Caller, value: TransferOwnershipReq) => rooms.apply({ case: "transferOwnership", value }),

    setRole: (_: Caller, value: SetRoleReq) => rooms.apply({ case: "setRole", value }),

    setMute: (_: Caller, value: SetMuteReq) => rooms.apply({ case: "setMute", value }),

    setBan: (_: Caller, value: SetBanReq) => rooms.apply({ case: "setBan", value }),

    async editMessage({ kind }: Caller, value: EditMessageReq) {
      requireEdit(value);
      return rooms.apply({ case: "editMessage", value }, kind === "user");
    },

    deleteMessage: ({ kind }: Caller, value: DeleteMessageReq) => {
      return rooms.apply({ case: "deleteMessage", value }, kind === "user");
    },

    async setReaction({ kind }: Caller, value: SetReactionReq) {
      requireText(value.emoji);
      return rooms.apply({ case: "setReaction", value }, kind === "user");
    },

    setPin: ({ kind }: Caller, value: SetPinReq) => rooms.apply({ case: "setPin", value }, kind === "user"),

    async markRead(_: Caller, value: MarkReadReq) {
      if (value.messageId === 0n && !value.mayMoveBack) {
        throw new ConnectError("message_id: name a message, or set may_move_back", Code.InvalidArgument);
      }
      return rooms.apply({ case: "markRead", value });
    },

    async sendTyping(_: Caller, { roomId, userId, stopped }: SendTypingReq) {
      const [membership] = (await store.memberships(userId, [roomId])).of;
      if (!membership) throw notInRoom(roomId, userId);
      const shownMs = stopped ? 0 : TYPING_MS;
      const times = { expiresAt: timestampFromMs(Date.now() + shownMs), remaining: durationFromMs(shownMs) };
      await rooms.type(create(TypingSchema, { roomId, userId, ...times, stopped }), membership.head.memberSeq);
      return create(SendTypingResSchema);
    },

    streamEvents: {
      async open(caller: Caller, req: StreamEventsReq) {
        if (req.followList) requireUser(caller, req);
        return follow(await eventStart(store, req, byRight(caller, req)));
      },
      messages: eventsOf,
    },

    async listPresence(caller: Caller, req: ListPresenceReq) {
      const { roomId, userId, userIds } = req;
      const isByRight = reading(caller, req, { id: roomId }) === "right";
      const { of } = await store.memberships(userId, [roomId], isByRight ? [roomId] : []);
      if (of.length === 0) throw notInRoom(roomId, userId);
      return create(ListPresenceResSchema, await presence.list(roomId, [...new Set(userIds)]));
    },

    searchMessages: async (caller: Caller, req: SearchMessagesReq) => {
      if (req.roomId === 0n && req.userId === 0n) {
        throw new ConnectError(
          "room_id: name a room, or call for a user, whose rooms are searched",
          Code.InvalidArgument,
        );
      }
      return store.searchMessages(req, reading(caller, req, { id: req.roomId }));
    },

    streamAll: {
      open: (_: Caller, req: StreamAllReq) => ChangeFollower.open(changes(), req),
      messages: ({ events }: AllNews) => events,
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

/** A list is that of a user. */
function requireUser({ kind }: Caller, { userId }: StreamEventsReq): void {
  if (userId !== 0n) return;
  if (kind === "viewer") {
    throw new ConnectError(
      "follow_list: a token with a view has no list; get one without a view",
      Code.PermissionDenied,
    );
  }
  throw new ConnectError("user_id: say whose list to follow", Code.InvalidArgument);
}

/** The rooms of a stream that its caller reads by right. */
function byRight(caller: Caller, req: StreamMessageReq | StreamEventsReq): bigint[] {
  return req.roomIds.filter((id) => reading(caller, req, { id }) === "right");
}
