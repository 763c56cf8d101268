import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message, SendMessageReq } from "../../gen/chat_pb.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { Model, Refused } from "../support/model.ts";
import { createReq, memberReq, messagesOf, sendReq } from "../support/requests.ts";
import { type Outcome, SendStore } from "../support/send-store.ts";
import { freshPost, newStoredRoom } from "../support/stored-rooms.ts";
import { changesContract } from "./store-changes.ts";
import { pagesContract } from "./store-pages.ts";

export interface StoreParts extends AsyncDisposable {
  readonly store: ChatStore;
  /** Another store on the same data, as another process has one. */
  open(limits?: Limits): Promise<ChatStore>;
}

// Ids that a double can't tell apart.
const alice = 2n ** 53n + 1n;
const bob = 2n ** 53n + 2n;
const stranger = 2n ** 53n;
const last = 2n ** 63n - 1n;

const LONGEST_BODY = 8_000;
/** Six bytes in JSON. */
const WIDEST_CHARACTER = "\u0001";

/** The rules of ChatStore in src/chat/store.ts that hold without anything breaking, for anything that implements them. */
export function storeContract(name: string, createParts: () => Promise<StoreParts>): void {
  describe(`${name} is a chat store`, () => {
    let parts: StoreParts;
    let store: SendStore;

    beforeAll(async () => {
      parts = await createParts();
      store = new SendStore(parts.store, alice, bob, last);
    });
    afterAll(() => parts?.[Symbol.asyncDispose]());

    const openAnother = async () => new SendStore(await parts.open(), alice, bob, last);

    const newRoom = (creator = alice, ...others: bigint[]) => newStoredRoom(store.whole, creator, ...others);

    async function log(roomId: bigint, reader: SendStore = store): Promise<Message[]> {
      const messages = await reader.messagesAfter(new Map([[roomId, 0n]]), 1_000_000);
      expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, i) => BigInt(i + 1)));
      return messages;
    }

    describe("commit", () => {
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

      test("[S4] a repeated client_message_id gets the first message", async () => {
        const room = await newRoom();
        const [first] = messagesOf(await store.commit([send(room, "x", alice, "id")]));
        await store.commit([send(room, "between")]);
        for (let i = 0; i < 3; i++) {
          expect(await store.commit([send(room, "x", alice, "id")])).toEqual([{ message: first, isNew: false }]);
        }
        await using other = await openAnother();
        expect(await other.commit([send(room, "x", alice, "id")])).toEqual([{ message: first, isNew: false }]);
        expect(await log(room)).toHaveLength(2);
      });

      test("[S4] a client_message_id twice in one commit is one message", async () => {
        const room = await newRoom();
        const twins = [send(room, "x", alice, "id"), send(room, "between"), send(room, "x", alice, "id")];
        const outcomes = await store.commit([...twins, send(room, "other body", alice, "id")]);
        expect(outcomes.map(answer)).toEqual([
          { body: "x", seq: 1n, isNew: true },
          { body: "between", seq: 2n, isNew: true },
          { body: "x", seq: 1n, isNew: false },
          "AlreadyExists",
        ]);
        expect(await log(room)).toHaveLength(2);
      });

      test("[S4] a client_message_id of many concurrent commits is one message", async () => {
        const room = await newRoom();
        await using other = await openAnother();
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, i) => (i % 2 ? store : other).commit([send(room, "x", alice, "id")])),
        );
        const [message] = await log(room);
        expect(messagesOf(outcomes.flat())).toEqual(Array(20).fill(message));
        expect(outcomes.flat().filter((outcome) => "isNew" in outcome && outcome.isNew)).toHaveLength(1);
      });

      test("[S4] ALREADY_EXISTS if the body differs", async () => {
        const room = await newRoom();
        await store.commit([send(room, "x", alice, "id")]);
        const [outcome] = await store.commit([send(room, "X", alice, "id")]);
        expect(answer(outcome!)).toBe("AlreadyExists");
        expect((await log(room)).map(({ body }) => body)).toEqual(["x"]);
      });

      test("[S4] a client_message_id is the sender's own, in the room, to the letter", async () => {
        const [one, two] = [await newRoom(alice, bob), await newRoom(alice)];
        const outcomes = await store.commit([
          send(one, "1", alice, "id"),
          send(one, "2", bob, "id"),
          send(two, "3", alice, "id"),
          send(one, "4", alice, "ID"),
          send(one, "5", alice, "id "),
        ]);
        expect(outcomes.map((outcome) => "isNew" in outcome && outcome.isNew)).toEqual(Array(5).fill(true));
      });

      test("[S4] without client_message_id every send is a message", async () => {
        const room = await newRoom();
        await store.commit([send(room, "x"), send(room, "x")]);
        await store.commit([send(room, "x")]);
        expect(await log(room)).toHaveLength(3);
      });

      test("[S4][S6] who is not a member gets NOT_FOUND for a known client_message_id too", async () => {
        const room = await newRoom();
        await store.commit([send(room, "x", alice, "id")]);
        expect((await store.commit([send(room, "x", bob, "id")])).map(answer)).toEqual(["NotFound"]);
      });

      test("[S6] an unknown room and a foreign one look the same", async () => {
        const room = await newRoom();
        const [foreign, unknown] = await store.commit([send(room, "x", bob), send(last, "x", bob)]);
        const text = (outcome: Outcome | undefined) => {
          if (!(outcome instanceof ConnectError)) throw new Error("not refused");
          const { code, message, details, metadata } = outcome;
          return { code, message: message.replace(/\d+/, "<room>"), details, metadata: [...metadata] };
        };
        expect(text(foreign)).toEqual(text(unknown));
        expect(text(foreign).code).toBe(Code.NotFound);
      });

      test("[S6] users whose ids a double can't tell apart are not confused", async () => {
        const room = await newRoom(alice);
        const outcomes = await store.commit([send(room, "x", alice - 1n), send(room, "x", alice)]);
        expect(outcomes.map(answer)).toEqual(["NotFound", { body: "x", seq: 1n, isNew: true }]);
      });

      test("[S1][S4][S6] does what the rules say, whatever comes", async () => {
        const anySend = fc.record({
          room: fc.constantFrom(0, 0, 1, 2),
          userId: fc.constantFrom(alice, bob, stranger),
          body: fc.constantFrom("x", "y"),
          clientMessageId: fc.constantFrom("", "", "a", "b", "c"),
        });
        const anyHistory = fc.array(fc.array(anySend, { maxLength: 10 }), { minLength: 1, maxLength: 5 });
        await fc.assert(
          fc.asyncProperty(anyHistory, async (history) => {
            const model = new Model();
            const openRoom = async (creator: bigint, ...others: bigint[]) => {
              const request = createReq(freshPost(), creator);
              const { id } = model.createChatRoom(request, await store.createRoom(request));
              for (const added of others.map((userId) => memberReq(id, userId))) {
                model.addMember(added, await store.addMember(added));
              }
              return id;
            };
            const rooms = [await openRoom(alice, bob), await openRoom(bob), last];
            const known = new Set<unknown>();
            for (const batch of history) {
              const sends = batch.map((s) => send(rooms[s.room]!, s.body, s.userId, s.clientMessageId));
              for (const [i, outcome] of (await store.commit(sends)).entries()) {
                const given = outcome instanceof ConnectError ? undefined : outcome.message;
                const message = model.answer({ method: "sendMessage", request: sends[i]! }, given);
                if (message instanceof Refused) expect(outcome).toMatchObject({ code: message.code });
                else expect(outcome).toEqual({ message, isNew: !known.has(message) });
                known.add(message);
              }
            }
            for (const room of rooms) expect(await log(room)).toEqual(model.rooms.get(room)?.messages ?? []);
          }),
          { numRuns: 40 },
        );
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

      test("ids up to the largest int64 survive", async () => {
        const postId = last - BigInt(Date.now());
        const room = await store.createRoom(createReq(postId, last));
        await rejects(store.createRoom(createReq(postId, last)), Code.AlreadyExists);
        expect(room.id).toBeGreaterThan(2n ** 53n);
        const [message] = messagesOf(await store.commit([send(room.id, "x", last)]));
        expect(message!.id).toBeGreaterThan(2n ** 53n);
        expect(await log(room.id)).toEqual([message]);
        expect((await store.addMember(memberReq(room.id, last - 1n))).userId).toBe(last - 1n);
      });
    });

    changesContract(() => parts);
    pagesContract(() => parts);

    test("ping resolves", async () => {
      expect(await store.ping()).toBeUndefined();
    });
  });
}

function send(roomId: bigint, body: string, userId = alice, clientMessageId = ""): SendMessageReq {
  return sendReq(roomId, userId, body, clientMessageId);
}

function answer(outcome: Outcome) {
  if (outcome instanceof ConnectError) return Code[outcome.code];
  const { message, isNew } = outcome;
  return { body: message.body, seq: message.seq, isNew };
}

async function rejects(call: Promise<unknown>, code: Code): Promise<void> {
  const reason = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(reason).toBeInstanceOf(ConnectError);
  expect(Code[(reason as ConnectError).code]).toBe(Code[code]);
}
