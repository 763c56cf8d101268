import { create, equals, type JsonObject, type MessageShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import * as chat from "../../gen/chat_pb.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import { keyOfPost, postOf } from "../../src/chat/room-key.ts";
import type { NewRoom, Reading } from "../../src/chat/store.ts";
import { addReplies, countReplies, NO_REPLIES, type Replies, withReply } from "./model-threads.ts";
import {
  changeMember,
  changeMessage,
  changeRecord,
  fitting,
  headOf,
  membershipsIn,
  membersOf,
  messagesOf,
  moveRead,
  type RoomLogs,
  summaryText,
  textOf,
} from "./room-logs.ts";

type Methods = typeof chat.ChatService.method;
type Unary = Exclude<
  keyof Methods,
  "streamMessage" | "streamEvents" | "streamAll" | "getProfiles" | "revokeTokens" | "listPresence" | "searchMessages"
>;

/** A call of an RPC about rooms that answers once. */
export type Call = { [M in Unary]: { readonly method: M; readonly request: MessageShape<Methods[M]["input"]> } }[Unary];
export type Answer = MessageShape<Methods[Unary]["output"]> | Refused;

/** Why the contract refuses a call. */
export class Refused {
  readonly code: Code;

  constructor(code: Code) {
    this.code = code;
  }
}

/** Where a stream starts, by room; and which rooms can't be served from the cursors given. */
export interface StreamStart {
  readonly cursors: ReadonlyMap<bigint, chat.Cursor>;
  readonly resets: readonly bigint[];
}

/** A read position, and the room's member_seq when the member came there. */
export interface ReadPosition {
  readonly messageId: bigint;
  readonly memberSeq: bigint;
}

/** A room, its logs, and what only the server sees of them. */
export interface ModelRoom extends RoomLogs {
  room: chat.Room;
  /** By membership: all read positions it has had, the first of them from its beginning. */
  readonly reads: Map<bigint, readonly ReadPosition[]>;
  readonly edits: Set<string>;
  /** Until when users are banned. */
  readonly bans: Map<bigint, Timestamp>;
  /** When members have last sent while the room was slow, in milliseconds. */
  readonly sentAt: Map<bigint, number>;
  /** Those of whom only the next answer tells it: the room became slow, or wasn't any more, while they sent. */
  readonly mayWait: Set<bigint>;
  /** Who reacted how, by message and emoji, the first first. */
  readonly reactions: Map<string, readonly bigint[]>;
  /** Replies of a commit that may not be over. */
  replies: Replies;
  /** The newest message anywhere when each membership began: from this one to that, as far as it is known. */
  readonly joined: Map<bigint, readonly [bigint, bigint]>;
}

/** What the texts of a page of messages or rooms may take in JSON, and those of rooms that are asked for by name. */
export type PageLimits = Pick<Limits, "pageBytes" | "namedRoomsBytes">;

/**
 * proto/chat.proto, as plainly as it can be written down. What the server is free to choose, ids, times and the epoch, is
 * taken from its answer, if it is one that the contract allows.
 */
export class Model {
  rooms: ReadonlyMap<bigint, ModelRoom> = new Map();
  /** Those that are deleted, as they were then. */
  deleted: ReadonlyMap<bigint, ModelRoom> = new Map();
  /** Empty as long as no answer has told it. */
  epoch = "";
  readonly limits: PageLimits;
  /** How the call that is being answered was refused, if it was. */
  #refusal: Code | undefined;

  constructor(limits: PageLimits = LIMITS) {
    this.limits = limits;
  }

  clone(): Model {
    const clone = new Model(this.limits);
    clone.epoch = this.epoch;
    clone.deleted = this.deleted;
    clone.rooms = new Map(
      [...this.rooms].map(
        ([id, { room, messages, members, reads, edits, joined, bans, sentAt, mayWait, replies, reactions }]) => {
          const logs = { messages: [...messages], members: [...members] };
          const sets = { edits: new Set(edits), mayWait: new Set(mayWait) };
          const maps = {
            sentAt: new Map(sentAt),
            reads: new Map(reads),
            joined: new Map(joined),
            bans: new Map(bans),
            reactions: new Map(reactions),
          };
          return [id, { room, ...logs, ...sets, ...maps, replies }];
        },
      ),
    );
    return clone;
  }

  /** Does what the call asks for, and says what it has to answer. `creator` is the first member of a new room. */
  answer(call: Call, given?: Answer, creator?: chat.Member): Answer {
    const answer = this.answerAmong(call, given, creator);
    this.countReplies();
    return answer;
  }

  /** Likewise, where sends that are made at the same time may share the commit: its replies are counted after all of them. */
  answerAmong({ method, request }: Call, given?: Answer, creator?: chat.Member): Answer {
    if (method !== "sendMessage") this.countReplies();
    this.#refusal = given instanceof Refused ? given.code : undefined;
    const rpc = this[method] as (request: unknown, given: unknown, creator: unknown) => Answer;
    return orRefused(() => rpc(request, given instanceof Refused ? undefined : given, creator));
  }

  /** The commit of the sends so far is over. */
  countReplies(): void {
    for (const room of this.rooms.values()) {
      countReplies(room, room.replies);
      room.replies = NO_REPLIES;
    }
  }

  createChatRoom = ({ postId, userId }: chat.CreateRoomReq, given?: chat.Room, creator?: chat.Member): chat.Room => {
    return this.#asOf(this.openRoom({ key: keyOfPost(postId), userId, name: "" }, given, creator), undefined);
  };

  openRoom({ key, userId, name, data }: NewRoom, given?: chat.Room, creator?: chat.Member): ModelRoom {
    if (this.#roomOf(key)) throw new Refused(Code.AlreadyExists);
    const id = fresh(given?.id, [...this.rooms.keys(), ...this.deleted.keys()]);
    const { createdAt, updatedAt } = given ?? {};
    const record = { id, postId: postOf(key), key, name, ownerId: userId, createdAt, updatedAt };
    const room = { room: create(chat.RoomSchema, { ...record, ...(data && { data }) }), ...emptyRoom() };
    this.rooms = new Map(this.rooms).set(id, room);
    if (userId > 0n) this.addMember(create(chat.AddMemberReqSchema, { roomId: id, userId }), creator);
    return room;
  }

  ensureRoom = (req: chat.EnsureRoomReq, given?: chat.EnsureRoomRes): chat.EnsureRoomRes => {
    const { room: named, userId, memberIds } = req;
    const key = named.case === "postId" ? keyOfPost(named.value) : named.value!;
    const found = this.#roomOf(key);
    if (found && userId > 0n) this.#membership(found.room.id, userId);
    const creator = given?.members.find((member) => member.userId === userId);
    const room = found ?? this.openRoom({ ...req, key }, given?.room, creator);
    const userIds = new Set(userId > 0n ? [userId, ...memberIds] : memberIds);
    const present = [...membersOf(room).values()].filter((member) => userIds.has(member.userId));
    for (const member of present) userIds.delete(member.userId);
    const members = present.sort((a, b) => Number(a.userId - b.userId));
    const notAdded: chat.NotAdded[] = [];
    if (userIds.size > 0) {
      const addition = { roomId: room.room.id, actorId: userId, userIds: [...userIds] };
      const added = this.addMembers(create(chat.AddMembersReqSchema, addition), given as unknown as chat.AddMembersRes);
      members.push(...added.members);
      notAdded.push(...added.notAdded);
    }
    return create(chat.EnsureRoomResSchema, { room: this.#asOf(room, given?.room), isNew: !found, members, notAdded });
  };

  updateRoom = (req: chat.UpdateRoomReq, given?: chat.Room): chat.Room => {
    const { room, isModerator } = this.#asSeenBy(req.actorId, req.roomId);
    if (!isModerator) throw new Refused(Code.PermissionDenied);
    const { name, data, slowModeSeconds } = { ...room.room, ...definedOf(req) };
    const frozenUntil = req.frozenUntil ? unlessPassed(req.frozenUntil) : room.room.frozenUntil;
    const { frozenUntil: _, ...rest } = room.room;
    const next = { ...rest, name, slowModeSeconds, ...(data && { data }), ...(frozenUntil && { frozenUntil }) };
    if (!equals(chat.RoomSchema, next, room.room)) this.#changeRecord(room, next);
    return this.#asOf(room, given);
  };

  deleteRoom = ({ roomId, actorId }: chat.DeleteRoomReq): chat.DeleteRoomRes => {
    const gone = this.deleted.get(roomId);
    if (gone && (actorId === 0n || gone.room.ownerId === actorId)) return create(chat.DeleteRoomResSchema);
    const { room, isOwner } = this.#asSeenBy(actorId, roomId);
    if (!isOwner) throw new Refused(Code.PermissionDenied);
    this.deleted = new Map(this.deleted).set(roomId, room);
    this.rooms = new Map([...this.rooms].filter(([id]) => id !== roomId));
    return create(chat.DeleteRoomResSchema);
  };

  getRooms = ({ roomIds, keys, userId }: chat.GetRoomsReq, given?: chat.GetRoomsRes): chat.GetRoomsRes => {
    const all = this.roomsOf(userId, given?.rooms).filter(({ room }) => {
      return roomIds.includes(room!.id) || keys.includes(room!.key);
    });
    return this.asNamed(all);
  };

  addMembers = ({ roomId, actorId, userIds }: chat.AddMembersReq, given?: chat.AddMembersRes): chat.AddMembersRes => {
    const { room, isModerator } = this.#asSeenBy(actorId, roomId);
    if (!isModerator) throw new Refused(Code.PermissionDenied);
    const users = [...new Set(userIds)];
    const banned = users.filter((userId) => !membersOf(room).has(userId) && inForce(room.bans.get(userId)));
    const notAdded = banned.map((userId) => {
      return create(chat.NotAddedSchema, { userId, reason: "BANNED", until: room.bans.get(userId)! });
    });
    const members = users
      .filter((userId) => !banned.includes(userId))
      .map((userId) => {
        const givenMember = given?.members.find((member) => member.userId === userId);
        const req = create(chat.AddMemberReqSchema, { roomId, actorId, userId });
        return membersOf(room).get(userId) ?? this.addMember(req, givenMember);
      });
    return create(chat.AddMembersResSchema, { members, notAdded });
  };

  addMember = ({ roomId, userId, actorId }: chat.AddMemberReq, given?: chat.Member): chat.Member => {
    const { room, isModerator } = this.#asSeenBy(actorId, roomId);
    if (!isModerator) throw new Refused(Code.PermissionDenied);
    if (membersOf(room).has(userId)) throw new Refused(Code.AlreadyExists);
    if (inForce(room.bans.get(userId))) throw new Refused(Code.PermissionDenied);
    const id = fresh(
      given?.id,
      this.#allRooms().flatMap(({ joined }) => [...joined.keys()]),
    );
    const readMessageId = [...messagesOf(room).keys()].at(-1) ?? 0n;
    room.bans.delete(userId);
    room.joined.set(id, [this.newestMessageId(), this.newestMessageId()]);
    const { createdAt, updatedAt } = given ?? {};
    const role = chat.Role.MEMBER;
    const former = membershipsIn(room.members).findLast((each) => each.userId === userId);
    const mute = former?.mutedUntil && { mutedUntil: former.mutedUntil };
    const member = create(chat.MemberSchema, {
      id,
      roomId,
      userId,
      createdAt,
      updatedAt,
      readMessageId,
      role,
      ...mute,
    });
    const added = changeMember(room, member);
    if (room.room.ownerId === 0n) this.#changeRecord(room, { ...room.room, ownerId: userId });
    room.reads.set(id, [{ messageId: readMessageId, memberSeq: added.memberSeq }]);
    return added;
  };

  sendMessage = (req: chat.SendMessageReq, given?: chat.Message): chat.Message => {
    const { roomId, userId, body, clientMessageId, replyToId, data, mentionedUserIds } = req;
    const kind = req.kind || chat.MessageKind.USER;
    const isSystem = kind === chat.MessageKind.SYSTEM;
    const room =
      isSystem && userId === 0n ? this.#asReadBy(userId, roomId, "right") : this.#membership(roomId, userId)[0];
    if (given && given.seq > headOf(room).seq + 1n) this.countReplies();
    const known = [...messagesOf(room).values()].find((message) => {
      return message.userId === userId && message.clientMessageId === clientMessageId;
    });
    if (known && clientMessageId !== "") {
      if (given && given.seq > known.seq) this.countReplies();
      const first = messageOf(room, known.id);
      const isAsSent = !first.editedAt && !first.deletedAt;
      const isSame = first.body === body && isSameData(first.data, data);
      if (isAsSent && !isSame) throw new Refused(Code.AlreadyExists);
      return first;
    }
    if (!isSystem) this.#requireVoice(room, userId);
    const isSlow = room.room.slowModeSeconds > 0 && !isSystem && !this.#asSeenBy(userId, roomId).isModerator;
    if (isSlow && this.#waits(room, userId, given)) throw new Refused(Code.ResourceExhausted);
    const original = replyToId > 0n ? messageOf(room, replyToId) : undefined;
    if (original?.deletedAt) throw new Refused(Code.NotFound);
    const members = membersOf(room);
    if (!mentionedUserIds.every((id) => members.has(id))) throw new Refused(Code.FailedPrecondition);
    const id = fresh(
      given?.id,
      this.#allRooms().flatMap((each) => [...messagesOf(each).keys()]),
    );
    const isGreatest = [...messagesOf(room).keys()].every((each) => each < id);
    const createdAt = given?.createdAt;
    const sent = { body, roomId, userId, createdAt, updatedAt: createdAt, clientMessageId, replyToId };
    const more = { kind, mentionedUserIds, threadId: original ? original.threadId || original.id : 0n };
    const message = create(chat.MessageSchema, { ...sent, ...more, ...(data && { data }), id: isGreatest ? id : 0n });
    const stored = changeMessage(room, message);
    if (original) room.replies = withReply(room.replies, stored);
    if (room.room.slowModeSeconds > 0 && !isSystem) {
      room.sentAt.set(userId, createdAt ? timestampMs(createdAt) : 0);
      room.mayWait.delete(userId);
    }
    return stored;
  };

  getRoom = ({ room: name, userId }: chat.GetRoomReq, given?: chat.Room, reading?: Reading): chat.Room => {
    const found = [...this.rooms.values()].find(({ room }) => {
      if (name.case === "postId") return room.postId === name.value;
      return name.case === "key" ? room.key === name.value : room.id === name.value;
    });
    return this.#asOf(this.#asReadBy(userId, found?.room.id ?? 0n, reading), given);
  };

  /** The first page. */
  listRooms = ({ userId, limit, pageToken }: chat.ListRoomsReq, given?: chat.ListRoomsRes): chat.ListRoomsRes => {
    if (pageToken !== "") throw new Refused(Code.InvalidArgument);
    const all = this.roomsOf(userId, given?.rooms);
    const rooms = fitting(all.slice(0, limit || 50), this.limits.pageBytes, summaryText);
    return create(chat.ListRoomsResSchema, {
      rooms,
      nextPageToken: all.length > rooms.length ? given?.nextPageToken || "not empty" : "",
      list: this.#listOf(given),
    });
  };

  /** Rooms that were asked for by name: as many as an answer may have. */
  asNamed(all: readonly chat.RoomSummary[]): chat.GetRoomsRes {
    const inOrder = all.toSorted((a, b) => Number(a.room!.id - b.room!.id));
    const rooms = fitting(inOrder, this.limits.namedRoomsBytes, summaryText);
    return create(chat.GetRoomsResSchema, { rooms, hasMore: rooms.length < all.length });
  }

  /** All rooms of a user; in the order of those given, if it is right for all that is known. */
  roomsOf(userId: bigint, given: readonly chat.RoomSummary[] = []): chat.RoomSummary[] {
    const rooms = [...this.rooms.values()].flatMap((room) => {
      const member = membersOf(room).get(userId);
      if (!member) return [];
      const messages = [...messagesOf(room).values()];
      const unread = messages.filter(({ id, userId: author, deletedAt }) => {
        return id > member.readMessageId && author !== userId && !deletedAt;
      });
      const mentions = unread.filter(({ mentionedUserIds }) => mentionedUserIds.includes(userId));
      const place = given.findIndex((each) => each.room?.id === room.room.id);
      const summary = create(chat.RoomSummarySchema, {
        room: this.#asOf(room, given[place]?.room),
        lastMessage: messages.at(-1),
        head: this.#headOf(room, given[place]?.head),
        readMessageId: member.readMessageId,
        unreadCount: Math.min(unread.length, 1_000),
        hasMoreUnread: unread.length > 1_000,
        mentionCount: Math.min(mentions.length, 1_000),
        member,
      });
      const [from, to] = room.joined.get(member.id)!;
      const last = messages.at(-1)?.id ?? 0n;
      return [{ summary, place: place < 0 ? 1e9 : place, from: last > from ? last : from, to: last > to ? last : to }];
    });
    rooms.sort((a, b) => a.place - b.place || Number(b.from - a.from));
    const isRight = rooms.every(({ to }, i) => rooms.slice(i).every(({ from }) => to >= from));
    if (!isRight) rooms.sort((a, b) => Number(b.from - a.from));
    return rooms.map(({ summary }) => summary);
  }

  listMessages = (req: chat.ListMessagesReq, given?: chat.ListMessagesRes, reading?: Reading): chat.ListMessagesRes => {
    const { roomId, userId, position, limit, threadId, pinned } = req;
    const room = this.#asReadBy(userId, roomId, reading);
    if (threadId > 0n) messageOf(room, threadId);
    const messages = [...messagesOf(room).values()].filter((each) => {
      return (threadId === 0n || each.threadId === threadId) && (!pinned || each.pinnedAt !== undefined);
    });
    const size = limit || 50;
    const before = (end: bigint) => messages.filter(({ id }) => id < end).length;
    let [point, earlier, later] = [messages.length, size, 0];
    if (position.case === "beforeId") point = before(position.value);
    if (position.case === "afterId") [point, earlier, later] = [before(position.value + 1n), 0, size];
    if (position.case === "aroundId") {
      if (!messages.some(({ id }) => id === position.value)) throw new Refused(Code.NotFound);
      point = before(position.value);
      [earlier, later] = [Math.floor(size / 2), Math.ceil(size / 2)];
    }
    const bytes = earlier > 0 && later > 0 ? this.limits.pageBytes / 2 : this.limits.pageBytes;
    const backwards = fitting(messages.slice(Math.max(0, point - earlier), point).reverse(), bytes, textOf);
    const forwards = fitting(messages.slice(point, point + later), bytes, textOf);
    return create(chat.ListMessagesResSchema, {
      messages: [...backwards.toReversed(), ...forwards],
      hasEarlier: point > backwards.length,
      hasLater: point + forwards.length < messages.length,
      head: this.#headOf(room, given?.head),
    });
  };

  listMembers = (req: chat.ListMembersReq, _?: chat.ListMembersRes, reading?: Reading): chat.ListMembersRes => {
    const { roomId, userId, afterUserId, limit, banned } = req;
    const room = this.#asReadBy(userId, roomId, reading);
    const isModerator = reading === "right" || this.#asSeenBy(userId, roomId).isModerator;
    if (banned && !isModerator) throw new Refused(Code.PermissionDenied);
    const all = banned ? this.#banned(room) : [...membersOf(room).values()];
    const members = all.filter((member) => member.userId > afterUserId);
    members.sort((a, b) => Number(a.userId - b.userId));
    const size = limit || 50;
    return create(chat.ListMembersResSchema, { members: members.slice(0, size), hasMore: members.length > size });
  };

  isMember = ({ roomId, userId, actorId }: chat.IsMemberReq): chat.IsMemberRes => {
    if (actorId !== 0n && actorId !== userId) this.#membership(roomId, actorId);
    const room = this.rooms.get(roomId);
    return create(chat.IsMemberResSchema, { isMember: room !== undefined && membersOf(room).has(userId) });
  };

  removeMember = ({ roomId, userId, actorId }: chat.RemoveMemberReq, given?: chat.Member): chat.Member => {
    const { room, isOwner, isModerator } = this.#asSeenBy(actorId, roomId);
    const [, member] = this.#membership(roomId, userId);
    const isPlain = member.role !== chat.Role.MODERATOR && userId !== room.room.ownerId;
    if (actorId !== userId && !isOwner && !(isModerator && isPlain)) throw new Refused(Code.PermissionDenied);
    const removedAt = given?.removedAt ?? UNSET;
    const removed = changeMember(room, { ...member, removedAt, updatedAt: later(member, given) });
    const [longest] = membersOf(room).keys();
    if (room.room.ownerId === userId) this.#changeRecord(room, { ...room.room, ownerId: longest ?? 0n });
    return removed;
  };

  transferOwnership = ({ roomId, userId, actorId }: chat.TransferOwnershipReq, given?: chat.Room): chat.Room => {
    const { room, isOwner } = this.#asSeenBy(actorId, roomId);
    this.#membership(roomId, userId);
    if (!isOwner) throw new Refused(Code.PermissionDenied);
    if (room.room.ownerId !== userId) this.#changeRecord(room, { ...room.room, ownerId: userId });
    return this.#asOf(room, given);
  };

  setRole = ({ roomId, userId, actorId, role }: chat.SetRoleReq, given?: chat.Member): chat.Member => {
    const { room, isOwner } = this.#asSeenBy(actorId, roomId);
    const [, member] = this.#membership(roomId, userId);
    if (!isOwner) throw new Refused(Code.PermissionDenied);
    if (userId === room.room.ownerId) throw new Refused(Code.FailedPrecondition);
    if (role === member.role) return member;
    return changeMember(room, { ...member, role, updatedAt: later(member, given) });
  };

  setMute = (req: chat.SetMuteReq, given?: chat.Member): chat.Member => {
    const { room, isOwner, isModerator } = this.#asSeenBy(req.actorId, req.roomId);
    const [, member] = this.#membership(req.roomId, req.userId);
    this.#requirePower(room, member, req.userId, isOwner, isModerator);
    const mutedUntil = inForce(req.mutedUntil);
    if (isSameTime(mutedUntil, inForce(member.mutedUntil))) return member;
    const { mutedUntil: _, ...rest } = member;
    const updatedAt = later(member, given);
    return changeMember(room, { ...rest, ...(mutedUntil && { mutedUntil }), updatedAt });
  };

  setBan = (req: chat.SetBanReq, given?: chat.Member): chat.Member => {
    const { roomId, userId, actorId } = req;
    const { room, isOwner, isModerator } = this.#asSeenBy(actorId, roomId);
    const member = membersOf(room).get(userId);
    this.#requirePower(room, member, userId, isOwner, isModerator);
    const bannedUntil = inForce(req.bannedUntil);
    const last = membershipsIn(room.members).findLast((each) => each.userId === userId);
    const answer = (member: chat.Member) => ({ ...member, ...(bannedUntil && { bannedUntil }) });
    if (isSameTime(bannedUntil, inForce(room.bans.get(userId)))) {
      if (last && !(member && bannedUntil)) return answer(last);
      if (!last) return create(chat.MemberSchema, { roomId, userId });
    }
    if (bannedUntil) room.bans.set(userId, bannedUntil);
    else room.bans.delete(userId);
    const removedAt = (last?.removedAt ?? given?.removedAt) || UNSET;
    if (last) return answer(changeMember(room, { ...last, removedAt, updatedAt: later(last, given) }));
    const { id, createdAt, updatedAt } = given ?? {};
    const ids = this.#allRooms().flatMap(({ joined }) => [...joined.keys()]);
    const role = chat.Role.MEMBER;
    const ended = { id: fresh(id, ids), roomId, userId, createdAt, updatedAt, role, removedAt: createdAt ?? UNSET };
    room.joined.set(ended.id, [0n, 0n]);
    room.reads.set(ended.id, [{ messageId: 0n, memberSeq: headOf(room).memberSeq + 1n }]);
    return answer(changeMember(room, create(chat.MemberSchema, ended)));
  };

  editMessage = (req: chat.EditMessageReq, given?: chat.Message): chat.Message => {
    const { room } = this.#asSeenBy(req.userId, req.roomId);
    const message = messageOf(room, req.messageId);
    if (!isAuthor(message, req.userId)) throw new Refused(Code.PermissionDenied);
    if (message.deletedAt) throw new Refused(Code.FailedPrecondition);
    const edit = `${message.id}/${req.clientEditId}`;
    const isRepeated = req.clientEditId !== "" && room.edits.has(edit);
    if (isRepeated) return message;
    if (message.kind !== chat.MessageKind.SYSTEM) this.#requireVoice(room, req.userId);
    room.edits.add(edit);
    const data = req.data ?? message.data;
    if (message.body === req.body && isSameData(message.data, data)) return message;
    return changeMessage(room, {
      ...message,
      body: req.body,
      ...(data && { data }),
      editedAt: given?.editedAt ?? UNSET,
      updatedAt: later(message, given),
    });
  };

  deleteMessage = ({ roomId, messageId, userId }: chat.DeleteMessageReq, given?: chat.Message): chat.Message => {
    const { room, isModerator } = this.#asSeenBy(userId, roomId);
    const message = messageOf(room, messageId);
    if (!isAuthor(message, userId) && !isModerator) throw new Refused(Code.PermissionDenied);
    if (message.deletedAt) return message;
    const deletedAt = given?.deletedAt ?? UNSET;
    const { data: _data, pinnedAt: _pinnedAt, ...rest } = message;
    const empty = { body: "", mentionedUserIds: [], reactions: [] };
    const deleted = changeMessage(room, { ...rest, ...empty, deletedAt, updatedAt: later(message, given) });
    if (message.threadId > 0n) addReplies(room, message.threadId, -1, deletedAt);
    return deleted;
  };

  setReaction = (req: chat.SetReactionReq, given?: chat.Message): chat.Message => {
    const { roomId, messageId, userId, emoji, on } = req;
    const { room } = this.#asSeenBy(userId, roomId);
    const message = messageOf(room, messageId);
    if (message.deletedAt) throw new Refused(Code.FailedPrecondition);
    const users = room.reactions.get(`${messageId}/${emoji}`) ?? [];
    if (users.includes(userId) === on) return message;
    this.#requireVoice(room, userId);
    const known = message.reactions.some((reaction) => reaction.emoji === emoji);
    if (on && !known && message.reactions.length >= 20) throw new Refused(Code.FailedPrecondition);
    const next = on ? [...users, userId] : users.filter((id) => id !== userId);
    room.reactions.set(`${messageId}/${emoji}`, next);
    const reaction = create(chat.ReactionSchema, { emoji, count: next.length, userIds: next.slice(0, 50) });
    const reactions = known
      ? message.reactions.map((each) => (each.emoji === emoji ? reaction : each))
      : [...message.reactions, reaction];
    const left = reactions.filter(({ count }) => count > 0);
    return changeMessage(room, { ...message, reactions: left, updatedAt: later(message, given) });
  };

  setPin = ({ roomId, messageId, actorId, on }: chat.SetPinReq, given?: chat.Message): chat.Message => {
    const { room, isModerator } = this.#asSeenBy(actorId, roomId);
    const message = messageOf(room, messageId);
    if (!isModerator) throw new Refused(Code.PermissionDenied);
    if (message.deletedAt) throw new Refused(Code.FailedPrecondition);
    if ((message.pinnedAt !== undefined) === on) return message;
    const pinned = [...messagesOf(room).values()].filter(({ pinnedAt }) => pinnedAt);
    if (on && pinned.length >= LIMITS.pinnedMessages) throw new Refused(Code.ResourceExhausted);
    const { pinnedAt: _, ...rest } = message;
    const pinnedAt = on ? (given?.pinnedAt ?? UNSET) : undefined;
    return changeMessage(room, { ...rest, ...(pinnedAt && { pinnedAt }), updatedAt: later(message, given) });
  };

  markRead = (req: chat.MarkReadReq, given?: chat.Member): chat.Member => {
    const { roomId, userId, messageId, mayMoveBack } = req;
    if (messageId === 0n && !mayMoveBack) throw new Refused(Code.InvalidArgument);
    const [room, member] = this.#membership(roomId, userId);
    const id = messageId === 0n ? 0n : messageOf(room, messageId).id;
    if (id === member.readMessageId || (id < member.readMessageId && !mayMoveBack)) return member;
    const { memberSeq } = headOf(room);
    room.reads.set(member.id, [...room.reads.get(member.id)!, { messageId: id, memberSeq }]);
    return moveRead(room, { ...member, readMessageId: id, updatedAt: later(member, given) });
  };

  sendTyping = ({ roomId, userId }: chat.SendTypingReq): chat.SendTypingRes => {
    this.#membership(roomId, userId);
    return create(chat.SendTypingResSchema);
  };

  /** Where the stream starts. */
  streamMessage = ({ roomIds, userId, afterSeq, epoch }: chat.StreamMessageReq): StreamStart => {
    const start = this.#streamStart(roomIds, userId, afterSeq, (head, seq: bigint) => {
      if (seq > head.seq) throw new Refused(Code.OutOfRange);
      return { ...head, seq };
    });
    if (!this.#isOurs(epoch)) throw new Refused(Code.OutOfRange);
    return start;
  };

  streamEvents = ({ roomIds, userId, after }: chat.StreamEventsReq): StreamStart => {
    return this.#streamStart(roomIds, userId, after, (head, asked: chat.Cursor) => {
      const isServed = this.#isOurs(asked.epoch) && asked.seq <= head.seq && asked.memberSeq <= head.memberSeq;
      return isServed ? { ...asked, epoch: this.epoch } : undefined;
    });
  };

  /** `serve` says from which cursor a room can be served, if from any. */
  #streamStart<Asked>(
    roomIds: readonly bigint[],
    userId: bigint,
    asked: Record<string, Asked>,
    serve: (head: chat.Cursor, asked: Asked) => chat.Cursor | undefined,
  ): StreamStart {
    if (Object.keys(asked).some((id) => !roomIds.includes(BigInt(id)))) throw new Refused(Code.InvalidArgument);
    const heads = roomIds.map((id) => [id, this.#headOf(this.#membership(id, userId)[0])] as const);
    const cursors = heads.map(([id, head]) => {
      const from = asked[`${id}`];
      return [id, from === undefined ? head : serve(head, from), head] as const;
    });
    return {
      cursors: new Map(cursors.map(([id, cursor, head]) => [id, cursor ?? head])),
      resets: cursors.flatMap(([id, cursor]) => (cursor ? [] : [id])),
    };
  }

  /** The revision is what the server says. */
  #listOf(given: chat.ListRoomsRes | undefined): chat.ListCursor {
    const { revision = 0n, epoch = "" } = given?.list ?? {};
    this.epoch ||= epoch;
    return create(chat.ListCursorSchema, { revision, epoch: this.epoch || "not empty" });
  }

  /** Whether numbers of this epoch can be served; without one, they are believed. */
  #isOurs(epoch: string): boolean {
    return epoch === "" || epoch === this.epoch;
  }

  #headOf(room: ModelRoom, given?: chat.Cursor): chat.Cursor {
    return headOf(room, this.#epochOf(given));
  }

  #epochOf(given: { readonly epoch: string } | undefined): string {
    this.epoch ||= given?.epoch ?? "";
    return this.epoch || "not empty";
  }

  #membership(roomId: bigint, userId: bigint): [ModelRoom, chat.Member] {
    const room = this.rooms.get(roomId);
    const member = room && membersOf(room).get(userId);
    if (!member) throw new Refused(Code.NotFound);
    return [room, member];
  }

  /** A room as an actor finds it, and whether the actor may what its owner, or a moderator, may. */
  #asSeenBy(actorId: bigint, roomId: bigint): { room: ModelRoom; isOwner: boolean; isModerator: boolean } {
    if (actorId === 0n) return { room: this.#asReadBy(actorId, roomId, "right"), isOwner: true, isModerator: true };
    const [room, { role }] = this.#membership(roomId, actorId);
    const isOwner = room.room.ownerId === actorId;
    return { room, isOwner, isModerator: isOwner || role === chat.Role.MODERATOR };
  }

  /** Whether the user may send, edit and react. */
  #requireVoice(room: ModelRoom, userId: bigint): void {
    const { isOwner, isModerator } = this.#asSeenBy(userId, room.room.id);
    const member = membersOf(room).get(userId);
    const isSilent = member?.role === chat.Role.READER || inForce(member?.mutedUntil) !== undefined;
    if (isSilent && !isOwner) throw new Refused(Code.PermissionDenied);
    if (inForce(room.room.frozenUntil) && !isModerator) throw new Refused(Code.PermissionDenied);
  }

  /** Whether a member of a slow room has to wait, by the time of the message that is given, or of a refusal. */
  #waits({ room, sentAt, mayWait }: ModelRoom, userId: bigint, given: chat.Message | undefined): boolean {
    const isRefused = this.#refusal === Code.ResourceExhausted;
    if (mayWait.has(userId)) return isRefused;
    const now = given?.createdAt ? timestampMs(given.createdAt) : Date.now() - (isRefused ? ANSWER_MS : 0);
    return (sentAt.get(userId) ?? 0) + room.slowModeSeconds * 1_000 > now;
  }

  /** Whether an actor may silence a user or keep one out. */
  #requirePower(
    { room }: ModelRoom,
    member: chat.Member | undefined,
    userId: bigint,
    isOwner: boolean,
    isModerator: boolean,
  ): void {
    const isPlain = member?.role !== chat.Role.MODERATOR && userId !== room.ownerId;
    if (!isOwner && !(isModerator && isPlain)) throw new Refused(Code.PermissionDenied);
    if (userId === room.ownerId) throw new Refused(Code.FailedPrecondition);
  }

  #banned({ members, bans }: ModelRoom): chat.Member[] {
    return [...bans].map(([userId, bannedUntil]) => {
      return { ...membershipsIn(members).findLast((member) => member.userId === userId)!, bannedUntil };
    });
  }

  #asReadBy(userId: bigint, roomId: bigint, reading: Reading = "member"): ModelRoom {
    const room = reading === "right" ? this.rooms.get(roomId) : this.#membership(roomId, userId)[0];
    if (!room) throw new Refused(Code.NotFound);
    return room;
  }

  #roomOf(key: string): ModelRoom | undefined {
    return [...this.rooms.values()].find(({ room }) => room.key === key);
  }

  /** Also those that are deleted. */
  #allRooms(): ModelRoom[] {
    return [...this.rooms.values(), ...this.deleted.values()];
  }

  #changeRecord(room: ModelRoom, changed: chat.Room): void {
    room.room = changeRecord(room, changed);
  }

  newestMessageId(): bigint {
    const ids = this.#allRooms().flatMap((room) => [...messagesOf(room).keys()]);
    return ids.reduce((newest, id) => (id > newest ? id : newest), 0n);
  }

  /** The room; when it last changed is what the server says, unless that goes back. */
  #asOf(room: ModelRoom, given: chat.Room | undefined): chat.Room {
    if (given) room.room = { ...room.room, updatedAt: later(room.room, given) };
    return { ...room.room, memberCount: membersOf(room).size };
  }
}

function messageOf(room: ModelRoom, id: bigint): chat.Message {
  const message = messagesOf(room).get(id);
  if (!message) throw new Refused(Code.NotFound);
  return message;
}

function isAuthor({ kind, userId }: chat.Message, actorId: bigint): boolean {
  return kind === chat.MessageKind.SYSTEM ? actorId === 0n : userId === actorId;
}

function isSameData(a: JsonObject | undefined, b: JsonObject | undefined): boolean {
  const [one, two] = [a, b].map((data) => create(chat.RoomSchema, { ...(data && { data }) }));
  return equals(chat.RoomSchema, one!, two!);
}

/** A time until which something holds, if it holds. */
function inForce(until: Timestamp | undefined): Timestamp | undefined {
  return until && timestampMs(until) > Date.now() ? until : undefined;
}

function isSameTime(a: Timestamp | undefined, b: Timestamp | undefined): boolean {
  return (a && timestampMs(a)) === (b && timestampMs(b));
}

function emptyRoom(): Omit<ModelRoom, "room"> {
  const logs = { messages: [], members: [], replies: NO_REPLIES };
  const sets = { edits: new Set<string>(), mayWait: new Set<bigint>(), sentAt: new Map<bigint, number>() };
  return { ...logs, ...sets, reads: new Map(), joined: new Map(), bans: new Map(), reactions: new Map() };
}

export function orRefused<T>(attempt: () => T): T | Refused {
  try {
    return attempt();
  } catch (e) {
    if (e instanceof Refused) return e;
    throw e;
  }
}

/** What of a record an update says. */
function definedOf({ name, data, slowModeSeconds }: chat.UpdateRoomReq) {
  return {
    ...(name !== undefined && { name }),
    ...(data && { data }),
    ...(slowModeSeconds !== undefined && { slowModeSeconds }),
  };
}

function unlessPassed(time: Timestamp): Timestamp | undefined {
  return timestampMs(time) > Date.now() ? time : undefined;
}

/** How long ago a refusal may have happened, which doesn't tell its time. */
const ANSWER_MS = 10_000;

/** A time that no answer has: it has to have one. */
const UNSET = timestampFromMs(0);

/** An id that nothing else has; otherwise one that is wrong. */
function fresh(id: bigint | undefined, used: Iterable<bigint>): bigint {
  return id === undefined || [...used].includes(id) ? 0n : id;
}

type Timed = { readonly updatedAt?: Timestamp };

/** The new updated_at, unless it goes back; otherwise one that is wrong. */
function later(was: Timed, is: Timed | undefined): Timestamp {
  if (!was.updatedAt || !is?.updatedAt) return UNSET;
  return timestampMs(is.updatedAt) < timestampMs(was.updatedAt) ? UNSET : is.updatedAt;
}
