import { describe, expect, test } from "vitest";
import type { RoomSummary } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";

export function roomList(client: () => ChatClient): void {
  /** Rooms of others with the user as a member, a message in each, in this order. */
  async function newRooms(userId: bigint, count: number) {
    const rooms = [];
    for (let i = 0; i < count; i++) rooms.push(await newRoom(client(), userId));
    for (const { send } of rooms) await send("hello");
    return rooms;
  }
  const idsOf = (rooms: readonly RoomSummary[]) => rooms.map(({ room }) => room!.id);

  /** All pages of a listing; `between` happens before each page but the first. */
  async function listAll(userId: bigint, limit: number, between?: () => Promise<unknown>): Promise<RoomSummary[]> {
    const all = [];
    for (let pageToken = ""; ; ) {
      const page = await client().listRooms({ userId, limit, pageToken });
      expect(page.rooms.length).toBeLessThanOrEqual(limit);
      all.push(...page.rooms);
      if (page.nextPageToken === "") return all;
      pageToken = page.nextPageToken;
      await between?.();
    }
  }

  describe("ListRooms", () => {
    test("shows of each room its last message, its head, and what is unread", async () => {
      const bob = freshId();
      const [one, two] = await newRooms(bob, 2);
      const last = await two!.send("and more");
      expect((await client().listRooms({ userId: bob })).rooms).toMatchObject([
        {
          room: await client().getRoom({ room: { case: "roomId", value: two!.roomId }, userId: bob }),
          lastMessage: last,
          head: { seq: 2n, memberSeq: 2n },
          readMessageId: 0n,
          unreadCount: 2,
        },
        { room: { id: one!.roomId }, lastMessage: { body: "hello" }, head: { seq: 1n, memberSeq: 2n }, unreadCount: 1 },
      ]);
      expect(await client().listRooms({ userId: freshId() })).toMatchObject({ rooms: [], nextPageToken: "" });
    });

    test("has the room with the newest message first; edits and deletions are no newer message", async () => {
      const bob = freshId();
      const [one, two, three] = await newRooms(bob, 3);
      const list = async () => idsOf((await client().listRooms({ userId: bob })).rooms);
      expect(await list()).toEqual([three!.roomId, two!.roomId, one!.roomId]);
      const own = await client().sendMessage({ roomId: one!.roomId, userId: bob, body: "my own counts, too" });
      expect(await list()).toEqual([one!.roomId, three!.roomId, two!.roomId]);
      const { messages } = await client().listMessages({ roomId: two!.roomId, userId: bob });
      const change = { roomId: two!.roomId, messageId: messages[0]!.id, userId: two!.owner };
      await client().editMessage({ ...change, body: "edited" });
      const deleted = await client().deleteMessage({ roomId: one!.roomId, messageId: own.id, userId: bob });
      expect(await list()).toEqual([one!.roomId, three!.roomId, two!.roomId]);
      expect((await client().listRooms({ userId: bob })).rooms[0]!.lastMessage).toEqual(deleted);
    });

    test("a room without messages counts from when the user was added", async () => {
      const bob = freshId();
      const [one, two] = await newRooms(bob, 2);
      const empty = await newRoom(client(), bob);
      const { rooms } = await client().listRooms({ userId: bob });
      expect(idsOf(rooms)).toEqual([empty.roomId, two!.roomId, one!.roomId]);
      expect(rooms[0]).toMatchObject({ head: { seq: 0n, memberSeq: 2n }, readMessageId: 0n, unreadCount: 0 });
      expect(rooms[0]!.lastMessage).toBeUndefined();
      await one!.send("newer");
      expect(idsOf((await client().listRooms({ userId: bob })).rooms)).toEqual([
        one!.roomId,
        empty.roomId,
        two!.roomId,
      ]);
    });

    test("has the rooms the user is a member of, and no others", async () => {
      const bob = freshId();
      const [one, two] = await newRooms(bob, 2);
      await client().removeMember({ roomId: two!.roomId, userId: bob, actorId: bob });
      await two!.send("not for bob");
      expect(idsOf((await client().listRooms({ userId: bob })).rooms)).toEqual([one!.roomId]);
      await client().addMember({ roomId: two!.roomId, userId: bob });
      expect(await listAll(bob, 10)).toMatchObject([{ room: { id: two!.roomId }, unreadCount: 0 }, { unreadCount: 1 }]);
    });

    test("pages have every room once, also those without a message", async () => {
      const bob = freshId();
      const rooms = await Promise.all(Array.from({ length: 5 }, () => newRoom(client(), bob)));
      for (const limit of [1, 2, 5]) {
        expect(new Set(idsOf(await listAll(bob, limit)))).toEqual(new Set(rooms.map(({ roomId }) => roomId)));
        expect(await listAll(bob, limit)).toHaveLength(5);
      }
    });

    test("pages have every room once, in the order of the first page, while messages arrive", async () => {
      const bob = freshId();
      const rooms = await newRooms(bob, 7);
      const newestFirst = rooms.map(({ roomId }) => roomId).reverse();
      const listed = await listAll(bob, 2, async () => {
        await rooms[6]!.send("to one that was listed");
        await rooms[1]!.send("to one that comes later");
        await rooms[0]!.send("to the last one");
        const added = await newRoom(client(), bob);
        await added.send("and to one that is new");
      });
      expect(idsOf(listed)).toEqual(newestFirst);
      expect(listed.at(-1)).toMatchObject({
        lastMessage: { body: "to the last one" },
        head: { seq: 4n },
        unreadCount: 4,
      });
    });

    test("[P7] a page has 50 rooms, or up to 100 if asked", async () => {
      const userId = freshId();
      await Promise.all(Array.from({ length: 51 }, () => client().createChatRoom({ postId: freshId(), userId })));
      const page = await client().listRooms({ userId });
      expect(page.rooms).toHaveLength(50);
      expect((await client().listRooms({ userId, pageToken: page.nextPageToken })).rooms).toHaveLength(1);
      expect(await client().listRooms({ userId, limit: 100 })).toMatchObject({ nextPageToken: "" });
    });

    test("refuses page tokens that are not of a listing", async () => {
      for (const pageToken of ["x", "1", "1.2", "1.2.3.4", "-1.2.3", "1.2.3 ", `${"9".repeat(19)}.1.1`]) {
        expect(await codeOf(client().listRooms({ userId: freshId(), pageToken }))).toBe("InvalidArgument");
      }
    });
  });
}
