import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import {
  GetRoomReqSchema,
  IsMemberReqSchema,
  ListMembersReqSchema,
  ListMessagesReqSchema,
  type Member,
  Role,
} from "../../gen/chat_pb.ts";
import type { ChatStore, Reading, RoomChange } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID, GREATEST_ID } from "../support/greatest-id.ts";
import { createReq } from "../support/requests.ts";
import { freshPost, newSpokenRoom, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const users = ["owner", "moderator", "author", "member", "other", "second", "former", "stranger"] as const;
const [owner, moderator, author, member, other, second, former, stranger] = users.map((_, i) => {
  return GREAT_ID + 30_001n + BigInt(i);
}) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
const service = 0n;
const nowhere = GREATEST_ID;

/** The rules of ChatStore for who may do and read what. */
export function rightsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const give = (roomId: bigint, userId: bigint, role: Role, actorId = owner) => {
    return apply(store, "setRole", { roomId, userId, actorId, role });
  };

  /** A room with somebody of each role, one of whom was a moderator once; and a message of the author's. */
  async function newRoom() {
    const { roomId } = await newSpokenRoom(store, owner, [moderator, author, member, other, second, former]);
    for (const userId of [moderator, second, former]) await give(roomId, userId, Role.MODERATOR);
    await apply(store, "removeMember", { roomId, userId: former, actorId: former });
    const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: author, body: "hello" });
    return { roomId, messageId };
  }

  describe("rights", () => {
    const actors = { owner, moderator, author, member, former, stranger, service };
    /** Who may do it; all others are refused. Who is no member learns nothing. */
    const rights: Record<string, [may: (keyof typeof actors)[], asked: (room: Room, actorId: bigint) => RoomChange]> = {
      send: [
        ["owner", "moderator", "author", "member"],
        ({ roomId }, userId) => change("sendMessage", { roomId, userId, body: "x" }),
      ],
      edit: [["author"], (room, userId) => change("editMessage", { ...room, userId, body: "x" })],
      delete: [
        ["owner", "moderator", "author", "service"],
        (room, userId) => change("deleteMessage", { ...room, userId }),
      ],
      "mark as read": [
        ["owner", "moderator", "author", "member"],
        (room, userId) => change("markRead", { ...room, userId }),
      ],
      "add others": [
        ["owner", "moderator", "service"],
        ({ roomId }, actorId) => change("addMember", { roomId, userId: stranger + 1n, actorId }),
      ],
      "remove members": [
        ["owner", "moderator", "service"],
        ({ roomId }, actorId) => change("removeMember", { roomId, userId: other, actorId }),
      ],
      "remove moderators": [
        ["owner", "service"],
        ({ roomId }, actorId) => change("removeMember", { roomId, userId: second, actorId }),
      ],
      "remove the owner": [
        ["owner", "service"],
        ({ roomId }, actorId) => change("removeMember", { roomId, userId: owner, actorId }),
      ],
      leave: [
        ["owner", "moderator", "author", "member"],
        ({ roomId }, actorId) => change("removeMember", { roomId, userId: actorId, actorId }),
      ],
      "hand the room on": [
        ["owner", "service"],
        ({ roomId }, actorId) => change("transferOwnership", { roomId, userId: other, actorId }),
      ],
      "make moderators": [
        ["owner", "service"],
        ({ roomId }, actorId) => change("setRole", { roomId, userId: other, actorId, role: Role.MODERATOR }),
      ],
      "unmake moderators": [
        ["owner", "service"],
        ({ roomId }, actorId) => change("setRole", { roomId, userId: second, actorId, role: Role.MEMBER }),
      ],
    };
    type Room = { roomId: bigint; messageId: bigint };
    /** What a service does for a user only, it is not found for. */
    const ofMembers = ["send", "mark as read", "leave"];

    test.each(Object.keys(rights))("[S10] to %s", async (name) => {
      const [may, asked] = rights[name]!;
      for (const [actor, actorId] of Object.entries(actors)) {
        const room = await newRoom();
        const before = await readLog(store, room.roomId);
        const commit = await store.commit([asked(room, actorId)]);
        const [isAllowed, isService] = [may.includes(actor as keyof typeof actors), actorId === service];
        const isFound = isService ? !ofMembers.includes(name) : actorId !== former && actorId !== stranger;
        expect(codes(commit), actor).toEqual([isAllowed ? "ok" : isFound ? "PermissionDenied" : "NotFound"]);
        if (isAllowed) continue;
        expect(commit).toMatchObject({ news: [], reads: [] });
        expect(await readLog(store, room.roomId)).toEqual(before);
        if (isFound || isService) continue;
        // As if there were no such room.
        const unknown = { roomId: nowhere, messageId: room.messageId };
        const answers = [commit, await store.commit([asked(unknown, actorId)])].map(({ outcomes }) => outcomes[0]);
        const [text, textOfUnknown] = answers.map((answer) => (answer as ConnectError).message);
        expect(textOfUnknown!.replace(`${nowhere}`, `${room.roomId}`)).toBe(text);
      }
    });

    test("[S10] are those of the transaction, change after change", async () => {
      const { roomId, messageId } = await newRoom();
      const commit = await store.commit([
        change("setRole", { roomId, userId: moderator, actorId: owner, role: Role.MEMBER }),
        change("deleteMessage", { roomId, messageId, userId: moderator }),
        change("transferOwnership", { roomId, userId: member, actorId: owner }),
        change("setRole", { roomId, userId: other, actorId: owner, role: Role.MODERATOR }),
        change("addMember", { roomId, userId: stranger, actorId: owner }),
        change("setRole", { roomId, userId: other, actorId: member, role: Role.MODERATOR }),
        change("addMember", { roomId, userId: stranger, actorId: other }),
        change("removeMember", { roomId, userId: other, actorId: other }),
        change("removeMember", { roomId, userId: stranger, actorId: other }),
      ]);
      expect(codes(commit)).toEqual([
        ...["ok", "PermissionDenied", "ok", "PermissionDenied", "PermissionDenied"],
        ...["ok", "ok", "ok", "NotFound"],
      ]);
    });

    test("[S10] a refusal says what to do", async () => {
      const { roomId } = await newRoom();
      const { outcomes } = await store.commit([
        change("addMember", { roomId, userId: stranger, actorId: member }),
        change("setRole", { roomId, userId: owner, actorId: owner, role: Role.MODERATOR }),
      ]);
      expect(outcomes.map((outcome) => (outcome as ConnectError).rawMessage)).toEqual([
        "only the room's owner and moderators may add others; ask one of them",
        `user ${owner} is the room's owner; hand it on with TransferOwnership first`,
      ]);
    });
  });

  describe("roles", () => {
    const rolesIn = async (roomId: bigint) => {
      const { members } = await store.listMembers(create(ListMembersReqSchema, { roomId, userId: owner }), "right");
      return new Map(members.map(({ userId, role }) => [userId, role]));
    };

    test("[S1] a role takes the next member_seq; the membership stays", async () => {
      const { roomId, messages } = await newSpokenRoom(store, owner, [member], ["a"]);
      const before = await apply(store, "markRead", { roomId, userId: member, messageId: messages[0]!.id });
      expect(before.role).toBe(Role.MEMBER);
      const { outcomes, news, reads } = await store.commit([
        change("setRole", { roomId, userId: member, actorId: owner, role: Role.MODERATOR }),
      ]);
      const given = outcomes[0] as Member;
      expect(given).toEqual({ ...before, role: Role.MODERATOR, memberSeq: 3n, updatedAt: given.updatedAt });
      expect(news).toMatchObject([{ roomId, messages: [], members: [given], memberSeq: 3n }]);
      expect(reads).toEqual([]);
      expect(await rolesIn(roomId)).toEqual(
        new Map([
          [owner, Role.MEMBER],
          [member, Role.MODERATOR],
        ]),
      );
      const { head, news: log } = await readLog(store, roomId, { seq: 1n, memberSeq: 1n });
      expect([head.memberSeq, log.members]).toEqual([3n, [given]]);
      const taken = await give(roomId, member, Role.MEMBER, service);
      expect(taken).toMatchObject({ id: given.id, role: Role.MEMBER, memberSeq: 4n });
    });

    test("[S4] the role that the member has changes nothing", async () => {
      const { roomId } = await newSpokenRoom(store, owner, [member]);
      const given = await give(roomId, member, Role.MODERATOR);
      const { revision } = await store.memberships(owner, []);
      for (const actorId of [owner, service]) {
        const again = change("setRole", { roomId, userId: member, actorId, role: Role.MODERATOR });
        expect(await store.commit([again])).toEqual({ outcomes: [given], news: [], reads: [] });
      }
      expect((await store.memberships(owner, [])).revision).toBe(revision);
    });

    test("[S8] a role gives the room the next revision", async () => {
      const { roomId } = await newSpokenRoom(store, owner, [member]);
      const { revision } = await store.memberships(owner, []);
      await give(roomId, member, Role.MODERATOR);
      const changed = await store.changedRooms(revision, [roomId]);
      expect(changed.rooms).toMatchObject([{ roomId, head: { seq: 0n, memberSeq: 3n } }]);
    });

    test("[S1] who is added again has no role; owners keep theirs for when they hand the room on", async () => {
      const { roomId } = await newRoom();
      await apply(store, "removeMember", { roomId, userId: moderator, actorId: owner });
      const back = await apply(store, "addMember", { roomId, userId: moderator, actorId: owner });
      expect(back.role).toBe(Role.MEMBER);
      await apply(store, "transferOwnership", { roomId, userId: second, actorId: owner });
      await apply(store, "transferOwnership", { roomId, userId: member, actorId: second });
      const roles = await rolesIn(roomId);
      expect([owner, second, member].map((userId) => roles.get(userId))).toEqual([
        ...[Role.MEMBER, Role.MODERATOR, Role.MEMBER],
      ]);
      expect(codes(await store.commit([change("deleteMessage", { roomId, messageId: 1n, userId: owner })]))).toEqual([
        "NotFound",
      ]);
    });

    test("[S1] who owns the room has no other, whoever gives it", async () => {
      const { roomId } = await newRoom();
      for (const actorId of [owner, service]) {
        for (const role of [Role.MEMBER, Role.MODERATOR]) {
          const refused = await store.commit([change("setRole", { roomId, userId: owner, actorId, role })]);
          expect(codes(refused)).toEqual(["FailedPrecondition"]);
          expect(refused.news).toEqual([]);
        }
      }
    });
  });

  describe("who asks whether somebody is a member", () => {
    const isMember = (roomId: bigint, userId: bigint, actorId: bigint) => {
      return store.isMember(create(IsMemberReqSchema, { roomId, userId, actorId })).catch((e: unknown) => e);
    };

    test("[S10] members and services ask about others, and all about themselves", async () => {
      const { roomId } = await newRoom();
      for (const actorId of [owner, member, service]) {
        expect(await isMember(roomId, member, actorId)).toBe(true);
        expect(await isMember(roomId, stranger, actorId)).toBe(false);
        expect(await isMember(roomId, former, actorId)).toBe(false);
      }
      for (const userId of [former, stranger]) expect(await isMember(roomId, userId, userId)).toBe(false);
      expect(await isMember(nowhere, member, service)).toBe(false);
      expect(await isMember(nowhere, member, member)).toBe(false);
    });

    test("[S6] others learn nothing", async () => {
      const { roomId } = await newRoom();
      for (const actorId of [former, stranger]) {
        for (const userId of [owner, other]) {
          const [foreign, unknown] = [
            await isMember(roomId, userId, actorId),
            await isMember(nowhere, userId, actorId),
          ];
          expect(foreign).toMatchObject({
            code: Code.NotFound,
            rawMessage: `no room ${roomId} with user ${actorId} as a member`,
          });
          expect(unknown).toMatchObject({
            code: Code.NotFound,
            rawMessage: `no room ${nowhere} with user ${actorId} as a member`,
          });
        }
      }
    });
  });

  describe("reading by right", () => {
    const asked = (roomId: bigint, postId: bigint, userId: bigint, reading?: Reading) => {
      const named = (room: { case: "roomId" | "postId"; value: bigint }) => create(GetRoomReqSchema, { room, userId });
      return [
        store.getRoom(named({ case: "roomId", value: roomId }), reading),
        store.getRoom(named({ case: "postId", value: postId }), reading),
        store.listMessages(create(ListMessagesReqSchema, { roomId, userId }), reading),
        store.listMembers(create(ListMembersReqSchema, { roomId, userId }), reading),
      ].map((call) => call.catch((e: unknown) => e));
    };

    test("needs no membership, and shows what members see", async () => {
      const { roomId } = await newRoom();
      const { postId } = await store.getRoom(
        create(GetRoomReqSchema, { room: { case: "roomId", value: roomId }, userId: owner }),
      );
      const ofMember = await Promise.all(asked(roomId, postId, owner));
      expect(ofMember[0]).toMatchObject({ id: roomId });
      expect(ofMember[2]).toMatchObject({ messages: [{ body: "hello" }] });
      expect(ofMember[3]).toMatchObject({ members: expect.objectContaining({ length: 6 }) });
      for (const userId of [0n, stranger, former, owner]) {
        expect(await Promise.all(asked(roomId, postId, userId, "right"))).toEqual(ofMember);
      }
    });

    test("[S6] a room that doesn't exist is answered as one that the reader may not read", async () => {
      const { roomId } = await newRoom();
      const { postId } = await store.getRoom(
        create(GetRoomReqSchema, { room: { case: "roomId", value: roomId }, userId: owner }),
      );
      const texts = async (roomId: bigint, postId: bigint, userId: bigint, reading: Reading) => {
        const answers = await Promise.all(asked(roomId, postId, userId, reading));
        return answers.map((answer) => {
          expect(answer).toBeInstanceOf(ConnectError);
          const { code, rawMessage, details } = answer as ConnectError;
          return [code, rawMessage.replace(`room ${roomId}`, "<room>").replace(`post ${postId}`, "<post>"), details];
        });
      };
      for (const userId of [0n, stranger]) {
        const refused = await texts(roomId, postId, userId, "member");
        const whose = userId === 0n ? "that you may read" : `with user ${userId} as a member`;
        expect(refused.map(([code, text]) => [code, text])).toEqual([
          [Code.NotFound, `no <room> ${whose}`],
          [Code.NotFound, `no room of <post> ${whose}`],
          [Code.NotFound, `no <room> ${whose}`],
          [Code.NotFound, `no <room> ${whose}`],
        ]);
        expect(await texts(nowhere, nowhere, userId, "member")).toEqual(refused);
        expect(await texts(nowhere, nowhere, userId, "right")).toEqual(refused);
      }
    });

    test("memberships have the rooms that are read by right, without one; members stay members", async () => {
      const [one, two, three] = [
        await newStoredRoom(store, owner, member),
        await newStoredRoom(store, owner),
        await newStoredRoom(store, owner),
      ];
      await apply(store, "sendMessage", { roomId: two, userId: owner, body: "x" });
      const { epoch, revision, of } = await store.memberships(member, [one, two, three, nowhere], [one, two, nowhere]);
      const own = await store.memberships(member, [one, two, three, nowhere]);
      expect(own).toMatchObject({ epoch, revision });
      expect(of).toEqual([
        ...own.of,
        { roomId: two, id: 0n, read: undefined, head: { seq: 1n, memberSeq: 1n }, firstSeq: 1n },
      ]);
      expect(own.of.map(({ roomId }) => roomId)).toEqual([one]);
      expect((await store.memberships(0n, [two], [two])).of).toEqual(of.slice(1));
    });

    test("rooms are found by id and by key; what is no such key, or no room's, is left out", async () => {
      const [onePost, twoPost] = [freshPost(), freshPost()];
      const one = await store.createRoom(createReq(onePost, owner));
      const two = await store.createRoom(createReq(twoPost, owner));
      const found = { id: one.id, key: `post:${onePost}` };
      const keys = [`${one.id}`, `post:${onePost}`, `post:${twoPost}`];
      const none = [`0${one.id}`, ` ${one.id}`, `post: ${onePost}`, "post:", "", "x", `${nowhere}`, `post:${nowhere}`];
      expect(await store.roomsByKey([...none, ...keys, ...none, `${2n ** 63n}`, keys[0]!])).toEqual(
        new Map([
          [keys[0]!, found],
          [keys[1]!, found],
          [keys[2]!, { id: two.id, key: `post:${twoPost}` }],
        ]),
      );
      expect(await store.roomsByKey([])).toEqual(new Map());
    });
  });
}
