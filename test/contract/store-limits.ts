import { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { createReq } from "../support/requests.ts";
import { freshPost, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

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
}
