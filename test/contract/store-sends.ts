import { timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../gen/chat_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { memberReq, messagesOf } from "../support/requests.ts";
import { SendStore } from "../support/send-store.ts";
import { alice, answer, bob, last, send, sentLog, stranger } from "../support/sent-rooms.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const LONGEST_BODY = 8_000;
/** Six bytes in JSON. */
const WIDEST_CHARACTER = "\u0001";

/** The rules of ChatStore for sends, and for those who read them. */
export function sendsContract(parts: () => StoreParts): void {
  let store: SendStore;
  beforeAll(() => {
    store = new SendStore(parts().store);
  });

  const openAnother = async () => new SendStore(await parts().open());
  const newRoom = (creator = alice, ...others: bigint[]) => newStoredRoom(store.whole, creator, ...others);
  const log = (roomId: bigint, from = store) => sentLog(from, roomId);

  describe("sends", () => {
    test("[S1] numbers the sends of each room 1, 2, 3, … in the order given", async () => {
      const [one, two] = [await newRoom(alice, bob), await newRoom(bob)];
      const first = messagesOf(
        await store.commit([send(one, "a"), send(two, "b", bob), send(one, "c", bob), send(two, "d", bob)]),
      );
      const second = messagesOf(await store.commit([send(two, "e", bob), send(one, "f")]));
      expect(first.map(({ roomId, seq }) => [roomId, seq])).toEqual([
        [one, 1n],
        [two, 1n],
        [one, 2n],
        [two, 2n],
      ]);
      expect(second.map(({ roomId, seq }) => [roomId, seq])).toEqual([
        [two, 3n],
        [one, 3n],
      ]);
      expect((await log(one)).map(({ body }) => body)).toEqual(["a", "c", "f"]);
      expect((await log(two)).map(({ body }) => body)).toEqual(["b", "d", "e"]);
    });

    test("[S1] answers with what the log has, in the order of the sends", async () => {
      const room = await newRoom(alice, bob);
      const sends = [send(room, "plain"), send(room, "with an id", bob, "id-1"), send(room, "plain", bob)];
      const outcomes = await store.commit(sends);
      expect(messagesOf(outcomes)).toEqual(await log(room));
      expect(outcomes.map((outcome) => "isNew" in outcome && outcome.isNew)).toEqual([true, true, true]);
      expect(messagesOf(outcomes)).toMatchObject([
        { body: "plain", roomId: room, userId: alice, clientMessageId: "" },
        { body: "with an id", roomId: room, userId: bob, clientMessageId: "id-1" },
        { body: "plain", roomId: room, userId: bob, clientMessageId: "" },
      ]);
    });

    test("[S1] leaves no hole and no double under concurrent commits of several stores", async () => {
      const rooms = [await newRoom(), await newRoom(), await newRoom()];
      await using other = await openAnother();
      const commits = Array.from({ length: 60 }, (_, i) => {
        const sends = Array.from({ length: 1 + (i % 7) }, (_, k) => send(rooms[(i + k * k) % 3]!, `${i}/${k}`));
        return (i % 2 === 0 ? store : other).commit(sends).then(messagesOf);
      });
      const answers = await Promise.all(commits);
      const logs = new Map(await Promise.all(rooms.map(async (room) => [room, await log(room)] as const)));
      expect([...logs.values()].flat().length).toBe(answers.flat().length);
      for (const answer of answers) {
        for (const message of answer) expect(logs.get(message.roomId)![Number(message.seq) - 1]).toEqual(message);
        for (const inRoom of Map.groupBy(answer, ({ roomId }) => roomId).values()) {
          expect(inRoom.map(({ seq }) => seq)).toEqual(inRoom.map((_, k) => inRoom[0]!.seq + BigInt(k)));
        }
      }
    });

    test("[S1] gives messages unique ids that grow within a room", async () => {
      const rooms = [await newRoom(), await newRoom()];
      for (let i = 0; i < 5; i++) await store.commit([0, 1, 1, 0].map((r) => send(rooms[r]!, "x")));
      const logs = await Promise.all(rooms.map((room) => log(room)));
      expect(new Set(logs.flat().map(({ id }) => id)).size).toBe(20);
      for (const messages of logs) {
        const ids = messages.map(({ id }) => id);
        expect(ids).toEqual(ids.toSorted((a, b) => Number(a - b)));
      }
    });

    test("[S1] refused sends take no number and don't disturb the others", async () => {
      const room = await newRoom(alice, bob);
      await store.commit([send(room, "first", alice, "known")]);
      const outcomes = await store.commit([
        send(room, "refused", stranger),
        send(room, "2", bob),
        send(last, "refused"),
        send(room, "first", alice, "known"),
        send(room, "other body", alice, "known"),
        send(room, "refused", stranger, "known"),
        send(room, "3", alice),
        send(room, "4", bob, "known"),
        send(room, "refused", stranger),
      ]);
      expect(outcomes.map(answer)).toEqual([
        "NotFound",
        { body: "2", seq: 2n, isNew: true },
        "NotFound",
        { body: "first", seq: 1n, isNew: false },
        "AlreadyExists",
        "NotFound",
        { body: "3", seq: 3n, isNew: true },
        { body: "4", seq: 4n, isNew: true },
        "NotFound",
      ]);
      expect((await log(room)).map(({ body, userId }) => [body, userId])).toEqual([
        ["first", alice],
        ["2", bob],
        ["3", alice],
        ["4", bob],
      ]);
    });

    test("[S1] only members may send, from when they are added", async () => {
      const room = await newRoom(alice);
      expect((await store.commit([send(room, "early", bob)])).map(answer)).toEqual(["NotFound"]);
      await store.addMember(memberReq(room, bob));
      expect((await store.commit([send(room, "now", bob)])).map(answer)).toEqual([
        { body: "now", seq: 1n, isNew: true },
      ]);
    });

    test("[S1] without sends is answered with nothing", async () => {
      expect(await store.commit([])).toEqual([]);
    });

    test("[S1] takes as much as the committer gathers, of the widest characters", async () => {
      const room = await newRoom();
      const body = WIDEST_CHARACTER.repeat(LONGEST_BODY);
      const long = Array.from({ length: LIMITS.commitCharacters / LONGEST_BODY }, () => send(room, body));
      const short = Array.from({ length: LIMITS.commitChanges - long.length }, (_, i) =>
        send(room, "x", alice, `${i}`.padEnd(64, WIDEST_CHARACTER)),
      );
      expect(messagesOf(await store.commit([...long, ...short])).at(-1)!.seq).toBe(BigInt(LIMITS.commitChanges));
    });

    test("[S1] stamps messages to the millisecond", async () => {
      const room = await newRoom();
      const before = Date.now();
      const [message] = messagesOf(await store.commit([send(room, "x")]));
      expect(timestampMs(message!.createdAt!)).toBeGreaterThanOrEqual(before);
      expect(timestampMs(message!.createdAt!)).toBeLessThanOrEqual(Date.now());
      expect(message!.updatedAt).toEqual(message!.createdAt);
      expect((await log(room))[0]!.createdAt).toEqual(message!.createdAt);
    });

    test.each([
      ["emoji, and what joins them", "👩‍👩‍👧‍👦🏳️‍🌈é\u0301"],
      ["characters of four bytes", "𝔘𐍈\u{10FFFF}"],
      ["control characters", "\u0001\u0007\b\t\n\v\f\r\u001b\u007f\u0080\u2028\u2029\ufeff\ufffe"],
      ["quotes and backslashes", `'"\`\\ \\' \\" \\u0041 '; DROP TABLE messages; --`],
      ["text that looks like JSON", `{"a":[1,null,"\\n"]}`],
      ["a JSON string", `"text"`],
      ["a number", "9007199254740993"],
      ["a word of JSON", "null"],
      ["spaces", "  \n "],
      ["right-to-left text", "שלום \u202eعربي"],
    ])("[S1] keeps %s byte for byte, as body and as client_message_id", async (_, text) => {
      const room = await newRoom();
      const sent = send(room, text, alice, text);
      const [message] = messagesOf(await store.commit([sent]));
      expect([message!.body, message!.clientMessageId]).toEqual([text, text]);
      expect(await log(room)).toEqual([message]);
      expect(await store.commit([sent])).toEqual([{ message, isNew: false }]);
    });

    test("[S1] keeps any text byte for byte", async () => {
      const room = await newRoom();
      const text = fc.string({ unit: "binary", minLength: 1 }).map((s) => s.replaceAll("\0", "0"));
      await fc.assert(
        fc.asyncProperty(fc.array(text, { minLength: 1 }), async (bodies) => {
          const messages = messagesOf(await store.commit(bodies.map((body) => send(room, body))));
          expect(messages.map(({ body }) => body)).toEqual(bodies);
          const read = await store.messagesAfter(new Map([[room, messages[0]!.seq - 1n]]), bodies.length);
          expect(read).toEqual(messages);
        }),
        { numRuns: 30 },
      );
    });

    test("[S2] what it answered is there for every other store", async () => {
      const room = await newRoom();
      await using other = await openAnother();
      for (let i = 0; i < 10; i++) {
        const [message] = messagesOf(await store.commit([send(room, `${i}`)]));
        expect((await log(room, other)).at(-1)).toEqual(message);
        expect(await other.heads(alice, [room])).toEqual(new Map([[room, message!.seq]]));
      }
    });

    test("[S2] no reader sees change n + 1 before change n", async () => {
      const room = await newRoom();
      await using other = await openAnother();
      let done = false;
      const writing = Promise.all(
        Array.from({ length: 100 }, (_, i) => store.commit(Array(1 + (i % 5)).fill(send(room, "x")))),
      ).finally(() => (done = true));
      for (let seen = 0; !done; ) {
        const head = (await other.heads(alice, [room])).get(room)!;
        const read = await log(room, other);
        expect(Number(head)).toBeGreaterThanOrEqual(seen);
        expect(read.length).toBeGreaterThanOrEqual(Number(head));
        seen = read.length;
      }
      await writing;
      expect(await log(room, other)).toHaveLength(300);
    });
  });

  describe("messagesAfter", () => {
    test("[S3] gives each room's changes after its cursor, ascending, at most limit a room", async () => {
      const rooms = [await newRoom(), await newRoom(), await newRoom()];
      await store.commit(Array.from({ length: 30 }, (_, i) => send(rooms[i % 3]!, `${i}`)));
      const seqs = async (cursors: bigint[], limit: number) => {
        const changes = await store.messagesAfter(new Map(cursors.map((after, i) => [rooms[i]!, after])), limit);
        return rooms.map((room) => changes.filter(({ roomId }) => roomId === room).map(({ seq }) => Number(seq)));
      };
      expect(await seqs([0n, 4n, 9n], 3)).toEqual([[1, 2, 3], [5, 6, 7], [10]]);
      expect(await seqs([0n], 1)).toEqual([[1], [], []]);
      expect(await seqs([8n, 10n, 0n], 10)).toEqual([[9, 10], [], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
      expect(await seqs([0n], 10)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [], []]);
    });

    test("[S3] gives nothing at or beyond the head, for an empty or unknown room, or without cursors", async () => {
      const [room, empty] = [await newRoom(), await newRoom()];
      await store.commit([send(room, "x")]);
      const cursors = new Map([
        [empty, 0n],
        [last, 0n],
      ]);
      expect(await store.messagesAfter(cursors.set(room, 1n), 10)).toEqual([]);
      expect(await store.messagesAfter(cursors.set(room, 2n), 10)).toEqual([]);
      expect(await store.messagesAfter(cursors.set(room, last), 10)).toEqual([]);
      expect(await store.messagesAfter(new Map(), 10)).toEqual([]);
    });

    test("[S3] read page by page, gives the log", async () => {
      const room = await newRoom();
      await store.commit(Array.from({ length: 50 }, (_, i) => send(room, `${i}`)));
      const pages: Message[] = [];
      for (;;) {
        const page = await store.messagesAfter(new Map([[room, pages.at(-1)?.seq ?? 0n]]), 7);
        if (page.length === 0) break;
        pages.push(...page);
      }
      expect(pages).toEqual(await log(room));
    });

    test("[S3] gives a page of the longest messages of the widest characters", async () => {
      const room = await newRoom();
      const body = WIDEST_CHARACTER.repeat(LONGEST_BODY);
      for (let i = 0; i < LIMITS.logPageChanges / 32; i++) await store.commit(Array(32).fill(send(room, body)));
      const page = await store.messagesAfter(new Map([[room, 0n]]), LIMITS.logPageChanges);
      expect(page).toHaveLength(LIMITS.logPageChanges);
      expect(page.every((message) => message.body === body)).toBe(true);
    });
  });
}
