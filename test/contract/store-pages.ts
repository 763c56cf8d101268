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
import type { ChatStore, LogPage, PageSize, Position, Reader } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { lastText } from "../support/model.ts";
import { fitting, textBytes } from "../support/room-logs.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = 2n ** 55n + 1n;
const bob = 2n ** 55n + 2n;
const beginning = { seq: 0n, memberSeq: 0n };

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
    async function reader(roomId: bigint, cursor: Position = beginning): Promise<Reader> {
      return { ...(await store.readersAtHead(ann, [roomId]))[0]!, cursor };
    }

    async function page(roomId: bigint, size: Partial<PageSize>, cursor?: Position): Promise<LogPage> {
      const whole = { changes: 1_000, bytes: ANY_BYTES, ...size };
      return (await store.readLogs([await reader(roomId, cursor)], whole)).get(roomId)!;
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

    test("[S3] rooms share the bytes; read on while they are behind their heads, they give everything once", async () => {
      const others = Array.from({ length: 7 }, (_, i) => BigInt(i + 1));
      const bodies = [BODIES.slice(0, 20), [], BODIES.slice(20), ["short"]];
      const readers: Reader[] = [];
      const wholes = new Map<bigint, LogPage>();
      for (const each of bodies) {
        const roomId = await newRoom(each, ...others);
        readers.push(await reader(roomId));
        wholes.set(roomId, await page(roomId, {}));
      }
      const read = new Map(
        readers.map(({ roomId }) => [roomId, { messages: [] as Message[], memberSeqs: [] as bigint[] }]),
      );
      let reads = 0;
      for (let behind = readers; behind.length > 0; reads++) {
        expect(reads).toBeLessThan(BODIES.length + 2);
        const pages = await store.readLogs(behind, { changes: 3, bytes: PAGE_BYTES });
        expect([...pages.keys()].toSorted()).toEqual(behind.map(({ roomId }) => roomId).toSorted());
        const given = [...pages.values()].flatMap(({ messages }) => messages);
        if (given.length !== 1) expect(bytesOf(given.map(textOf))).toBeLessThanOrEqual(PAGE_BYTES);
        const isComplete = behind.every(
          ({ roomId }) => read.get(roomId)!.messages.length === wholes.get(roomId)!.messages.length,
        );
        expect(given.length > 0 || isComplete, "a message, if there are any").toBe(true);
        behind = behind.flatMap((reader) => {
          const { messages, members, head } = pages.get(reader.roomId)!;
          expect(head).toEqual(wholes.get(reader.roomId)!.head);
          const room = read.get(reader.roomId)!;
          room.messages.push(...messages);
          room.memberSeqs.push(...members.map(({ member }) => member!.memberSeq));
          const cursor = { seq: room.messages.at(-1)?.seq ?? 0n, memberSeq: room.memberSeqs.at(-1) ?? 0n };
          return cursor.seq < head.seq || cursor.memberSeq < head.memberSeq ? [{ ...reader, cursor }] : [];
        });
      }
      for (const [roomId, { messages, members }] of wholes) {
        expect(read.get(roomId)!.messages).toEqual(messages);
        expect(read.get(roomId)!.memberSeqs).toEqual(members.map(({ member }) => member!.memberSeq));
      }
    });

    test("[S3] a text that has more than a page keeps no room from its members, nor another from its turn", async () => {
      const long = "x".repeat(2 * PAGE_BYTES);
      const rooms = [await newRoom([long, long], bob), await newRoom([long], bob)];
      const readers = await Promise.all(rooms.map((roomId) => reader(roomId)));
      const pages = await store.readLogs(readers, { changes: 10, bytes: PAGE_BYTES });
      expect(rooms.map((roomId) => pages.get(roomId)!.messages.length).toSorted()).toEqual([0, 1]);
      for (const roomId of rooms) expect(pages.get(roomId)!.members).toHaveLength(2);
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
    const userId = 2n ** 55n + 3n;
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
        expect(page.rooms).toEqual(fitting(rest, PAGE_BYTES, lastText));
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
