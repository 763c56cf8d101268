import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { ListRoomsReqSchema, type Message, Role, type RoomSummary } from "../../gen/chat_pb.ts";
import type { ListPage } from "../../src/chat/list-page.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

/** The rules of ChatStore for lists that are followed. */
export function liveListsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  let lastUser = GREAT_ID + 900_000n;
  beforeAll(() => {
    store = parts().store;
  });

  const freshUser = () => ++lastUser;
  const send = (roomId: bigint, userId: bigint, body = "x") => {
    return apply(store, "sendMessage", { roomId, userId, body });
  };
  const now = async () => (await store.listedRooms(1n)).revision;

  async function page(userId: bigint, after: bigint, { changes = 100, bytes = ANY_BYTES } = {}): Promise<ListPage> {
    const [found] = await store.changedLists([{ userId, after }], { changes, bytes });
    return found!;
  }

  /** What a page tells, in short. */
  const said = ({ rooms, left }: ListPage) => [...rooms.map(({ room }) => room!.id), ...left.map((id) => -id)];

  async function listed(userId: bigint): Promise<RoomSummary[]> {
    return (await store.listRooms(create(ListRoomsReqSchema, { userId, limit: 100 }))).rooms;
  }

  /** What a follower of pages keeps: the rooms by id. */
  class Follower {
    readonly rooms = new Map<bigint, RoomSummary>();
    revision = 0n;
    readonly #userId: bigint;

    constructor(userId: bigint) {
      this.#userId = userId;
    }

    async follow(changes: number): Promise<void> {
      for (let isWhole = false; !isWhole; ) {
        const { rooms, left, ...found } = await page(this.#userId, this.revision, { changes });
        expect(rooms.length + left.length).toBeLessThanOrEqual(changes);
        for (const summary of rooms) this.rooms.set(summary.room!.id, summary);
        for (const roomId of left) this.rooms.delete(roomId);
        expect(found.revision).toBeGreaterThanOrEqual(this.revision);
        this.revision = found.revision;
        isWhole = found.isWhole;
      }
    }
  }

  describe("lists that are followed", () => {
    test("[S20] have each room that has changed, as listRooms() shows it, in the order of the revisions", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const [one, two] = [await newStoredRoom(store, ann, bob), await newStoredRoom(store, ann)];
      const start = await now();
      expect(await page(ann, start)).toMatchObject({ revision: start, rooms: [], left: [], isWhole: true });
      await send(two, ann);
      const { id: messageId } = await send(one, ann);
      const found = await page(ann, start);
      expect(said(found)).toEqual([two, one]);
      expect(found.rooms.toReversed()).toEqual(await listed(ann));
      expect(found.revision).toBe(await now());
      const { rooms } = await page(bob, start);
      expect(rooms).toMatchObject([{ unreadCount: 1, lastMessage: { id: messageId } }]);
      expect(rooms).toEqual(await listed(bob));
      expect(said(await page(ann, found.revision))).toEqual([]);
    });

    test("[S20] a read position, a role, and an edit are changes; what happens elsewhere isn't", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const elsewhere = await newStoredRoom(store, ann);
      const message = await send(roomId, ann);
      const seen = async (what: () => Promise<unknown>) => {
        const start = await now();
        await what();
        return [said(await page(ann, start)), said(await page(bob, start))];
      };
      const mark = { roomId, userId: bob, messageId: message.id, mayMoveBack: true };
      expect(await seen(() => apply(store, "markRead", mark))).toEqual([[], [roomId]]);
      expect(await seen(() => apply(store, "markRead", mark)), "it is there").toEqual([[], []]);
      expect(await seen(() => apply(store, "markRead", { ...mark, messageId: 0n }))).toEqual([[], [roomId]]);
      const role = { roomId, userId: bob, actorId: ann, role: Role.MODERATOR };
      expect(await seen(() => apply(store, "setRole", role))).toEqual([[roomId], [roomId]]);
      const edit = { roomId, userId: ann, messageId: message.id, body: "y" };
      expect(await seen(() => apply(store, "editMessage", edit))).toEqual([[roomId], [roomId]]);
      expect(await seen(() => send(elsewhere, ann))).toEqual([[elsewhere], []]);
    });

    test("[S20] tell of rooms that the user was added to, and of those that the user has left; of both the latest", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const [one, two] = [await newStoredRoom(store, ann, bob), await newStoredRoom(store, ann)];
      const start = await now();
      await apply(store, "addMember", { roomId: two, userId: bob });
      await apply(store, "removeMember", { roomId: one, userId: bob, actorId: ann });
      await send(one, ann, "not for bob");
      expect(await page(bob, start)).toMatchObject({ rooms: [{ room: { id: two } }], left: [one] });
      const between = await now();
      await apply(store, "addMember", { roomId: one, userId: bob });
      await apply(store, "removeMember", { roomId: two, userId: bob, actorId: bob });
      await apply(store, "addMember", { roomId: two, userId: bob });
      await apply(store, "removeMember", { roomId: two, userId: bob, actorId: bob });
      const found = await page(bob, between);
      expect(found).toMatchObject({ rooms: [{ room: { id: one } }], left: [two] });
      expect(await page(bob, start)).toEqual({ ...found, left: [two] });
      expect((await store.listedRooms(bob)).roomIds).toEqual([one]);
    });

    test("[S20] tell nothing of a room to whom is banned from it without having been in it", async () => {
      const [ann, bob, cat] = [freshUser(), freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const start = await now();
      const bannedUntil = timestampFromMs(Date.now() + 3_600_000);
      for (const userId of [bob, cat]) await apply(store, "setBan", { roomId, userId, actorId: ann, bannedUntil });
      expect(said(await page(bob, start))).toEqual([-roomId]);
      expect(said(await page(cat, start))).toEqual([]);
    });

    test("[S20] [P5] tell of the end of a membership once, and of no ban after it, nor of its lifting", async () => {
      const [ann, bob, cat] = [freshUser(), freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob, cat);
      const ban = (userId: bigint, hours: number) => {
        const bannedUntil = timestampFromMs(Date.now() + hours * 3_600_000);
        return apply(store, "setBan", { roomId, userId, actorId: ann, bannedUntil });
      };
      const start = await now();
      await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
      await ban(cat, 1);
      const ended = await now();
      for (const hours of [1, 2, -1]) {
        for (const userId of [bob, cat]) {
          await ban(userId, hours);
          expect(said(await page(userId, ended)), `${hours} hours`).toEqual([]);
          expect(said(await page(userId, start))).toEqual([-roomId]);
        }
      }
      for (const userId of [bob, cat]) await apply(store, "addMember", { roomId, userId });
      expect(said(await page(bob, ended))).toEqual([roomId]);
      const added = await now();
      await ban(bob, 1);
      await apply(store, "deleteRoom", { roomId, actorId: ann });
      for (const userId of [bob, cat]) expect(said(await page(userId, added))).toEqual([-roomId]);
      const deleted = await now();
      await apply(store, "eraseRoom", { roomId });
      for (const userId of [bob, cat]) expect(said(await page(userId, deleted))).toEqual([]);
    });

    test("[S20] tell of a room that was deleted as of one that was left, and nobody else", async () => {
      const [ann, bob, gone, banned, stranger] = [freshUser(), freshUser(), freshUser(), freshUser(), freshUser()];
      const [one, two] = [await newStoredRoom(store, ann, bob, gone), await newStoredRoom(store, ann, bob)];
      await newStoredRoom(store, stranger);
      await send(one, ann);
      await apply(store, "removeMember", { roomId: one, userId: gone, actorId: gone });
      const bannedUntil = timestampFromMs(Date.now() + 3_600_000);
      await apply(store, "setBan", { roomId: one, userId: banned, actorId: ann, bannedUntil });
      const start = await now();
      await apply(store, "deleteRoom", { roomId: one, actorId: ann });
      for (const userId of [ann, bob]) {
        expect(await page(userId, start)).toMatchObject({ rooms: [], left: [one], isWhole: true });
      }
      for (const userId of [gone, banned, stranger]) expect(said(await page(userId, start))).toEqual([]);
      const { members } = await store.changedRooms(start);
      expect(members).toContainEqual({ userId: bob, revision: expect.any(BigInt) });
      expect((await store.listedRooms(bob)).roomIds).toEqual([two]);
    });

    test("[S20] a page ends after its rooms, or its texts; one room is given even if it is longer", async () => {
      const ann = freshUser();
      const start = await now();
      const rooms: bigint[] = [];
      for (let i = 0; i < 5; i++) rooms.push(await newStoredRoom(store, ann));
      for (const roomId of rooms) await send(roomId, ann, "x".repeat(100));
      const first = await page(ann, start, { changes: 2 });
      expect([said(first), first.isWhole]).toEqual([rooms.slice(0, 2), false]);
      const rest = await page(ann, first.revision, { changes: 3 });
      expect([said(rest), rest.isWhole, rest.revision]).toEqual([rooms.slice(2), true, await now()]);
      expect(said(await page(ann, start, { bytes: 350 }))).toEqual(rooms.slice(0, 3));
      expect(said(await page(ann, start, { bytes: 1 }))).toEqual(rooms.slice(0, 1));
    });

    test("[S20] of many users are read together, each from its place", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const start = await now();
      const one = await newStoredRoom(store, ann, bob);
      const between = await now();
      const two = await newStoredRoom(store, bob);
      const asked = [
        { userId: bob, after: between },
        { userId: ann, after: start },
        { userId: freshUser(), after: 0n },
        { userId: bob, after: start },
      ];
      const pages = await store.changedLists(asked, { changes: 10, bytes: ANY_BYTES });
      expect(pages.map(said)).toEqual([[two], [one], [], [one, two]]);
      expect(new Set(pages.map(({ revision }) => revision))).toEqual(new Set([await now()]));
      expect(await store.changedLists([], { changes: 10, bytes: ANY_BYTES })).toEqual([]);
    });

    test("[S8] changedRooms() tells whose memberships have changed, where it tells of all rooms", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const message = await send(roomId, ann);
      const start = await now();
      await apply(store, "markRead", { roomId, userId: bob, messageId: message.id });
      const found = await store.changedRooms(start);
      const marked = expect.objectContaining({ userId: bob, revision: expect.any(BigInt) });
      expect(found).toMatchObject({ members: expect.arrayContaining([marked]), isWhole: true });
      expect(found.rooms.map((room) => room.roomId)).not.toContain(roomId);
      expect((await store.changedRooms(start, [roomId])).members).toBeUndefined();
      const after = await store.changedRooms(await now());
      expect(after).toMatchObject({ rooms: [], members: [], isWhole: true });
    });

    test("[S20] whoever follows the pages has what listRooms() gives, whatever happens", async () => {
      const step = fc.record({
        room: fc.nat(3),
        user: fc.nat(2),
        nth: fc.nat(5),
        kind: fc.constantFrom("send", "send", "delete", "add", "remove", "read", "back", "role"),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 5 }), async (bursts) => {
          const [owner, ...users] = [freshUser(), freshUser(), freshUser(), freshUser()] as [bigint, ...bigint[]];
          const rooms = [0, 1, 2, 3].map(() => newStoredRoom(store, owner, ...users.slice(0, 2)));
          const ids = await Promise.all(rooms);
          const sent = new Map<bigint, bigint[]>(ids.map((id) => [id, []]));
          const followers = [owner, ...users].map((user) => new Follower(user));
          for (const burst of bursts) {
            const changes = burst.map(({ room, user, nth, kind }) => {
              const [roomId, userId] = [ids[room]!, users[user]!];
              const messageId = sent.get(roomId)!.at(-1 - nth) ?? 0n;
              const by = { roomId, userId, actorId: owner };
              if (kind === "send")
                return change("sendMessage", { roomId, userId: nth > 2 ? owner : userId, body: kind });
              if (kind === "delete") return change("deleteMessage", { roomId, userId: owner, messageId });
              if (kind === "add") return change("addMember", by);
              if (kind === "remove") return change("removeMember", by);
              if (kind === "role") return change("setRole", { ...by, role: nth > 2 ? Role.MODERATOR : Role.MEMBER });
              return change("markRead", { roomId, userId, messageId, mayMoveBack: kind === "back" });
            });
            const { outcomes } = await store.commit(changes);
            for (const [i, { kind, room }] of burst.entries()) {
              if (kind === "send" && "seq" in outcomes[i]!) sent.get(ids[room]!)!.push((outcomes[i] as Message).id);
            }
            for (const [i, follower] of followers.entries()) {
              if (burst.length % 2 === i % 2) continue; // who is away comes back later
              await follower.follow(1 + i);
            }
          }
          for (const [i, user] of [owner, ...users].entries()) {
            const follower = followers[i]!;
            await follower.follow(2);
            const list = await listed(user);
            expect(follower.rooms).toEqual(new Map(list.map((summary) => [summary.room!.id, summary])));
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}
