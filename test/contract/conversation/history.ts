import { describe, expect, test } from "vitest";
import type { ListMessagesReq } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { bodies, codeOf, errorOf, newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

type Position = ListMessagesReq["position"];

export function history(client: () => ChatClient): void {
  describe("GetRoom", () => {
    test("finds a room by its id and by its post's", async () => {
      const { room, roomId, owner } = await newRoom(client());
      expect(room.ownerId).toBe(owner);
      expect(await client().getRoom({ room: { case: "roomId", value: roomId }, userId: owner })).toEqual(room);
      expect(await client().getRoom({ room: { case: "postId", value: room.postId }, userId: owner })).toEqual(room);
    });

    test("[P5] tells an unknown room and a foreign room not apart", async () => {
      const { room } = await newRoom(client());
      const [unknown, userId] = [freshId(), freshId()];
      for (const [by, value] of [
        ["roomId", room.id],
        ["postId", room.postId],
      ] as const) {
        const foreign = await errorOf(client().getRoom({ room: { case: by, value }, userId }));
        const missing = await errorOf(client().getRoom({ room: { case: by, value: unknown }, userId }));
        expect(foreign.code).toBe("NotFound");
        expect(missing).toEqual({ code: "NotFound", message: foreign.message.replace(`${value}`, `${unknown}`) });
      }
    });
  });

  describe("ListMessages", () => {
    test("has pages before, after and around a message, or of the newest, and says what lies on either side", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const ids = [0n];
      for (const body of ["1", "2", "3", "4", "5", "6", "7"]) ids.push((await send(body)).id);
      const page = async (limit: number, position?: Position["case"], message = 0) => {
        const at = position && ({ case: position, value: ids[message]! } as Position);
        const res = await client().listMessages({ roomId, userId: owner, limit, ...(at && { position: at }) });
        return `${res.hasEarlier ? "… " : ""}${bodies(res.messages).join(" ")}${res.hasLater ? " …" : ""}`;
      };
      expect(await page(3)).toBe("… 5 6 7");
      expect(await page(7)).toBe("1 2 3 4 5 6 7");
      expect(await page(0)).toBe("1 2 3 4 5 6 7");
      expect(await page(2, "beforeId", 5)).toBe("… 3 4 …");
      expect(await page(2, "beforeId", 3)).toBe("1 2 …");
      expect(await page(9, "beforeId", 3)).toBe("1 2 …");
      expect(await page(2, "beforeId", 1)).toBe(" …");
      expect(await page(2, "afterId", 0)).toBe("1 2 …");
      expect(await page(2, "afterId", 3)).toBe("… 4 5 …");
      expect(await page(2, "afterId", 5)).toBe("… 6 7");
      expect(await page(2, "afterId", 7)).toBe("… ");
      expect(await page(1, "aroundId", 4)).toBe("… 4 …");
      expect(await page(3, "aroundId", 4)).toBe("… 3 4 5 …");
      expect(await page(4, "aroundId", 4)).toBe("… 2 3 4 5 …");
      expect(await page(7, "aroundId", 4)).toBe("1 2 3 4 5 6 7");
      expect(await page(3, "aroundId", 1)).toBe("1 2 …");
      expect(await page(3, "aroundId", 7)).toBe("… 6 7");
    });

    test("an empty room has an empty page", async () => {
      const { roomId, owner } = await newRoom(client());
      const page = await client().listMessages({ roomId, userId: owner });
      expect(page).toMatchObject({
        messages: [],
        hasEarlier: false,
        hasLater: false,
        head: { seq: 0n, memberSeq: 1n },
      });
    });

    test("a page before or after is of this room, wherever the id is from; one around needs a message of it", async () => {
      const [here, elsewhere] = [await newRoom(client()), await newRoom(client())];
      await here.send("before");
      const foreign = await elsewhere.send("foreign");
      await here.send("after");
      const at = (position: Position) => client().listMessages({ roomId: here.roomId, userId: here.owner, position });
      expect(bodies((await at({ case: "beforeId", value: foreign.id })).messages)).toEqual(["before"]);
      expect(bodies((await at({ case: "afterId", value: foreign.id })).messages)).toEqual(["after"]);
      expect(await codeOf(at({ case: "aroundId", value: foreign.id }))).toBe("NotFound");
      for (const value of [2n ** 62n, 2n ** 63n - 1n]) {
        expect(bodies((await at({ case: "beforeId", value })).messages)).toEqual(["before", "after"]);
        expect(await at({ case: "afterId", value })).toMatchObject({ messages: [], hasEarlier: true, hasLater: false });
        expect(await codeOf(at({ case: "aroundId", value }))).toBe("NotFound");
      }
    });

    test("[P7] a page has 50 messages, or up to 200 if asked; pages either way have each message once", async () => {
      const { roomId, owner, sendMany } = await newRoom(client());
      await sendMany(205);
      const list = (limit: number, position: Position) =>
        client().listMessages({ roomId, userId: owner, limit, position });
      const newest = await list(200, { case: undefined });
      expect(newest).toMatchObject({ hasEarlier: true, hasLater: false });
      expect(newest.messages).toHaveLength(200);
      const oldest = await list(0, { case: "beforeId", value: newest.messages[0]!.id });
      expect(oldest).toMatchObject({ hasEarlier: false, hasLater: true });
      const all = [...oldest.messages, ...newest.messages];
      expect(all.map(({ seq }) => seq).sort((a, b) => Number(a - b))).toEqual(all.map((_, i) => BigInt(i) + 1n));
      expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort((a, b) => Number(a - b)));

      const forwards = [];
      for (let [after, hasLater] = [0n, true]; hasLater; after = forwards.at(-1)!.id) {
        const page = await list(0, { case: "afterId", value: after });
        expect(page.messages.length).toBe(Math.min(50, 205 - forwards.length));
        forwards.push(...page.messages);
        hasLater = page.hasLater;
      }
      expect(forwards).toEqual(all);
    });

    test("[P7] a page of long texts ends early, and the next one goes on", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const all = [];
      for (let i = 0; i < 5; i++) all.push(await send(`${i}`.padEnd(8_000, "é")));
      const list = (position: Position) => client().listMessages({ roomId, userId: owner, position });
      const newest = await list({ case: undefined });
      expect(newest).toMatchObject({ messages: all.slice(-2), hasEarlier: true, hasLater: false });
      const rest = await list({ case: "beforeId", value: newest.messages[0]!.id });
      expect(rest).toMatchObject({ messages: all.slice(1, 3), hasEarlier: true, hasLater: true });
    });

    test("messages keep the order of their creation, in their latest state, tombstones among them", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const [first, second, third] = [await send("first"), await send("second"), await send("third")];
      const edited = await client().editMessage({ roomId, messageId: first.id, userId: owner, body: "1st" });
      const deleted = await client().deleteMessage({ roomId, messageId: second.id, userId: owner });
      const page = await client().listMessages({ roomId, userId: owner });
      expect(page.messages).toEqual([edited, deleted, third]);
      expect(page.head).toMatchObject({ seq: 5n, memberSeq: 1n });
    });

    test("[P3] a stream from a page's head misses nothing", async () => {
      const reader = freshId();
      const { roomId, owner, send } = await newRoom(client(), reader);
      const first = await send("first");
      const { head } = await client().listMessages({ roomId, userId: reader });
      const second = await send("second");
      const edited = await client().editMessage({ roomId, messageId: first.id, userId: owner, body: "1st" });
      await client().markRead({ roomId, userId: owner, messageId: second.id });
      const at = { roomIds: [roomId], userId: reader };
      await using feed = new TestEvents(client(), { ...at, after: { [`${roomId}`]: head! } });
      await using stream = new TestStream(client(), { ...at, afterSeq: { [`${roomId}`]: head!.seq } });
      const third = await send("third");
      expect(await stream.take(3)).toEqual([second, edited, third]);
      expect(await feed.takeOf("message", 3)).toEqual([second, edited, third]);
      await feed.untilRead(roomId, owner, second.id);
    });

    test("[P5] is for members, the whole log", async () => {
      const { roomId, send } = await newRoom(client());
      await send("before");
      const userId = freshId();
      expect(await codeOf(client().listMessages({ roomId, userId }))).toBe("NotFound");
      expect(await codeOf(client().listMessages({ roomId: freshId(), userId }))).toBe("NotFound");
      await client().addMember({ roomId, userId });
      expect(bodies((await client().listMessages({ roomId, userId })).messages)).toEqual(["before"]);
    });
  });
}
