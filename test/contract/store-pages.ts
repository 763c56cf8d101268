import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ListMessagesReq,
  ListMessagesReqSchema,
  type ListMessagesRes,
  ListRoomsReqSchema,
  type ListRoomsRes,
  type Message,
  type RoomSummary,
} from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore, PageSize, Position } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { fitting, summaryText, textBytes } from "../support/room-logs.ts";
import { newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = GREAT_ID + 3_001n;
/** Where all changes of the one member are known. */
const FROM_START = { seq: 0n, memberSeq: 1n };

/** Characters of one to six bytes in JSON. */
const TEXTS = ["plain", `"\\/`, "\b\f\n\r\t", "\u0001\u001f\u007f", "ä€😀\u2028\ufeff", "null", "x".repeat(60), "."];

const PAGE_BYTES = 100;
/** Short ones and long ones, and some that have more than a page. */
const BODIES = Array.from({ length: 40 }, (_, i) => {
  return i % 9 === 8 ? `${i}`.padEnd(PAGE_BYTES + i, "€") : `${i}`.padEnd((i * 7) % 50, "\u0001x");
});

const textOf = ({ body }: Message) => body;
const bytesOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + textBytes(text), 0);

/** The rules of ChatStore for the bytes of what it gives at a time. */
export function pagesContract(parts: () => StoreParts): void {
  let store: ChatStore;
  let narrow: ChatStore;
  beforeAll(async () => {
    store = parts().store;
    narrow = await parts().open({ ...LIMITS, pageBytes: PAGE_BYTES });
  });
  afterAll(() => narrow?.[Symbol.asyncDispose]());

  async function newRoom(bodies: readonly string[], ...others: bigint[]): Promise<bigint> {
    const roomId = await newStoredRoom(store, ann, ...others);
    await store.commit(bodies.map((body) => change("sendMessage", { roomId, userId: ann, body })));
    return roomId;
  }

  describe("readLogs, by bytes", () => {
    async function page(roomId: bigint, size: Partial<PageSize>, after: Position = FROM_START) {
      const { news, head } = await readLog(store, roomId, after, size);
      return { messages: news.messages, head };
    }

    test("[S3] gives the messages whose texts fit, to the byte, and the first in any case", async () => {
      const roomId = await newRoom(TEXTS);
      const { messages } = await page(roomId, {});
      expect(messages.map(textOf)).toEqual(TEXTS);
      for (const i of TEXTS.keys()) {
        const bytes = bytesOf(TEXTS.slice(0, i + 1));
        expect((await page(roomId, { bytes })).messages).toEqual(messages.slice(0, i + 1));
        expect((await page(roomId, { bytes: bytes - 1 })).messages).toEqual(messages.slice(0, Math.max(1, i)));
      }
      expect((await page(roomId, { changes: 2 })).messages).toEqual(messages.slice(0, 2));
    });

    test("[S3] counts messages as they are now, and no others than those after the cursor", async () => {
      const roomId = await newRoom(["x".repeat(50), "y".repeat(50), "z"]);
      const { messages, head } = await page(roomId, {});
      const long = messages[0]!;
      const fits = async (bytes: number) => (await page(roomId, { bytes }, head)).messages;
      const edited = await apply(store, "editMessage", { roomId, messageId: long.id, userId: ann, body: "12345" });
      expect(await fits(5)).toEqual([edited]);
      const other = { roomId, messageId: messages[1]!.id, userId: ann };
      const editedToo = await apply(store, "editMessage", { ...other, body: "é" });
      expect(await fits(6)).toEqual([edited]);
      expect(await fits(7)).toEqual([edited, editedToo]);
      const deleted = await apply(store, "deleteMessage", other);
      expect(await fits(5)).toEqual([edited, deleted]);
    });

    test("[S3] read page by page, gives each message once, also those that have more than a page", async () => {
      const roomId = await newRoom(BODIES);
      const whole = await page(roomId, {});
      const read: Message[] = [];
      let reads = 0;
      for (let seq = 0n; seq < whole.head.seq; seq = read.at(-1)!.seq) {
        const { messages, head } = await page(roomId, { bytes: PAGE_BYTES, changes: 5 }, { seq, memberSeq: 1n });
        expect(head).toEqual(whole.head);
        const rest = whole.messages.slice(read.length, read.length + 5);
        expect(messages).toEqual(fitting(rest, PAGE_BYTES, textOf));
        read.push(...messages);
        reads++;
      }
      expect(read).toEqual(whole.messages);
      expect(reads).toBeGreaterThan(BODIES.length / 5);
    });

    test("[S3] each place has the bytes for itself; read on while behind, they give everything once", async () => {
      const bodies = [BODIES.slice(0, 20), [], BODIES.slice(20), ["short"], ["x".repeat(2 * PAGE_BYTES), "y"]];
      const rooms = await Promise.all(bodies.map((each) => newRoom(each)));
      const read = new Map(rooms.map((roomId) => [roomId, [] as Message[]]));
      let behind = rooms;
      for (let reads = 0; behind.length > 0; reads++) {
        expect(reads).toBeLessThan(BODIES.length);
        const places = behind.map((roomId) => {
          return { roomId, after: { seq: read.get(roomId)!.at(-1)?.seq ?? 0n, memberSeq: 1n } };
        });
        const pages = await store.readLogs(places, { changes: 3, bytes: PAGE_BYTES });
        behind = behind.filter((roomId, i) => {
          const [{ news, head }, known] = [pages[i]!, read.get(roomId)!];
          const rest = bodies[rooms.indexOf(roomId)]!.slice(known.length).slice(0, 3);
          expect(news.messages.map(textOf)).toEqual(fitting(rest, PAGE_BYTES, (text) => text));
          known.push(...news.messages);
          return BigInt(known.length) < head.seq;
        });
      }
      for (const [i, roomId] of rooms.entries()) expect(read.get(roomId)!.map(textOf)).toEqual(bodies[i]);
    });
  });

  describe("ListMessages, by bytes", () => {
    let roomId: bigint;
    let all: Message[];
    beforeAll(async () => {
      roomId = await newRoom(BODIES);
      all = (await list(store, { limit: 200 })).messages;
      expect(all.map(textOf)).toEqual(BODIES);
    });

    function list(
      from: ChatStore,
      { limit = 200, position }: { limit?: number; position?: ListMessagesReq["position"] },
    ): Promise<ListMessagesRes> {
      const at = position && { position };
      return from.listMessages(create(ListMessagesReqSchema, { roomId, userId: ann, limit, ...at }));
    }

    /** Those around a point that fit: so many before it, so many from it on. */
    function expected(point: number, before: Message[], after: Message[]) {
      const messages = [...before.toReversed(), ...after];
      return { messages, hasEarlier: point > before.length, hasLater: point + after.length < all.length };
    }

    const earlier = (point: number, limit: number, bytes = PAGE_BYTES) =>
      fitting(all.slice(Math.max(0, point - limit), point).reverse(), bytes, textOf);
    const later = (point: number, limit: number, bytes = PAGE_BYTES) =>
      fitting(all.slice(point, point + limit), bytes, textOf);

    test.each([1, 2, 3, 200])("[P7] a page of at most %i ends early on either side, and says so", async (limit) => {
      const newest = expected(all.length, earlier(all.length, limit), []);
      expect(await list(narrow, { limit })).toMatchObject(newest);
      for (const [i, { id: value }] of all.entries()) {
        const before = expected(i, earlier(i, limit), []);
        expect(await list(narrow, { limit, position: { case: "beforeId", value } })).toMatchObject(before);
        const after = expected(i + 1, [], later(i + 1, limit));
        expect(await list(narrow, { limit, position: { case: "afterId", value } })).toMatchObject(after);
      }
      const oldest = expected(0, [], later(0, limit));
      expect(await list(narrow, { limit, position: { case: "afterId", value: 0n } })).toMatchObject(oldest);
    });

    test.each([1, 2, 3, 6, 200])("[P7] a page of at most %i around a message has it in any case", async (limit) => {
      for (const [i, { id: value }] of all.entries()) {
        const page = await list(narrow, { limit, position: { case: "aroundId", value } });
        const share = limit === 1 ? PAGE_BYTES : PAGE_BYTES / 2;
        const before = earlier(i, Math.floor(limit / 2), share);
        const after = later(i, Math.ceil(limit / 2), share);
        expect(page).toMatchObject(expected(i, before, after));
        expect(page.messages).toContainEqual(all[i]);
        if (before.length > 1 && after.length > 1) {
          expect(bytesOf(page.messages.map(textOf))).toBeLessThanOrEqual(PAGE_BYTES);
        }
      }
    });

    test("[P7] walking from page to page, either way and from the middle, finds every message once", async () => {
      const backwards = async (from: ListMessagesRes) => {
        const found = [...from.messages];
        for (let page = from; page.hasEarlier; found.unshift(...page.messages)) {
          page = await list(narrow, { position: { case: "beforeId", value: found[0]!.id } });
          expect(page).toMatchObject({ hasLater: true });
        }
        return found;
      };
      const forwards = async (from: ListMessagesRes) => {
        const found = [...from.messages];
        for (let page = from; page.hasLater; found.push(...page.messages)) {
          page = await list(narrow, { position: { case: "afterId", value: found.at(-1)!.id } });
          expect(page).toMatchObject({ hasEarlier: true });
        }
        return found;
      };
      expect(await backwards(await list(narrow, {}))).toEqual(all);
      expect(await forwards(await list(narrow, { position: { case: "afterId", value: 0n } }))).toEqual(all);
      for (const i of [0, 8, 20, all.length - 1]) {
        const middle = await list(narrow, { position: { case: "aroundId", value: all[i]!.id } });
        const [before, after] = [await backwards(middle), await forwards(middle)];
        expect([...before, ...after.slice(middle.messages.length)]).toEqual(all);
      }
    });

    test("[P7] by default, a page has as many of the longest texts as LIMITS.pageBytes takes", async () => {
      const body = "\u0001".repeat(8_000);
      const crowded = await newRoom(Array<string>(20).fill(body));
      const request = create(ListMessagesReqSchema, { roomId: crowded, userId: ann });
      const { messages, hasEarlier } = await store.listMessages(request);
      expect(messages).toHaveLength(Math.floor(LIMITS.pageBytes / textBytes(body)));
      expect(hasEarlier).toBe(true);
    });
  });

  describe("ListRooms, by bytes", () => {
    const userId = GREAT_ID + 3_003n;
    let all: RoomSummary[];
    beforeAll(async () => {
      // In an order of their own, and two without a message.
      for (const i of [8, 3, 1, 17, 26, 5, 2, 4, 12]) await newRoom(["older", BODIES[i]!], userId);
      for (let i = 0; i < 2; i++) await newRoom([], userId);
      const whole = await list(store);
      all = whole.rooms;
      expect(all).toHaveLength(11);
      expect(whole.nextPageToken).toBe("");
    });

    function list(from: ChatStore, pageToken = "", limit = 100): Promise<ListRoomsRes> {
      return from.listRooms(create(ListRoomsReqSchema, { userId, pageToken, limit }));
    }

    test.each([1, 2, 3, 100])("[P7] pages of at most %i end early, and their tokens continue", async (limit) => {
      const found: RoomSummary[] = [];
      let pages = 0;
      for (let pageToken = ""; pages === 0 || pageToken !== ""; pages++) {
        const page = await list(narrow, pageToken, limit);
        const rest = all.slice(found.length, found.length + limit);
        expect(page.rooms).toEqual(fitting(rest, PAGE_BYTES, summaryText));
        found.push(...page.rooms);
        pageToken = page.nextPageToken;
      }
      expect(found).toEqual(all);
      expect(pages).toBeGreaterThan(3);
    });

    test("[P7] a page that ended early goes on in the same order, whatever is sent meanwhile", async () => {
      const first = await list(narrow);
      expect(first.rooms.length).toBeLessThan(all.length);
      const found = first.rooms.map(({ room }) => room!.id);
      for (let { nextPageToken } = first; nextPageToken !== ""; ) {
        await apply(store, "sendMessage", { roomId: all.at(-1)!.room!.id, userId, body: "x".repeat(PAGE_BYTES) });
        const page = await list(narrow, nextPageToken);
        found.push(...page.rooms.map(({ room }) => room!.id));
        nextPageToken = page.nextPageToken;
      }
      expect(found).toEqual(all.map(({ room }) => room!.id));
    });
  });
}
