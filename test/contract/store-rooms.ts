import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { GREAT_ID } from "../support/greatest-id.ts";
import { createReq, memberReq, messagesOf } from "../support/requests.ts";
import { SendStore } from "../support/send-store.ts";
import { alice, bob, last, send, sentLog, stranger } from "../support/sent-rooms.ts";
import { freshPost, newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

/** The rules of ChatStore for rooms and their members. */
export function roomsContract(parts: () => StoreParts): void {
  let store: SendStore;
  beforeAll(() => {
    store = new SendStore(parts().store);
  });

  const openAnother = async () => new SendStore(await parts().open());
  const newRoom = (creator = alice, ...others: bigint[]) => newStoredRoom(store.whole, creator, ...others);
  const log = (roomId: bigint, from = store) => sentLog(from, roomId);

  describe("heads", () => {
    test("gives the newest seq of the user's rooms, and only of those", async () => {
      const [busy, quiet, foreign] = [await newRoom(alice, bob), await newRoom(alice), await newRoom(bob)];
      await store.commit([send(busy, "x"), send(busy, "x"), send(foreign, "x", bob)]);
      const rooms = [busy, quiet, foreign, last];
      expect(await store.heads(alice, rooms)).toEqual(
        new Map([
          [busy, 2n],
          [quiet, 0n],
        ]),
      );
      expect(await store.heads(bob, rooms)).toEqual(
        new Map([
          [busy, 2n],
          [foreign, 1n],
        ]),
      );
      expect(await store.heads(bob, [foreign])).toEqual(new Map([[foreign, 1n]]));
      expect(await store.heads(stranger, rooms)).toEqual(new Map());
      expect(await store.heads(alice, [])).toEqual(new Map());
    });
  });

  describe("rooms and members", () => {
    test("[S5] a room appears with its creator as a member", async () => {
      const before = Date.now();
      const postId = freshPost();
      const room = await store.createRoom(createReq(postId, alice));
      expect(room.postId).toBe(postId);
      expect(timestampMs(room.createdAt!)).toBeGreaterThanOrEqual(before);
      expect(timestampMs(room.createdAt!)).toBeLessThanOrEqual(Date.now());
      expect(room.updatedAt).toEqual(room.createdAt);
      expect(await store.heads(alice, [room.id])).toEqual(new Map([[room.id, 0n]]));
    });

    test("[S5] a post has one room; who comes second doesn't become a member of it", async () => {
      const postId = freshPost();
      const { id } = await store.createRoom(createReq(postId, alice));
      await rejects(store.createRoom(createReq(postId, bob)), Code.AlreadyExists);
      await rejects(store.createRoom(createReq(postId, alice)), Code.AlreadyExists);
      expect(await store.heads(bob, [id])).toEqual(new Map());
    });

    test("[S5] of many that open a post's room at once, one does", async () => {
      const postId = freshPost();
      await using other = await openAnother();
      const users = Array.from({ length: 12 }, (_, i) => BigInt(i + 1));
      const answers = await Promise.allSettled(
        users.map((userId, i) => (i % 2 ? store : other).createRoom(createReq(postId, userId))),
      );
      const rooms = answers.flatMap((a) => (a.status === "fulfilled" ? [a.value.id] : []));
      expect(rooms).toHaveLength(1);
      for (const a of answers) {
        if (a.status === "rejected") expect(ConnectError.from(a.reason).code).toBe(Code.AlreadyExists);
      }
      const members = await Promise.all(users.map(async (userId) => (await store.heads(userId, rooms)).size));
      expect(members).toEqual(answers.map((a) => (a.status === "fulfilled" ? 1 : 0)));
    });

    test("[S5] a membership exists once", async () => {
      const room = await newRoom(alice);
      const member = await store.addMember(memberReq(room, bob));
      expect(member).toMatchObject({ roomId: room, userId: bob, updatedAt: member.createdAt });
      await rejects(store.addMember(memberReq(room, bob)), Code.AlreadyExists);
      await rejects(store.addMember(memberReq(room, alice)), Code.AlreadyExists);
      const answers = await Promise.allSettled(
        Array.from({ length: 8 }, () => store.addMember(memberReq(room, stranger))),
      );
      expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    test("[S5] nobody becomes a member of a room that doesn't exist", async () => {
      await rejects(store.addMember(memberReq(last, alice)), Code.NotFound);
    });

    test("ids up to the greatest are kept", async () => {
      const postId = last - BigInt(Date.now());
      const room = await store.createRoom(createReq(postId, last));
      await rejects(store.createRoom(createReq(postId, last)), Code.AlreadyExists);
      expect(room.id).toBeGreaterThan(GREAT_ID);
      const [message] = messagesOf(await store.commit([send(room.id, "x", last)]));
      expect(message!.id).toBeGreaterThan(GREAT_ID);
      expect(await log(room.id)).toEqual([message]);
      expect((await store.addMember(memberReq(room.id, last - 1n))).userId).toBe(last - 1n);
    });
  });
}

async function rejects(call: Promise<unknown>, code: Code): Promise<void> {
  const reason = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(reason).toBeInstanceOf(ConnectError);
  expect(Code[(reason as ConnectError).code]).toBe(Code[code]);
}
