import { create, type MessageShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import * as chat from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { Reading } from "../../src/chat/store.ts";
import {
  changeMember,
  changeMessage,
  fitting,
  headOf,
  membersOf,
  messagesOf,
  moveRead,
  type RoomLogs,
} from "./room-logs.ts";

type Methods = typeof chat.ChatService.method;
type Unary = Exclude<keyof Methods, "streamMessage" | "streamEvents" | "getProfiles" | "revokeTokens">;

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
  /** The newest message anywhere when each membership began: from this one to that, as far as it is known. */
  readonly joined: Map<bigint, readonly [bigint, bigint]>;
}

/**
 * proto/chat.proto, as plainly as it can be written down. What the server is free to choose, ids, times and the epoch, is
 * taken from its answer, if it is one that the contract allows.
 */
export class Model {
  rooms: ReadonlyMap<bigint, ModelRoom> = new Map();
  /** Empty as long as no answer has told it. */
  epoch = "";
  readonly pageBytes: number;

  /** @param pageBytes what the texts of a page of messages or rooms may take in JSON */
  constructor(pageBytes = LIMITS.pageBytes) {
    this.pageBytes = pageBytes;
  }

  clone(): Model {
    const clone = new Model(this.pageBytes);
    clone.epoch = this.epoch;
    clone.rooms = new Map(
      [...this.rooms].map(([id, { room, messages, members, reads, edits, joined }]) => {
        const logs = { messages: [...messages], members: [...members] };
        return [id, { room, ...logs, reads: new Map(reads), edits: new Set(edits), joined: new Map(joined) }];
      }),
    );
    return clone;
  }

  /** Does what the call asks for, and says what it has to answer. `creator` is the first member of a new room. */
  answer({ method, request }: Call, given?: Answer, creator?: chat.Member): Answer {
    const rpc = this[method] as (request: unknown, given: unknown, creator: unknown) => Answer;
    return orRefused(() => rpc(request, given instanceof Refused ? undefined : given, creator));
  }

  createChatRoom = ({ postId, userId }: chat.CreateRoomReq, given?: chat.Room, creator?: chat.Member): chat.Room => {
    for (const { room } of this.rooms.values()) if (room.postId === postId) throw new Refused(Code.AlreadyExists);
    const id = fresh(given?.id, this.rooms.keys());
    const { createdAt, updatedAt } = given ?? {};
    const room = { room: create(chat.RoomSchema, { id, postId, createdAt, updatedAt }), ...emptyRoom() };
    this.rooms = new Map(this.rooms).set(id, room);
    this.addMember(create(chat.AddMemberReqSchema, { roomId: id, userId }), creator);
    return room.room;
  };

  addMember = ({ roomId, userId, actorId }: chat.AddMemberReq, given?: chat.Member): chat.Member => {
    const { room, isModerator } = this.#asSeenBy(actorId, roomId);
    if (!isModerator) throw new Refused(Code.PermissionDenied);
    if (membersOf(room).has(userId)) throw new Refused(Code.AlreadyExists);
    const id = fresh(
      given?.id,
      [...this.rooms.values()].flatMap(({ joined }) => [...joined.keys()]),
    );
    const readMessageId = [...messagesOf(room).keys()].at(-1) ?? 0n;
    room.joined.set(id, [this.newestMessageId(), this.newestMessageId()]);
    if (room.room.ownerId === 0n) room.room = { ...room.room, ownerId: userId };
    const { createdAt, updatedAt } = given ?? {};
    const role = chat.Role.MEMBER;
    const member = create(chat.MemberSchema, { id, roomId, userId, createdAt, updatedAt, readMessageId, role });
    const added = changeMember(room, member);
    room.reads.set(id, [{ messageId: readMessageId, memberSeq: added.memberSeq }]);
    return added;
  };

  sendMessage = (req: chat.SendMessageReq, given?: chat.Message): chat.Message => {
    const { roomId, userId, body, clientMessageId, replyToId } = req;
    const [room] = this.#membership(roomId, userId);
    const messages = [...messagesOf(room).values()];
    const first = messages.find((message) => message.userId === userId && message.clientMessageId === clientMessageId);
    if (first && clientMessageId !== "") {
      const isAsSent = room.messages.filter(({ id }) => id === first.id).length === 1;
      if (isAsSent && first.body !== body) throw new Refused(Code.AlreadyExists);
      return first;
    }
    if (replyToId > 0n && messageOf(room, replyToId).deletedAt) throw new Refused(Code.NotFound);
    const id = fresh(
      given?.id,
      [...this.rooms.values()].flatMap((each) => [...messagesOf(each).keys()]),
    );
    const isGreatest = messages.every((message) => message.id < id);
    const createdAt = given?.createdAt;
    const sent = { body, roomId, userId, createdAt, updatedAt: createdAt, clientMessageId, replyToId };
    return changeMessage(room, create(chat.MessageSchema, { ...sent, id: isGreatest ? id : 0n }));
  };

  getRoom = ({ room: name, userId }: chat.GetRoomReq, given?: chat.Room, reading?: Reading): chat.Room => {
    const found = [...this.rooms.values()].find(({ room }) => {
      return name.case === "postId" ? room.postId === name.value : room.id === name.value;
    });
    return this.#asOf(this.#asReadBy(userId, found?.room.id ?? 0n, reading), given);
  };

  /** The first page. */
  listRooms = ({ userId, limit, pageToken }: chat.ListRoomsReq, given?: chat.ListRoomsRes): chat.ListRoomsRes => {
    if (pageToken !== "") throw new Refused(Code.InvalidArgument);
    const all = this.roomsOf(userId, given?.rooms);
    const rooms = fitting(all.slice(0, limit || 50), this.pageBytes, lastText);
    return create(chat.ListRoomsResSchema, {
      rooms,
      nextPageToken: all.length > rooms.length ? given?.nextPageToken || "not empty" : "",
    });
  };

  /** All rooms of a user; in the order of those given, if it is right for all that is known. */
  roomsOf(userId: bigint, given: readonly chat.RoomSummary[] = []): chat.RoomSummary[] {
    const rooms = [...this.rooms.values()].flatMap((room) => {
      const member = membersOf(room).get(userId);
      if (!member) return [];
      const messages = [...messagesOf(room).values()];
      const unread = messages.filter(({ id, userId: author, deletedAt }) => {
        return id > member.readMessageId && author !== userId && !deletedAt;
      });
      const place = given.findIndex((each) => each.room?.id === room.room.id);
      const summary = create(chat.RoomSummarySchema, {
        room: this.#asOf(room, given[place]?.room),
        lastMessage: messages.at(-1),
        head: this.#headOf(room, given[place]?.head),
        readMessageId: member.readMessageId,
        unreadCount: unread.length,
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
    const { roomId, userId, position, limit } = req;
    const room = this.#asReadBy(userId, roomId, reading);
    const messages = [...messagesOf(room).values()];
    const size = limit || 50;
    const before = (end: bigint) => messages.filter(({ id }) => id < end).length;
    let [point, earlier, later] = [messages.length, size, 0];
    if (position.case === "beforeId") point = before(position.value);
    if (position.case === "afterId") [point, earlier, later] = [before(position.value + 1n), 0, size];
    if (position.case === "aroundId") {
      point = before(messageOf(room, position.value).id);
      [earlier, later] = [Math.floor(size / 2), Math.ceil(size / 2)];
    }
    const bytes = earlier > 0 && later > 0 ? this.pageBytes / 2 : this.pageBytes;
    const bodyOf = ({ body }: chat.Message) => body;
    const backwards = fitting(messages.slice(Math.max(0, point - earlier), point).reverse(), bytes, bodyOf);
    const forwards = fitting(messages.slice(point, point + later), bytes, bodyOf);
    return create(chat.ListMessagesResSchema, {
      messages: [...backwards.toReversed(), ...forwards],
      hasEarlier: point > backwards.length,
      hasLater: point + forwards.length < messages.length,
      head: this.#headOf(room, given?.head),
    });
  };

  listMembers = (req: chat.ListMembersReq, _?: chat.ListMembersRes, reading?: Reading): chat.ListMembersRes => {
    const { roomId, userId, afterUserId, limit } = req;
    const room = this.#asReadBy(userId, roomId, reading);
    const members = [...membersOf(room).values()].filter((member) => member.userId > afterUserId);
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
    const isPlain = member.role === chat.Role.MEMBER && userId !== room.room.ownerId;
    if (actorId !== userId && !isOwner && !(isModerator && isPlain)) throw new Refused(Code.PermissionDenied);
    const removedAt = given?.removedAt ?? UNSET;
    const removed = changeMember(room, { ...member, removedAt, updatedAt: later(member, given) });
    const [longest] = membersOf(room).keys();
    if (room.room.ownerId === userId) room.room = { ...room.room, ownerId: longest ?? 0n };
    return removed;
  };

  transferOwnership = ({ roomId, userId, actorId }: chat.TransferOwnershipReq, given?: chat.Room): chat.Room => {
    const { room, isOwner } = this.#asSeenBy(actorId, roomId);
    this.#membership(roomId, userId);
    if (!isOwner) throw new Refused(Code.PermissionDenied);
    room.room = { ...room.room, ownerId: userId };
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

  editMessage = (req: chat.EditMessageReq, given?: chat.Message): chat.Message => {
    const { room } = this.#asSeenBy(req.userId, req.roomId);
    const message = messageOf(room, req.messageId);
    if (message.userId !== req.userId) throw new Refused(Code.PermissionDenied);
    if (message.deletedAt) throw new Refused(Code.FailedPrecondition);
    const edit = `${message.id}/${req.clientEditId}`;
    const isRepeated = req.clientEditId !== "" && room.edits.has(edit);
    room.edits.add(edit);
    if (isRepeated || message.body === req.body) return message;
    return changeMessage(room, { ...message, body: req.body, updatedAt: later(message, given) });
  };

  deleteMessage = ({ roomId, messageId, userId }: chat.DeleteMessageReq, given?: chat.Message): chat.Message => {
    const { room, isModerator } = this.#asSeenBy(userId, roomId);
    const message = messageOf(room, messageId);
    if (message.userId !== userId && !isModerator) throw new Refused(Code.PermissionDenied);
    if (message.deletedAt) return message;
    const deletedAt = given?.deletedAt ?? UNSET;
    return changeMessage(room, { ...message, body: "", deletedAt, updatedAt: later(message, given) });
  };

  markRead = ({ roomId, userId, messageId }: chat.MarkReadReq, given?: chat.Member): chat.Member => {
    const [room, member] = this.#membership(roomId, userId);
    const { id } = messageOf(room, messageId);
    if (id <= member.readMessageId) return member;
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

  /** Whether numbers of this epoch can be served; without one, they are believed. */
  #isOurs(epoch: string): boolean {
    return epoch === "" || epoch === this.epoch;
  }

  #headOf(room: ModelRoom, given?: chat.Cursor): chat.Cursor {
    this.epoch ||= given?.epoch ?? "";
    return headOf(room, this.epoch || "not empty");
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

  #asReadBy(userId: bigint, roomId: bigint, reading: Reading = "member"): ModelRoom {
    const room = reading === "right" ? this.rooms.get(roomId) : this.#membership(roomId, userId)[0];
    if (!room) throw new Refused(Code.NotFound);
    return room;
  }

  newestMessageId(): bigint {
    const ids = [...this.rooms.values()].flatMap((room) => [...messagesOf(room).keys()]);
    return ids.reduce((newest, id) => (id > newest ? id : newest), 0n);
  }

  /** The room; when it last changed is what the server says, unless that goes back. */
  #asOf(room: ModelRoom, given: chat.Room | undefined): chat.Room {
    if (given) room.room = { ...room.room, updatedAt: later(room.room, given) };
    return room.room;
  }
}

/** The text that a room has in a list of rooms. */
export function lastText({ lastMessage }: chat.RoomSummary): string {
  return lastMessage?.body ?? "";
}

function messageOf(room: ModelRoom, id: bigint): chat.Message {
  const message = messagesOf(room).get(id);
  if (!message) throw new Refused(Code.NotFound);
  return message;
}

function emptyRoom(): Omit<ModelRoom, "room"> {
  return { messages: [], members: [], reads: new Map(), edits: new Set(), joined: new Map() };
}

export function orRefused<T>(attempt: () => T): T | Refused {
  try {
    return attempt();
  } catch (e) {
    if (e instanceof Refused) return e;
    throw e;
  }
}

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
