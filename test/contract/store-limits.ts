import { create, type JsonObject } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { ListRoomsReqSchema, type RoomSummary } from "../../gen/chat_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore, PlacedChange } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { createReq } from "../support/requests.ts";
import { recordText, summaryText, textBytes, textOf } from "../support/room-logs.ts";
import { freshPost, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";
import { endOf, readChanges } from "./store-change-log.ts";

let lastUser = GREAT_ID + 40_000n;
const freshUser = () => ++lastUser;

/** The limits of ChatStore. */
export function limitsContract(parts: () => StoreParts): void {
  describe("limits", () => {
    let store: ChatStore;
    let other: ChatStore;
    beforeAll(async () => {
      const limits = { ...LIMITS, roomMembers: 3, userRooms: 3 };
      [store, other] = [await parts().open(limits), await parts().open(limits)];
    });

    const add = (roomId: bigint, userId: bigint) => change("addMember", { roomId, userId });
    const limitOf = (error: unknown) => (error as ConnectError).findDetails(ErrorInfoSchema)[0];
    const open = (postId: bigint, userId: bigint) =>
      store.createRoom(createReq(postId, userId)).catch((e: unknown) => e);

    test("[S5] a room has so many members at most; who is one already is told so", async () => {
      const [ann, bob, cat, dan] = [freshUser(), freshUser(), freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann);
      const commit = await store.commit([bob, cat, dan, cat].map((userId) => add(roomId, userId)));
      expect(codes(commit)).toEqual(["ok", "ok", "ResourceExhausted", "AlreadyExists"]);
      expect(limitOf(commit.outcomes[2])).toMatchObject({
        reason: "LIMIT_REACHED",
        domain: "roomlog",
        metadata: { limit: "roomMembers" },
      });
      expect(commit.news).toMatchObject([{ members: [{ userId: bob }, { userId: cat }], memberSeq: 3n }]);
      const before = await readLog(store, roomId);
      expect(codes(await store.commit([add(roomId, dan)]))).toEqual(["ResourceExhausted"]);
      expect(await readLog(store, roomId)).toEqual(before);
      await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
      expect(codes(await store.commit([add(roomId, dan), add(roomId, bob)]))).toEqual(["ok", "ResourceExhausted"]);
    });

    test("[S5] a user is in so many rooms at most, opened or joined", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const rooms = [await newStoredRoom(store, ann), await newStoredRoom(store, ann), await newStoredRoom(store, ann)];
      const [one, two] = [await newStoredRoom(store, bob), await newStoredRoom(store, bob)];
      await apply(store, "addMember", { roomId: rooms[0]!, userId: bob });
      const refused = await store.commit([add(one, ann), add(rooms[1]!, bob), add(rooms[0]!, bob)]);
      expect(codes(refused)).toEqual(["ResourceExhausted", "ResourceExhausted", "AlreadyExists"]);
      const post = freshPost();
      for (const error of [refused.outcomes[0], refused.outcomes[1], await open(post, bob)]) {
        expect(limitOf(error)).toMatchObject({ reason: "LIMIT_REACHED", metadata: { limit: "userRooms" } });
      }
      await apply(store, "removeMember", { roomId: one, userId: bob, actorId: bob });
      expect(await open(post, bob)).toMatchObject({ postId: post, ownerId: bob });
      expect(codes(await store.commit([add(rooms[1]!, bob)]))).toEqual(["ResourceExhausted"]);
      expect((await store.memberships(bob, [...rooms, one, two])).of).toHaveLength(2);
    });

    test("[S5] a post that has a room is told before the limit", async () => {
      const ann = freshUser();
      const post = freshPost();
      for (const postId of [post, freshPost(), freshPost()]) await store.createRoom(createReq(postId, ann));
      const error = ConnectError.from(await open(post, ann));
      expect(error.rawMessage).toBe(`post ${post} has a room already`);
    });

    test("[S5] of many who come at once, as many become members as there is room for", async () => {
      const ann = freshUser();
      const roomId = await newStoredRoom(store, ann);
      const commits = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? store : other).commit([add(roomId, freshUser())])),
      );
      expect(commits.flatMap(codes).toSorted()).toEqual([...Array(8).fill("ResourceExhausted"), "ok", "ok"]);
      const rooms = await Promise.all(Array.from({ length: 8 }, () => newStoredRoom(store, freshUser())));
      const joins = await Promise.all(rooms.map((room, i) => (i % 2 ? store : other).commit([add(room, ann)])));
      expect(joins.flatMap(codes).toSorted()).toEqual([...Array(6).fill("ResourceExhausted"), "ok", "ok"]);
    });

    test("[S6] who may not add learns nothing of a limit", async () => {
      const [ann, bob, cat] = [freshUser(), freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob, cat);
      const addedBy = (actorId: bigint) => change("addMember", { roomId, userId: freshUser(), actorId });
      expect(codes(await store.commit([addedBy(bob), addedBy(freshUser()), addedBy(ann)]))).toEqual([
        ...["PermissionDenied", "NotFound", "ResourceExhausted"],
      ]);
    });
  });

  describe("the bytes of an answer", () => {
    /** Of an answer; one room takes more than half of it. */
    const BYTES = 1_000;
    const LONG = "ü".repeat(300);
    const ann = freshUser();
    const others = Array.from({ length: 30 }, freshUser);
    let store: ChatStore;
    let narrow: ChatStore;
    let roomIds: bigint[];
    let before: Awaited<ReturnType<typeof endOf>>;
    beforeAll(async () => {
      store = parts().store;
      narrow = await parts().open({ ...LIMITS, pageBytes: BYTES, namedRoomsBytes: BYTES });
      before = await endOf(store);
      roomIds = [];
      for (const long of [inName, inData, inBody, inMessageData, inMentions, inReactions]) {
        for (let i = 0; i < 2; i++) roomIds.push(await long());
      }
    });

    async function newRoom(data?: JsonObject, name = ""): Promise<bigint> {
      const key = `bytes:${freshPost()}`;
      return (await store.ensureRoom({ key, userId: ann, name, data }, [ann])).room.id;
    }

    const inName = () => newRoom(undefined, LONG);
    const inData = () => newRoom({ long: LONG });
    const inBody = () => spoken({ body: LONG });
    const inMessageData = () => spoken({ body: "x", data: { long: LONG } });
    const inMentions = () => spoken({ body: "x", mentionedUserIds: others });

    async function spoken(message: { body: string; data?: JsonObject; mentionedUserIds?: bigint[] }): Promise<bigint> {
      const roomId = await newRoom();
      if (message.mentionedUserIds) await apply(store, "addMembers", { roomId, actorId: ann, userIds: others });
      await apply(store, "sendMessage", { roomId, userId: ann, ...message });
      return roomId;
    }

    async function inReactions(): Promise<bigint> {
      const roomId = await newRoom();
      const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: ann, body: "x" });
      for (let i = 10; i < 18; i++) {
        await apply(store, "setReaction", { roomId, userId: ann, messageId, emoji: `${i}`.repeat(30), on: true });
      }
      return roomId;
    }

    const idsOf = (rooms: readonly RoomSummary[]) => rooms.map(({ room }) => room!.id);
    const bytesOf = (rooms: readonly RoomSummary[]) => {
      return rooms.reduce((sum, room) => sum + textBytes(summaryText(room)), 0);
    };
    const bytesOfChange = ({ change }: PlacedChange) => {
      if (change.case === "message") return textBytes(textOf(change.value));
      return change.case === "room" ? textBytes(recordText(change.value)) : 0;
    };

    test("[P7] a page of ListRooms has no more, whatever is long in a room", async () => {
      const found: bigint[] = [];
      for (let pageToken = "", pages = 0; pages === 0 || pageToken !== ""; pages++) {
        const page = await narrow.listRooms(create(ListRoomsReqSchema, { userId: ann, limit: 100, pageToken }));
        expect(bytesOf(page.rooms)).toBeLessThanOrEqual(BYTES);
        found.push(...idsOf(page.rooms));
        pageToken = page.nextPageToken;
      }
      expect(found.toSorted()).toEqual(roomIds.toSorted());
    });

    test("[P7] an answer of GetRooms has no more, and says that there are others", async () => {
      const names = { ids: roomIds, keys: [] };
      for (const isByRight of [false, true]) {
        const ask = (ids: bigint[]) => {
          const [own, byRight] = isByRight ? [NONE, { ids, keys: [] }] : [{ ids, keys: [] }, NONE];
          return narrow.getRooms(isByRight ? 0n : ann, own, byRight);
        };
        const found: bigint[] = [];
        for (let hasMore = true; hasMore; ) {
          const answer = await ask(roomIds.filter((id) => !found.includes(id)));
          expect(bytesOf(answer.rooms)).toBeLessThanOrEqual(BYTES);
          expect(answer.rooms).not.toEqual([]);
          found.push(...idsOf(answer.rooms));
          hasMore = answer.hasMore;
        }
        expect(found).toEqual(roomIds);
      }
      expect(idsOf((await store.getRooms(ann, names, NONE)).rooms)).toEqual(roomIds);
    });

    test("[P7][S20] a page of a list that is followed has no more, whatever is long in a room", async () => {
      const found: bigint[] = [];
      let after = before.revision - 1n;
      for (let isWhole = false; !isWhole; ) {
        const [page] = await store.changedLists([{ userId: ann, after }], { changes: 100, bytes: BYTES });
        expect(bytesOf(page!.rooms)).toBeLessThanOrEqual(BYTES);
        found.push(...idsOf(page!.rooms));
        ({ revision: after, isWhole } = page!);
      }
      expect(found.toSorted()).toEqual(roomIds.toSorted());
    });

    test("[P7][S17] a page of the log of all rooms has no more, of records and messages together", async () => {
      const whole = await readChanges(store, before);
      const found: PlacedChange[] = [];
      for (let [place, isWhole] = [before, false]; !isWhole; ) {
        const page = await store.changes(place, { changes: 1_000, bytes: BYTES });
        expect(page.changes.reduce((sum, each) => sum + bytesOfChange(each), 0)).toBeLessThanOrEqual(BYTES);
        found.push(...page.changes);
        [place, isWhole] = [found.at(-1)!.place, page.isWhole];
      }
      expect(found).toEqual(whole);
    });

    test("[P7] a room that has more by itself is given alone", async () => {
      const roomId = await newRoom({ long: LONG.repeat(10) });
      expect(idsOf((await narrow.getRooms(ann, { ids: [roomId], keys: [] }, NONE)).rooms)).toEqual([roomId]);
      const { rooms } = await narrow.listRooms(create(ListRoomsReqSchema, { userId: ann, limit: 100 }));
      expect(idsOf(rooms)).toEqual([roomId]);
      await apply(store, "deleteRoom", { roomId, actorId: ann });
    });

    test("[P7] by default, rooms with the longest data take no more than LIMITS says", async () => {
      const [bob, data] = [freshUser(), { long: "x".repeat(8 * 1024 - 11) }];
      const ids: bigint[] = [];
      for (let i = 0; i < 20; i++) {
        const key = `bytes:${freshPost()}`;
        ids.push((await store.ensureRoom({ key, userId: bob, name: "", data }, [bob])).room.id);
      }
      const each = 8 * 1024;
      const named = await store.getRooms(bob, { ids, keys: [] }, NONE);
      expect(idsOf(named.rooms)).toEqual(ids.slice(0, LIMITS.namedRoomsBytes / each));
      expect(named.hasMore).toBe(true);
      const listed = await store.listRooms(create(ListRoomsReqSchema, { userId: bob, limit: 100 }));
      expect(bytesOf(listed.rooms)).toBe(LIMITS.pageBytes);
    });
  });
}

const NONE = { ids: [], keys: [] };
