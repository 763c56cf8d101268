import { describe, expect, test } from "vitest";
import type { ListCursor, RoomSummary } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { newRoom } from "../../support/rooms.ts";
import { TestEvents } from "../../support/test-stream.ts";

export function liveList(client: () => ChatClient): void {
  /** A stream of a user's list, and of rooms, in which everything is told at once on every runtime. */
  const follow = async (userId: bigint, listAfter?: ListCursor, roomIds: bigint[] = []) => {
    const from = listAfter && { listAfter };
    const stream = new TestEvents(client(), { userId, roomIds, followList: true, heartbeatSeconds: 1, ...from });
    await stream.live;
    return stream;
  };

  async function listed(userId: bigint): Promise<{ rooms: Map<bigint, RoomSummary>; list: ListCursor }> {
    const rooms = new Map<bigint, RoomSummary>();
    let first: ListCursor | undefined;
    let pageToken = "";
    do {
      const page = await client().listRooms({ userId, pageToken, limit: 100 });
      for (const summary of page.rooms) rooms.set(summary.room!.id, summary);
      first ??= page.list;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return { rooms, list: first! };
  }

  describe("[T7] a stream of the list", () => {
    test("begins now, and tells of rooms that are followed at once: what is unread, read on another device, edited", async () => {
      const bob = freshId();
      const { roomId, asOwner, send } = await newRoom(client(), bob);
      await using stream = await follow(bob, undefined, [roomId]);
      const sent = await send("one");
      await stream.untilListed(roomId, (summary) => summary?.unreadCount === 1 && summary.lastMessage?.id === sent.id);
      await send("two");
      await stream.untilListed(roomId, (summary) => summary?.unreadCount === 2);
      await client().markRead({ roomId, userId: bob, messageId: sent.id });
      await stream.untilListed(roomId, (summary) => summary?.readMessageId === sent.id && summary.unreadCount === 1);
      await client().markRead({ roomId, userId: bob, messageId: 0n, mayMoveBack: true });
      await stream.untilListed(roomId, (summary) => summary?.readMessageId === 0n && summary.unreadCount === 2);
      const edited = await client().editMessage({ ...asOwner, messageId: sent.id, body: "uno" });
      await client().deleteMessage({ ...asOwner, messageId: sent.id });
      await stream.untilListed(roomId, (summary) => summary?.unreadCount === 1);
      expect(edited.body).toBe("uno");
      expect(stream.list().get(roomId)).toEqual((await listed(bob)).rooms.get(roomId));
    });

    test("has rooms that the user is added to later, and loses those that the user leaves", {
      timeout: 120_000,
    }, async () => {
      const bob = freshId();
      await using stream = await follow(bob);
      const { roomId, send } = await newRoom(client());
      await send("before bob");
      const member = await client().addMember({ roomId, userId: bob });
      await stream.untilListed(roomId, (summary) => summary !== undefined);
      expect(stream.list().get(roomId)).toMatchObject({ unreadCount: 0, member });
      const sent = await send("for bob");
      await stream.untilListed(roomId, (summary) => summary?.unreadCount === 1);
      expect(stream.list().get(roomId)!.lastMessage).toEqual(sent);
      await client().removeMember({ roomId, userId: bob, actorId: bob });
      await stream.untilListed(roomId, (summary) => summary === undefined);
      expect(stream.all("roomLeft")).toMatchObject([{ roomId }]);
    });

    test("from the cursor of ListRooms, or of a stream, tells what changed since, and ends with the list as it is", async () => {
      const [bob, one, two, three] = [
        freshId(),
        await newRoom(client()),
        await newRoom(client()),
        await newRoom(client()),
      ];
      for (const { roomId } of [one, two, three]) await client().addMember({ roomId, userId: bob });
      const { list, rooms } = await listed(bob);
      await one.send("while bob is away");
      await client().removeMember({ roomId: two.roomId, userId: bob, actorId: bob });
      const four = await newRoom(client(), bob);
      let cursor: ListCursor;
      {
        await using stream = await follow(bob, list);
        const [first] = await stream.takeOf("caughtUp", 1);
        expect(first!.list).toEqual(list);
        const [, caughtUp] = await stream.takeOf("caughtUp", 2);
        expect(new Set(stream.all("roomChanged").map(({ room }) => room!.id))).toEqual(
          new Set([one.roomId, four.roomId]),
        );
        expect(stream.all("roomLeft")).toMatchObject([{ roomId: two.roomId }]);
        expect(stream.list(rooms)).toEqual((await listed(bob)).rooms);
        cursor = caughtUp!.list!;
        const heartbeat = await stream.takeOf("heartbeat", 1);
        expect(heartbeat[0]!.list).toEqual(cursor);
      }
      await using idle = await follow(bob, cursor);
      await idle.takeOf("heartbeat", 1);
      expect([idle.all("roomChanged"), idle.all("roomLeft")]).toEqual([[], []]);
    });

    test("from the beginning has all rooms, however many", async () => {
      const bob = freshId();
      const { roomId } = await newRoom(client(), bob);
      for (let i = 0; i < 6; i++) await Promise.all(Array.from({ length: 20 }, () => newRoom(client(), bob)));
      const { list, rooms } = await listed(bob);
      expect(rooms.size).toBe(121);
      await using stream = await follow(bob, { ...list, revision: 0n, epoch: "" }, [roomId]);
      await stream.takeOf("caughtUp", 2);
      expect(stream.list()).toEqual(rooms);
    });

    test("from a cursor of another epoch, or beyond the newest revision, is reset, and starts at the beginning", async () => {
      const bob = freshId();
      const { roomId } = await newRoom(client(), bob);
      const { list, rooms } = await listed(bob);
      for (const from of [
        { ...list, epoch: "another" },
        { ...list, revision: 2n ** 52n },
      ]) {
        await using stream = await follow(bob, from, [roomId]);
        await stream.takeOf("caughtUp", 2);
        expect(stream.all("reset")).toMatchObject([{ roomId: 0n }]);
        expect(stream.list()).toEqual(rooms);
      }
    });

    test("says to whom it belongs, and is no stream without rooms otherwise", async () => {
      const refusal = async (request: Parameters<ChatClient["streamEvents"]>[0]) => {
        await using stream = new TestEvents(client(), request);
        return (await stream.ended)!.rawMessage;
      };
      expect(await refusal({ userId: freshId() })).toBe("room_ids: name a room, or set follow_list");
      expect(await refusal({ followList: true })).toContain("user_id");
    });
  });
}
