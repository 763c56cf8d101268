import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { ChatService, MessageKind, Role } from "../../gen/chat_pb.ts";
import { keyOfPost } from "../../src/chat/room-key.ts";
import type { Call, Model } from "../support/model.ts";
import { membersOf, messagesOf } from "../support/room-logs.ts";
import { forever, past } from "../support/times.ts";

/** What operations speak of: posts and users by their numbers, and what there is by now. */
export interface Names {
  readonly model: Model;
  readonly posts: readonly bigint[];
  readonly users: readonly bigint[];
  /** The changes that were asked for so far. */
  readonly changes: readonly Call[];
  /** Whether services may act for themselves in whatever they do. */
  readonly hasServices: boolean;
}

/** A call whose ids are found when it is made. */
export type Operation = (names: Names) => Call;

type Methods = typeof ChatService.method;

export function call<M extends Call["method"]>(method: M, request: MessageInitShape<Methods[M]["input"]>): Call {
  return { method, request: create(ChatService.method[method].input, request as never) } as unknown as Call;
}

const MAX_INT64 = 2n ** 63n - 1n;

export const POSTS = 4;
export const USERS = 5;
/** Of the last post, mostly nobody has asked. */
const room = fc.oneof(
  { weight: 9, arbitrary: fc.constant(0) },
  { weight: 9, arbitrary: fc.nat({ max: POSTS - 2 }) },
  { weight: 1, arbitrary: fc.constant(POSTS - 1) },
);

export function roomId({ model, posts }: Names, post: number): bigint {
  const found = [...model.rooms.values()].find(({ room }) => room.postId === posts[post]);
  return found?.room.id ?? MAX_INT64 - BigInt(post);
}

/** Mostly a member, sometimes the owner, sometimes whoever it is. */
const person = fc.oneof(
  { weight: 5, arbitrary: fc.record({ as: fc.constant("member"), index: fc.nat(USERS - 1) }) },
  { weight: 2, arbitrary: fc.record({ as: fc.constant("owner"), index: fc.nat(USERS - 1) }) },
  { weight: 2, arbitrary: fc.record({ as: fc.constant("anyone"), index: fc.nat(USERS - 1) }) },
);
type Person = { as: string; index: number };

function userId(names: Names, post: number, { as, index }: Person): bigint {
  const found = names.model.rooms.get(roomId(names, post));
  const members = found && [...membersOf(found).keys()];
  if (found && as === "owner" && found.room.ownerId > 0n) return found.room.ownerId;
  return (as === "member" && members?.[index % members.length]) || names.users[index]!;
}

const service = fc.record({ as: fc.constant("service"), index: fc.nat(USERS - 1) });
/** Often the owner; sometimes, where there are any, a service. */
const actor = fc.oneof(
  { weight: 2, arbitrary: fc.record({ as: fc.constant("owner"), index: fc.constant(0) }) },
  { weight: 6, arbitrary: person },
  { weight: 1, arbitrary: service },
);

function actorId(names: Names, post: number, actor: Person): bigint {
  return names.hasServices && actor.as === "service" ? 0n : userId(names, post, actor);
}

/** Mostly one of the room's messages, newer ones more often; sometimes of another room, the next one to come, or none. */
const target = fc.record({
  where: fc.oneof(
    { weight: 12, arbitrary: fc.constant("here") },
    { weight: 1, arbitrary: fc.constantFrom("elsewhere", "next", "nowhere") },
  ),
  back: fc.oneof(fc.nat(2), fc.nat(20)),
});
type Target = { where: string; back: number };

function messageId(names: Names, post: number, { where, back }: Target): bigint {
  const idsOf = (post: number) => {
    const found = names.model.rooms.get(roomId(names, post));
    return found ? [...messagesOf(found).keys()] : [];
  };
  const everywhere = names.posts.flatMap((_, each) => idsOf(each));
  if (where === "nowhere") return MAX_INT64 - BigInt(back);
  if (where === "next") return everywhere.reduce((a, b) => (a > b ? a : b), 0n) + 1n + BigInt(back % 3);
  const ids = where === "here" ? idsOf(post) : everywhere;
  return ids.at(-1 - (back % Math.max(1, ids.length))) ?? 1n;
}

function author(names: Names, post: number, messageId: bigint, fallback: Person): bigint {
  const found = names.model.rooms.get(roomId(names, post));
  return (found && messagesOf(found).get(messageId)?.userId) || userId(names, post, fallback);
}

const body = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "b", "c") },
  { weight: 1, arbitrary: fc.constantFrom("1", "null", "'\"\\", "\u2028\u0001", "ä€😀", " ", "\ufeff") },
  {
    weight: 1,
    arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 30 }).map((text) => text.replaceAll("\0", "0")),
  },
);
const clientId = fc.constantFrom("", "", "x", "y", "'\"\\ä😀");
/** For ever, or past, or not said. */
const until = fc.constantFrom(forever, past, undefined);
const limit = fc.oneof(fc.nat(6), fc.constant(200));

const users = fc.array(fc.nat(USERS - 1), { maxLength: 3 });
const name = fc.constantFrom("", "room", "another", "'\"\\ä😀");
const data = fc.constantFrom<JsonObject | undefined>(
  undefined,
  undefined,
  undefined,
  {},
  { a: [1, null, "x"] },
  { "'\"": { b: true } },
);
/** Longer than a test runs, or so short that a wait may end while it does. */
const slow = fc.constantFrom(0, 0, 1, 1_800, 3_600);
/** In the past, or far ahead: it doesn't pass while a test runs. */
const frozen = fc.constantFrom(null, null, 1, 4_000_000_000_000, 5_000_000_000_000);

const operations = {
  createChatRoom: fc
    .record({ room: fc.nat(POSTS - 1), user: fc.nat(USERS - 1) })
    .map(({ room, user }) => (names: Names) => {
      return call("createChatRoom", { postId: names.posts[room]!, userId: names.users[user]! });
    }),
  ensureRoom: fc
    .record({ room: fc.nat(POSTS - 1), user: fc.option(fc.nat(USERS - 1)), users, name, data })
    .map(({ room, user, users, name, data }) => (names: Names) => {
      return call("ensureRoom", {
        room: { case: "postId", value: names.posts[room]! },
        userId: user === null && names.hasServices ? 0n : names.users[user ?? 0]!,
        memberIds: users.map((each) => names.users[each]!),
        name,
        ...(data && { data }),
      });
    }),
  updateRoom: fc
    .record({ room, actor, name: fc.option(name), data: fc.option(data), slow: fc.option(slow), frozen })
    .map(({ room, actor, name, data, slow, frozen }) => (names: Names) => {
      return call("updateRoom", {
        roomId: roomId(names, room),
        actorId: actorId(names, room, actor),
        ...(name !== null && { name }),
        ...(data && { data }),
        ...(slow !== null && { slowModeSeconds: slow }),
        ...(frozen !== null && { frozenUntil: timestampFromMs(frozen) }),
      });
    }),
  deleteRoom: fc
    .record({ room, actor: fc.oneof({ weight: 9, arbitrary: person }, service) })
    .map(({ room, actor }) => (names: Names) => {
      return call("deleteRoom", { roomId: roomId(names, room), actorId: actorId(names, room, actor) });
    }),
  addMembers: fc.record({ room, actor, users }).map(({ room, actor, users }) => (names: Names) => {
    const userIds = users.map((each) => names.users[each]!);
    return call("addMembers", { roomId: roomId(names, room), actorId: actorId(names, room, actor), userIds });
  }),
  getRooms: fc
    .record({ rooms: fc.array(fc.nat(POSTS - 1), { maxLength: 5 }), byKey: fc.nat(POSTS), user: fc.nat(USERS - 1) })
    .map(({ rooms, byKey, user }) => (names: Names) => {
      return call("getRooms", {
        roomIds: rooms.slice(byKey).map((each) => roomId(names, each)),
        keys: rooms.slice(0, byKey).map((each) => keyOfPost(names.posts[each]!)),
        userId: names.users[user]!,
      });
    }),
  addMember: fc
    .record({ room, user: fc.nat(USERS - 1), actor: fc.option(actor, { freq: 3 }) })
    .map(({ room, user, actor }) => (names: Names) => {
      const by = { actorId: actor ? actorId(names, room, actor) : 0n };
      return call("addMember", { roomId: roomId(names, room), userId: names.users[user]!, ...by });
    }),
  removeMember: fc
    .record({ room, person, actor: fc.option(actor) })
    .map(({ room, person, actor }) => (names: Names) => {
      const user = userId(names, room, person);
      const by = { actorId: actor ? actorId(names, room, actor) : user };
      return call("removeMember", { roomId: roomId(names, room), userId: user, ...by });
    }),
  transferOwnership: fc.record({ room, person, actor }).map(({ room, person, actor }) => (names: Names) => {
    const [user, by] = [userId(names, room, person), { actorId: actorId(names, room, actor) }];
    return call("transferOwnership", { roomId: roomId(names, room), userId: user, ...by });
  }),
  setRole: fc
    .record({ room, person, actor, role: fc.constantFrom(Role.MODERATOR, Role.MODERATOR, Role.MEMBER, Role.READER) })
    .map(({ room, person, actor, role }) => (names: Names) => {
      const [user, by] = [userId(names, room, person), { actorId: actorId(names, room, actor) }];
      return call("setRole", { roomId: roomId(names, room), userId: user, role, ...by });
    }),
  setMute: fc.record({ room, person, actor, until }).map(({ room, person, actor, until }) => (names: Names) => {
    const [user, by] = [userId(names, room, person), { actorId: actorId(names, room, actor) }];
    return call("setMute", { roomId: roomId(names, room), userId: user, ...by, ...(until && { mutedUntil: until }) });
  }),
  setBan: fc.record({ room, person, actor, until }).map(({ room, person, actor, until }) => (names: Names) => {
    const [user, by] = [userId(names, room, person), { actorId: actorId(names, room, actor) }];
    return call("setBan", { roomId: roomId(names, room), userId: user, ...by, ...(until && { bannedUntil: until }) });
  }),
  sendMessage: fc
    .record({
      room,
      person,
      body,
      clientId,
      reply: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: target }),
      data,
      mentions: fc.oneof(
        { weight: 4, arbitrary: fc.constant<Person[]>([]) },
        fc.array<Person>(person, { maxLength: 2 }),
      ),
      isSystem: fc.nat(19),
    })
    .map(({ room, person, body, clientId, reply, data, mentions, isSystem }) => (names: Names) => {
      const kind = names.hasServices && isSystem === 19 ? MessageKind.SYSTEM : MessageKind.UNSPECIFIED;
      return call("sendMessage", {
        roomId: roomId(names, room),
        userId: kind === MessageKind.SYSTEM && mentions.length === 0 ? 0n : userId(names, room, person),
        body,
        clientMessageId: clientId,
        replyToId: reply ? messageId(names, room, reply) : 0n,
        ...(data && { data }),
        mentionedUserIds: [...new Set(mentions.map((person) => userId(names, room, person)))],
        kind,
      });
    }),
  editMessage: fc
    .record({ room, target, isAuthor: fc.nat(3), actor, body, clientId, data })
    .map(({ room, target, isAuthor, actor, body, clientId, data }) => (names: Names) => {
      const id = messageId(names, room, target);
      const user = isAuthor > 0 ? author(names, room, id, actor) : actorId(names, room, actor);
      const edit = { messageId: id, userId: user, body, clientEditId: clientId, ...(data && { data }) };
      return call("editMessage", { roomId: roomId(names, room), ...edit });
    }),
  deleteMessage: fc
    .record({ room, target, isAuthor: fc.nat(1), actor })
    .map(({ room, target, isAuthor, actor }) => (names: Names) => {
      const id = messageId(names, room, target);
      const user = isAuthor > 0 ? author(names, room, id, actor) : actorId(names, room, actor);
      return call("deleteMessage", { roomId: roomId(names, room), messageId: id, userId: user });
    }),
  setReaction: fc
    .record({ room, person, target, emoji: fc.constantFrom("👍", "👍", "🎂", "'\"\\"), on: fc.nat(2) })
    .map(({ room, person, target, emoji, on }) => (names: Names) => {
      const [user, message] = [userId(names, room, person), messageId(names, room, target)];
      return call("setReaction", { roomId: roomId(names, room), userId: user, messageId: message, emoji, on: on > 0 });
    }),
  setPin: fc.record({ room, actor, target, on: fc.nat(2) }).map(({ room, actor, target, on }) => (names: Names) => {
    const [by, message] = [actorId(names, room, actor), messageId(names, room, target)];
    return call("setPin", { roomId: roomId(names, room), actorId: by, messageId: message, on: on > 0 });
  }),
  markRead: fc
    .record({ room, person, target, how: fc.constantFrom("forward", "forward", "back", "back", "to the beginning") })
    .map(({ room, person, target, how }) => (names: Names) => {
      const [user, message] = [userId(names, room, person), messageId(names, room, target)];
      const place = how === "to the beginning" ? 0n : message;
      const mark = { userId: user, messageId: place, mayMoveBack: how !== "forward" };
      return call("markRead", { roomId: roomId(names, room), ...mark });
    }),
  retry: fc.nat(30).map((back) => (names: Names) => {
    return names.changes.at(-1 - (back % names.changes.length))!;
  }),
  sendTyping: fc.record({ room, person }).map(({ room, person }) => (names: Names) => {
    return call("sendTyping", { roomId: roomId(names, room), userId: userId(names, room, person) });
  }),
  getRoom: fc.record({ room, person, byPost: fc.boolean() }).map(({ room, person, byPost }) => (names: Names) => {
    const name = byPost
      ? ({ case: "postId", value: names.posts[room]! } as const)
      : ({ case: "roomId", value: roomId(names, room) } as const);
    return call("getRoom", { room: name, userId: userId(names, room, person) });
  }),
  listMessages: fc
    .record({
      room,
      person,
      target: fc.option(target, { freq: 4 }),
      position: fc.constantFrom("beforeId", "afterId", "aroundId"),
      limit,
      thread: fc.option(target, { freq: 2 }),
      pinned: fc.nat(4),
    })
    .map(({ room, person, target, position, limit, thread, pinned }) => (names: Names) => {
      const value = target ? messageId(names, room, target) : position === "afterId" ? 0n : undefined;
      return call("listMessages", {
        roomId: roomId(names, room),
        userId: userId(names, room, person),
        position: value === undefined ? { case: undefined } : { case: position, value },
        limit,
        threadId: thread ? messageId(names, room, thread) : 0n,
        pinned: pinned === 4,
      });
    }),
  listMembers: fc
    .record({ room, person, after: fc.option(person), limit, banned: fc.nat(2) })
    .map((asked) => (names: Names) => {
      const { room, person, after, limit, banned } = asked;
      return call("listMembers", {
        roomId: roomId(names, room),
        userId: userId(names, room, person),
        afterUserId: after ? userId(names, room, after) : 0n,
        limit,
        banned: banned === 2,
      });
    }),
  listRooms: fc
    .record({ user: fc.nat(USERS - 1), limit: fc.nat(3), isToken: fc.nat(20) })
    .map(({ user, limit, isToken }) => (names: Names) => {
      return call("listRooms", { userId: names.users[user]!, limit, pageToken: isToken === 20 ? "1.2" : "" });
    }),
  isMember: fc
    .record({ room, person, actor: fc.option(person, { freq: 2 }) })
    .map(({ room, person, actor }) => (names: Names) => {
      const by = { actorId: actor ? userId(names, room, actor) : 0n };
      return call("isMember", { roomId: roomId(names, room), userId: userId(names, room, person), ...by });
    }),
} satisfies Record<string, fc.Arbitrary<Operation>>;

function weighted(weights: Partial<Record<keyof typeof operations, number>>): fc.Arbitrary<Operation> {
  const names = Object.keys(weights) as (keyof typeof operations)[];
  return fc.oneof(...names.map((name) => ({ weight: weights[name]!, arbitrary: operations[name] })));
}

/** What takes rooms and members away is rare, since little can be done where they are gone. */
const changes = {
  sendMessage: 30,
  editMessage: 12,
  deleteMessage: 6,
  addMember: 10,
  removeMember: 6,
  transferOwnership: 3,
  setRole: 6,
  setMute: 7,
  setBan: 4,
  setReaction: 12,
  setPin: 8,
  markRead: 8,
  retry: 6,
  createChatRoom: 3,
  updateRoom: 8,
  addMembers: 5,
  deleteRoom: 2,
};

/** What disturbs no listing of rooms. */
export const talk = weighted({ sendMessage: 4, editMessage: 1, deleteMessage: 1, markRead: 1 });
export const change = weighted(changes);
export const operation = weighted({
  ...changes,
  sendTyping: 4,
  getRoom: 2,
  listMessages: 8,
  listMembers: 3,
  listRooms: 6,
  isMember: 2,
  getRooms: 4,
});
/** A call that may be several changes, one after the other. */
export const ensure = weighted({ ensureRoom: 1 });
