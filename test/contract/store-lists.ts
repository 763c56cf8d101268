import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { ListMembersReqSchema, ListRoomsReqSchema, type Message, type RoomSummary } from "../../gen/chat_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { headOf, newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

/** The rules of ChatStore for lists of rooms and of members. */
export function listsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  let lastUser = GREAT_ID + 10_000n;
  beforeAll(() => {
    store = parts().store;
  });

  const freshUser = () => ++lastUser;

  const send = async (roomId: bigint, userId: bigint, body = "x") => {
    return apply(store, "sendMessage", { roomId, userId, body });
  };

  async function rooms(userId: bigint, limit = 100): Promise<RoomSummary[]> {
    const found: RoomSummary[] = [];
    let pageToken = "";
    do {
      const page = await store.listRooms(create(ListRoomsReqSchema, { userId, limit, pageToken }));
      found.push(...page.rooms);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  const idsOf = (list: readonly RoomSummary[]) => list.map(({ room }) => room!.id);

  describe("listRooms", () => {
    test("has those with the newest message first; without messages one counts from when the user was added", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const one = await newStoredRoom(store, ann, bob);
      await send(one, ann);
      const two = await newStoredRoom(store, ann);
      await send(two, ann);
      const empty = await newStoredRoom(store, ann, bob);
      await send(one, ann);
      expect(idsOf(await rooms(ann))).toEqual([one, empty, two]);
      await send(two, ann);
      expect(idsOf(await rooms(ann))).toEqual([two, one, empty]);
      await apply(store, "addMember", { roomId: two, userId: bob });
      expect(idsOf(await rooms(bob))).toEqual([two, one, empty]);
      await apply(store, "removeMember", { roomId: one, userId: bob, actorId: bob });
      expect(idsOf(await rooms(bob))).toEqual([two, empty]);
      await apply(store, "addMember", { roomId: one, userId: bob });
      expect(idsOf(await rooms(bob)).toSorted()).toEqual([one, two, empty].toSorted());
      expect(await rooms(freshUser())).toEqual([]);
    });

    test("tells of each room what the user has to know of it", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann);
      await send(roomId, ann, "before bob");
      await apply(store, "addMember", { roomId, userId: bob });
      const messages: Message[] = [];
      for (const [userId, body] of [
        [ann, "a"],
        [bob, "b"],
        [ann, "c"],
        [ann, "d"],
      ] as const) {
        messages.push(await send(roomId, userId, body));
      }
      const unread = async () => (await rooms(bob))[0]!.unreadCount;
      expect(await unread()).toBe(3);
      await apply(store, "deleteMessage", { roomId, userId: ann, messageId: messages[2]!.id });
      expect(await unread()).toBe(2);
      await apply(store, "markRead", { roomId, userId: bob, messageId: messages[1]!.id });
      expect(await unread()).toBe(1);
      const last = await apply(store, "deleteMessage", { roomId, userId: ann, messageId: messages[3]!.id });
      const [summary] = await rooms(bob);
      expect(summary).toMatchObject({
        room: { id: roomId, ownerId: ann },
        lastMessage: last,
        head: await headOf(store, roomId),
        readMessageId: messages[1]!.id,
        unreadCount: 0,
      });
      expect((await rooms(ann))[0]!.unreadCount).toBe(1);
    });

    test("counts up to 1,000 unread messages of others exactly, whatever the user has sent between them", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const sends = (userId: bigint, count: number) => {
        return store.commit(Array.from({ length: count }, () => change("sendMessage", { roomId, userId, body: "x" })));
      };
      for (let i = 0; i < 3; i++) {
        await sends(bob, 300);
        await sends(ann, 300);
      }
      await sends(ann, 99);
      const unread = async (userId: bigint) => {
        const [{ unreadCount, hasMoreUnread }] = (await rooms(userId)) as [RoomSummary];
        return [unreadCount, hasMoreUnread];
      };
      expect([await unread(bob), await unread(ann)]).toEqual([
        [999, false],
        [900, false],
      ]);
      await sends(ann, 1);
      expect(await unread(bob)).toEqual([1_000, false]);
      await sends(ann, 1);
      expect(await unread(bob)).toEqual([1_000, true]);
    });

    test("looks at 2,000 messages for them, and says that there may be more", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      await send(roomId, ann);
      const own = Array.from({ length: 500 }, () => change("sendMessage", { roomId, userId: bob, body: "x" }));
      for (let i = 0; i < 3; i++) await store.commit(own);
      await store.commit(own.slice(1));
      expect((await rooms(bob))[0]).toMatchObject({ unreadCount: 1, hasMoreUnread: false });
      await send(roomId, ann);
      expect((await rooms(bob))[0]).toMatchObject({ unreadCount: 1, hasMoreUnread: true });
    });

    test("counts unread messages of others that mention the user, up to 1,000", async () => {
      const [ann, bob, cat] = [freshUser(), freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob, cat);
      const mention = (userId: bigint, ...mentionedUserIds: bigint[]) => {
        return change("sendMessage", { roomId, userId, body: "x", mentionedUserIds });
      };
      const { outcomes } = await store.commit([
        ...[mention(ann, bob), mention(ann, bob, cat), mention(cat, ann, bob), mention(ann), mention(ann, bob)],
        ...[mention(bob, bob), mention(bob, ann)],
      ]);
      const messages = outcomes as Message[];
      const counts = async () => {
        const lists = await Promise.all([ann, bob, cat].map((userId) => rooms(userId)));
        return lists.map(([summary]) => summary!.mentionCount);
      };
      expect(await counts()).toEqual([2, 4, 1]);
      await apply(store, "deleteMessage", { roomId, userId: ann, messageId: messages[1]!.id });
      expect(await counts()).toEqual([2, 3, 0]);
      await apply(store, "markRead", { roomId, userId: bob, messageId: messages[0]!.id });
      expect(await counts()).toEqual([2, 2, 0]);
      await store.commit(Array.from({ length: 997 }, () => mention(ann, bob)));
      expect(await counts()).toEqual([2, 999, 0]);
      await store.commit([mention(ann, bob)]);
      expect(await counts()).toEqual([2, 1_000, 0]);
      await store.commit([mention(ann, bob)]);
      expect(await counts()).toEqual([2, 1_000, 0]);
    });

    test("has the user's membership with each, and where a stream of the list starts", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann);
      const member = await apply(store, "addMember", { roomId, userId: bob });
      const page = await store.listRooms(create(ListRoomsReqSchema, { userId: bob }));
      expect(page.rooms.map((each) => each.member)).toEqual([member]);
      const { epoch, revision } = await store.memberships(bob, []);
      expect(page.list).toMatchObject({ epoch, revision });
    });

    test("has every room once, in the order of the first page, whatever happens between pages", async () => {
      const step = fc.record({ room: fc.nat(5), kind: fc.constantFrom("send", "send", "join", "leave") });
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 3 }),
          fc.array(step, { maxLength: 8 }),
          fc.array(step, { minLength: 1, maxLength: 12 }),
          async (limit, before, between) => {
            const [ann, bob] = [freshUser(), freshUser()];
            const all: bigint[] = [];
            for (let i = 0; i < 6; i++) all.push(await newStoredRoom(store, ann, ...(i < 4 ? [bob] : [])));
            const moved = new Set<bigint>();
            const run = async ({ room, kind }: (typeof between)[number]) => {
              const roomId = all[room]!;
              if (kind === "send") return void (await send(roomId, ann));
              moved.add(roomId);
              const member = { roomId, userId: bob, actorId: bob };
              await store.commit([change(kind === "join" ? "addMember" : "removeMember", member)]);
            };
            for (const each of before) await run(each);
            moved.clear();
            const expected = idsOf(await rooms(bob));
            const found: bigint[] = [];
            const rest = [...between];
            let pageToken = "";
            do {
              const page = await store.listRooms(create(ListRoomsReqSchema, { userId: bob, limit, pageToken }));
              found.push(...idsOf(page.rooms));
              pageToken = page.nextPageToken;
              for (const each of rest.splice(0, 3)) await run(each);
            } while (pageToken !== "");
            expect(new Set(found).size).toBe(found.length);
            const stayed = (ids: readonly bigint[]) => ids.filter((id) => !moved.has(id));
            expect(stayed(found)).toEqual(stayed(expected));
          },
        ),
        { numRuns: 25 },
      );
    });
  });

  describe("listMembers", () => {
    test("has the current members by user id, page by page", async () => {
      const users = Array.from({ length: 12 }, freshUser);
      const roomId = await newStoredRoom(store, users[5]!);
      const others = users.filter((_, i) => i !== 5).toReversed();
      await store.commit(others.map((userId) => change("addMember", { roomId, userId })));
      const left = users.filter((_, i) => i % 3 === 0);
      await store.commit(left.map((userId) => change("removeMember", { roomId, userId, actorId: userId })));
      await apply(store, "addMember", { roomId, userId: users[3]! });
      const current = users.filter((userId) => !left.includes(userId) || userId === users[3]);
      const found: bigint[] = [];
      for (let hasMore = true; hasMore; ) {
        const req = { roomId, userId: users[1]!, afterUserId: found.at(-1) ?? 0n, limit: 4 };
        const page = await store.listMembers(create(ListMembersReqSchema, req));
        found.push(...page.members.map(({ userId }) => userId));
        hasMore = page.hasMore;
        expect(page.members.length).toBe(hasMore ? 4 : current.length % 4 || 4);
      }
      expect(found).toEqual(current);
    });
  });
}
