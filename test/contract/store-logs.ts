import { beforeAll, describe, expect, test } from "vitest";
import type { Member, Message } from "../../gen/chat_pb.ts";
import { SHARED_READS_MEMBERS } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { BEGINNING, headOf, newSpokenRoom, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = GREAT_ID + 2_001n;
const bob = GREAT_ID + 2_002n;
const cat = GREAT_ID + 2_003n;
const stranger = GREAT_ID + 2_000n;
const nowhere = 2n ** 63n - 1n;

/** The rules of ChatStore for whoever follows rooms: their logs, memberships, and which of them have changed. */
export function logsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const newRoom = (others?: bigint[], bodies?: string[]) => newSpokenRoom(store, ann, others, bodies);

  const seqsOf = (messages: readonly Message[]) => messages.map(({ seq }) => Number(seq));
  const memberSeqsOf = (members: readonly Member[]) => members.map(({ memberSeq }) => Number(memberSeq));

  describe("readLogs", () => {
    test("[S3] gives each message and member that changed once, in its latest state, in the order of the changes", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b", "c"]);
      const [a, b] = messages.map(({ id }) => id) as [bigint, bigint, bigint];
      const place = await headOf(store, roomId);
      await apply(store, "editMessage", { roomId, messageId: b, userId: ann, body: "B" });
      const edited = await apply(store, "editMessage", { roomId, messageId: a, userId: ann, body: "A" });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: b, userId: ann });
      await apply(store, "addMember", { roomId, userId: cat });
      const removed = await apply(store, "removeMember", { roomId, userId: cat, actorId: cat });
      const sent = await apply(store, "sendMessage", { roomId, userId: bob, body: "d" });
      const added = await apply(store, "addMember", { roomId, userId: stranger });
      const head = { seq: 7n, memberSeq: 5n };
      expect(await readLog(store, roomId, place)).toMatchObject({
        news: { roomId, messages: [edited, deleted, sent], members: [removed, added], memberSeq: 5n },
        head,
        firstSeq: 1n,
      });
      const whole = await readLog(store, roomId);
      expect(whole.news.messages.map(({ body }) => body)).toEqual(["c", "A", "", "d"]);
      expect(whole.news.members.map(({ userId }) => userId)).toEqual([ann, bob, cat, stranger]);
      for (const after of [head, { seq: nowhere, memberSeq: nowhere }]) {
        expect(await readLog(store, roomId, after)).toMatchObject({ news: { messages: [], members: [] }, head });
      }
    });

    test("[S3] gives pages of both logs, at most so many changes of either, for each place of its own", async () => {
      const bodies = Array.from({ length: 10 }, (_, i) => `${i}`);
      const others = Array.from({ length: 9 }, (_, i) => BigInt(i + 1));
      const [one, empty, two] = [await newRoom(others, bodies), await newRoom(), await newRoom(others, bodies)];
      for (const { roomId, messages } of [one, two]) {
        for (const { id } of messages.slice(2, 4)) {
          await apply(store, "editMessage", { roomId, messageId: id, userId: ann, body: `edited ${id}` });
        }
      }
      const places = [
        { roomId: one.roomId, after: { seq: 0n, memberSeq: 7n } },
        { roomId: empty.roomId, after: BEGINNING },
        { roomId: nowhere, after: BEGINNING },
        { roomId: two.roomId, after: { seq: 3n, memberSeq: 8n } },
        { roomId: one.roomId, after: { seq: 10n, memberSeq: 10n } },
        { roomId: one.roomId, after: { seq: 0n, memberSeq: 7n } },
      ];
      const pages = await store.readLogs(places, { changes: 3, bytes: ANY_BYTES });
      const numbers = pages.map((page) => page && [seqsOf(page.news.messages), memberSeqsOf(page.news.members)]);
      const first = [
        [1, 2, 5],
        [8, 9, 10],
      ];
      expect(numbers).toEqual([
        first,
        [[], [1]],
        undefined,
        [
          [5, 6, 7],
          [9, 10],
        ],
        [[11, 12], []],
        first,
      ]);
      expect(pages[5]).toBe(pages[0]);
      expect(await store.readLogs([], { changes: 3, bytes: ANY_BYTES })).toEqual([]);
    });

    test("[S3] gives no message before all changes of the members up to its snapshot", async () => {
      const { roomId } = await newRoom(
        Array.from({ length: 9 }, (_, i) => BigInt(i + 1)),
        ["a", "b", "c", "d", "e"],
      );
      const whole = await readLog(store, roomId);
      const read = { messages: [] as Message[], members: [] as Member[] };
      for (let after = BEGINNING; after.seq < whole.head.seq; ) {
        const { news, head } = await readLog(store, roomId, after, { changes: 4 });
        expect(head).toEqual(whole.head);
        read.members.push(...news.members);
        const memberSeq = read.members.at(-1)!.memberSeq;
        if (memberSeq < head.memberSeq) expect(news.messages).toEqual([]);
        read.messages.push(...news.messages);
        after = { seq: read.messages.at(-1)?.seq ?? 0n, memberSeq };
      }
      expect(read.messages).toEqual(whole.news.messages);
      expect(read.members).toEqual(whole.news.members);
      expect((await readLog(store, roomId, BEGINNING, { changes: 10 })).news.messages).toHaveLength(5);
    });

    test("[S3] a page is one snapshot: whoever reads a message knows of what its commit did to the members", async () => {
      const { roomId } = await newRoom();
      await using other = await parts().open();
      let done = false;
      const writing = (async () => {
        for (let i = 1n; i <= 50n; i++) {
          await store.commit([
            change("sendMessage", { roomId, userId: ann, body: "x" }),
            change("addMember", { roomId, userId: i }),
          ]);
        }
      })().finally(() => (done = true));
      while (!done) {
        const { news, head } = await readLog(other, roomId);
        expect(news.members).toHaveLength(news.messages.length + 1);
        expect(head).toEqual({ seq: BigInt(news.messages.length), memberSeq: BigInt(news.members.length) });
        expect(news.memberSeq).toBe(head.memberSeq);
      }
      await writing;
    });

    test("[S3] gives the read positions of all members with the page that reaches the head", async () => {
      const { roomId, messages } = await newRoom([bob, cat], ["a", "b", "c"]);
      const [a, , c] = messages.map(({ id }) => id) as [bigint, bigint, bigint];
      await apply(store, "markRead", { roomId, userId: bob, messageId: a });
      await apply(store, "markRead", { roomId, userId: cat, messageId: c });
      const head = await headOf(store, roomId);
      const place = (messageId: bigint) => expect.objectContaining({ messageId });
      const reads = { [`${bob}`]: place(a), [`${cat}`]: place(c) };
      expect((await readLog(store, roomId)).reads).toEqual(reads);
      expect((await readLog(store, roomId, head)).reads).toEqual(reads);
      for (const size of [{ changes: 2 }, { bytes: 2 }]) {
        expect((await readLog(store, roomId, { ...head, seq: 0n }, size)).reads).toBeUndefined();
        expect((await readLog(store, roomId, { ...head, seq: 1n }, size)).reads).toEqual(reads);
      }
      expect((await readLog(store, roomId, { ...head, memberSeq: 0n }, { changes: 2 })).reads).toBeUndefined();
      await apply(store, "removeMember", { roomId, userId: cat, actorId: cat });
      expect((await readLog(store, roomId)).reads).toEqual({ [`${bob}`]: place(a) });
    });

    test("[S3] gives no read positions of a room with more members than share them", async () => {
      const { roomId, messages } = await newRoom([], ["a"]);
      const others = Array.from({ length: SHARED_READS_MEMBERS }, (_, i) => BigInt(i + 1));
      await store.commit(others.slice(1).map((userId) => change("addMember", { roomId, userId })));
      await apply(store, "markRead", { roomId, userId: ann, messageId: messages[0]!.id });
      const reads = async () => (await readLog(store, roomId)).reads;
      expect(Object.keys((await reads())!)).toHaveLength(SHARED_READS_MEMBERS);
      await apply(store, "addMember", { roomId, userId: others[0]! });
      expect(await reads()).toBeUndefined();
      await apply(store, "removeMember", { roomId, userId: ann, actorId: ann });
      expect(Object.keys((await reads())!)).toHaveLength(SHARED_READS_MEMBERS);
    });
  });

  describe("memberships", () => {
    test("are those that the user has, with the rooms' heads", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b"]);
      const { roomId: foreign } = await newRoom([], ["c"]);
      await apply(store, "markRead", { roomId, userId: bob, messageId: messages[0]!.id });
      const { epoch, revision, of } = await store.memberships(bob, [nowhere, roomId, foreign]);
      expect(epoch).toMatch(/^([0-9a-z]+\.)?[0-9a-f]{16}$/);
      const head = { seq: 2n, memberSeq: 2n };
      expect(of).toMatchObject([{ roomId, read: { messageId: messages[0]!.id }, head, firstSeq: 1n }]);
      expect(await store.memberships(stranger, [roomId])).toEqual({ epoch, revision, of: [] });
      expect(await store.memberships(bob, [])).toEqual({ epoch, revision, of: [] });
    });

    test("end, and another one begins", async () => {
      const { roomId } = await newRoom([bob], ["a"]);
      const idOf = async () => (await store.memberships(bob, [roomId])).of[0]?.id;
      const first = await idOf();
      const { id } = await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
      expect(id).toBe(first);
      expect(await idOf()).toBeUndefined();
      const again = await apply(store, "addMember", { roomId, userId: bob });
      expect(await idOf()).toBe(again.id);
      expect(again.id).toBeGreaterThan(id);
    });
  });

  describe("changedRooms", () => {
    const newest = async () => (await store.memberships(ann, [])).revision;
    const changedAfter = async (after: bigint, among?: bigint[]) => {
      const { rooms, revision, isWhole } = await store.changedRooms(after, among);
      expect(isWhole).toBe(true);
      expect(revision).toBe(await newest());
      return rooms.map(({ roomId }) => roomId);
    };

    test("[S8] memberships tell the newest revision, after which nothing has changed", async () => {
      await newRoom();
      const { epoch, revision } = await store.memberships(ann, []);
      expect((await store.changedRooms(revision)).epoch).toBe(epoch);
      expect(await changedAfter(revision)).toEqual([]);
    });

    test("[S8] each commit gives the rooms whose logs or records it changes a new one, a read position only the membership", async () => {
      const { roomId, messages } = await newRoom([bob], ["a"]);
      const { roomId: other } = await newRoom([], []);
      const messageId = messages[0]!.id;
      const applied = [
        change("sendMessage", { roomId, userId: ann, body: "b", clientMessageId: "1" }),
        change("editMessage", { roomId, userId: ann, messageId, body: "A", clientEditId: "1" }),
        change("deleteMessage", { roomId, userId: ann, messageId }),
        change("addMember", { roomId, userId: cat }),
        change("transferOwnership", { roomId, userId: bob, actorId: ann }),
        change("removeMember", { roomId, userId: cat, actorId: cat }),
      ];
      for (const each of applied) {
        const before = await newest();
        await store.commit([each]);
        expect(await changedAfter(before), each.case).toEqual([roomId]);
        expect(await newest()).toBeGreaterThan(before);
      }
      const before = await newest();
      const changes = [
        ...applied.slice(0, 3),
        change("sendMessage", { roomId, userId: stranger, body: "x" }),
        change("sendMessage", { roomId: nowhere, userId: ann, body: "x" }),
        change("sendMessage", { roomId, userId: ann, body: "x", replyToId: nowhere }),
        change("addMember", { roomId, userId: bob }),
        change("transferOwnership", { roomId, userId: bob, actorId: bob }),
        change("removeMember", { roomId, userId: bob, actorId: ann }),
      ];
      for (const each of changes) await store.commit([each]);
      await store.commit(changes);
      expect(await newest()).toBe(before);
      await apply(store, "markRead", { roomId, userId: bob, messageId });
      expect(await newest()).toBeGreaterThan(before);
      expect(await changedAfter(before)).toEqual([]);
      await store.commit([roomId, other].map((id) => change("sendMessage", { roomId: id, userId: ann, body: "x" })));
      expect(new Set(await changedAfter(before))).toEqual(new Set([roomId, other]));
    });

    test("[S8] lists rooms in the order of their last changes, each once, with its head; or some of them", async () => {
      const rooms = [await newRoom(), await newRoom(), await newRoom()].map(({ roomId }) => roomId);
      const [one, two, three] = rooms as [bigint, bigint, bigint];
      const before = await newest();
      for (const roomId of [one, two, three, one])
        await apply(store, "sendMessage", { roomId, userId: ann, body: "x" });
      await apply(store, "addMember", { roomId: two, userId: bob });
      const { rooms: changed } = await store.changedRooms(before);
      expect(changed).toMatchObject([
        { roomId: three, head: { seq: 1n, memberSeq: 1n } },
        { roomId: one, head: { seq: 2n, memberSeq: 1n } },
        { roomId: two, head: { seq: 1n, memberSeq: 2n } },
      ]);
      expect(await changedAfter(before, [two, nowhere, three])).toEqual([three, two]);
      expect(await changedAfter(before, [])).toEqual([]);
      expect(await changedAfter(await newest(), rooms)).toEqual([]);
    });

    test("[S8] lists them page by page, if they are many", async () => {
      const before = await newest();
      const many = 1_100;
      for (let i = 0; i < many; i += 100)
        await Promise.all(Array.from({ length: 100 }, () => newStoredRoom(store, ann)));
      const first = await store.changedRooms(before);
      expect(first.isWhole).toBe(false);
      const second = await store.changedRooms(first.revision);
      expect(second.isWhole).toBe(true);
      expect(second.revision).toBe(await newest());
      const ids = [...first.rooms, ...second.rooms].map(({ roomId }) => roomId);
      expect(new Set(ids).size).toBe(many);
      expect(ids).toHaveLength(many);
    });
  });
}
