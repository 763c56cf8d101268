import { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import type { Member, Message } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore, LogPage, PageSize, Position, Reader } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = 2n ** 54n + 1n;
const bob = 2n ** 54n + 2n;
const cat = 2n ** 54n + 3n;
const stranger = 2n ** 54n;
const nowhere = 2n ** 63n - 1n;
const beginning = { seq: 0n, memberSeq: 0n };

const atMost = (changes: number): PageSize => ({ changes, bytes: ANY_BYTES });

/** The rules of ChatStore for edits, deletions, members and read positions. */
export function changesContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  /** A room of ann, and of others, in which ann has sent the bodies. */
  async function newRoom(others: bigint[] = [], bodies: string[] = []) {
    const roomId = await newStoredRoom(store, ann, ...others);
    const { outcomes } = await store.commit(bodies.map((body) => change("sendMessage", { roomId, userId: ann, body })));
    return { roomId, messages: outcomes as Message[] };
  }

  async function reader(roomId: bigint, cursor: Position = beginning, userId = ann): Promise<Reader> {
    const [atHead] = await store.readersAtHead(userId, [roomId]);
    return { ...atHead!, cursor };
  }

  async function readLog(roomId: bigint, cursor: Position = beginning, limit = 1_000, userId = ann): Promise<LogPage> {
    return (await store.readLogs([await reader(roomId, cursor, userId)], atMost(limit))).get(roomId)!;
  }

  async function head(roomId: bigint, userId = ann): Promise<Position> {
    return (await store.readersAtHead(userId, [roomId]))[0]!.cursor;
  }

  /** What each of the changes, asked for alone, answers; and that none of them left a trace. */
  async function refusals(roomId: bigint, changes: ReturnType<typeof change>[]): Promise<string[]> {
    const before = [await readLog(roomId), await head(roomId)];
    const alone = [];
    for (const each of changes) alone.push(await store.commit([each]));
    const together = await store.commit(changes);
    expect(together.news).toEqual([]);
    expect(codes(together)).toEqual(alone.flatMap(codes));
    expect([await readLog(roomId), await head(roomId)]).toEqual(before);
    return codes(together);
  }

  describe("edits and deletions", () => {
    test("[S1] take the next seq; the message keeps its id and creation", async () => {
      const { roomId, messages } = await newRoom([], ["a", "b", "c"]);
      const [a, b] = messages as [Message, Message, Message];
      const edited = await apply(store, "editMessage", { roomId, messageId: a.id, userId: ann, body: "A" });
      expect(edited).toEqual({ ...a, body: "A", seq: 4n, updatedAt: edited.updatedAt });
      expect(edited.updatedAt).not.toEqual(a.updatedAt);
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: b.id, userId: ann });
      const { updatedAt, deletedAt } = deleted;
      expect(deleted).toEqual({ ...b, body: "", seq: 5n, updatedAt, deletedAt });
      expect(deletedAt).toBeDefined();
      const sent = await apply(store, "sendMessage", { roomId, userId: ann, body: "d" });
      expect(sent.seq).toBe(6n);
      expect((await readLog(roomId)).messages).toEqual([messages[2], edited, deleted, sent]);
    });

    test("[S1] are the author's; the owner may delete too", async () => {
      const { roomId, messages } = await newRoom([bob, cat], ["of ann", "of ann too"]);
      const [messageId, other] = messages.map(({ id }) => id);
      const { id: ofBob } = await apply(store, "sendMessage", { roomId, userId: bob, body: "of bob" });
      const { roomId: elsewhere } = await newRoom([bob]);
      await apply(store, "deleteMessage", { roomId, messageId: other!, userId: ann });
      expect(
        await refusals(roomId, [
          change("editMessage", { roomId, messageId: messageId!, userId: bob, body: "x" }),
          change("editMessage", { roomId, messageId: ofBob, userId: ann, body: "x" }),
          change("editMessage", { roomId, messageId: other!, userId: ann, body: "x" }),
          change("editMessage", { roomId, messageId: nowhere, userId: ann, body: "x" }),
          change("editMessage", { roomId, messageId: messageId!, userId: stranger, body: "x" }),
          change("editMessage", { roomId: elsewhere, messageId: messageId!, userId: ann, body: "x" }),
          change("deleteMessage", { roomId, messageId: ofBob, userId: cat }),
          change("deleteMessage", { roomId, messageId: messageId!, userId: bob }),
          change("deleteMessage", { roomId, messageId: nowhere, userId: ann }),
          change("deleteMessage", { roomId, messageId: messageId!, userId: stranger }),
          change("deleteMessage", { roomId: elsewhere, messageId: messageId!, userId: ann }),
        ]),
      ).toEqual([
        ...["PermissionDenied", "PermissionDenied", "FailedPrecondition", "NotFound", "NotFound", "NotFound"],
        ...["PermissionDenied", "PermissionDenied", "NotFound", "NotFound", "NotFound"],
      ]);
      expect(await apply(store, "deleteMessage", { roomId, messageId: ofBob, userId: ann })).toMatchObject({
        body: "",
      });
    });

    test("[S4] repeated, or without effect, they change nothing", async () => {
      const { roomId, messages } = await newRoom([], ["a", "b"]);
      const [a, b] = messages.map(({ id }) => id) as [bigint, bigint];
      const edit = change("editMessage", { roomId, messageId: a, userId: ann, body: "A", clientEditId: "1" });
      const edited = await store.commit([edit, edit]);
      expect(edited.outcomes[0]).toEqual(edited.outcomes[1]);
      expect(edited.news).toMatchObject([{ messages: [{ body: "A", seq: 3n }] }]);
      const second = await apply(store, "editMessage", { roomId, messageId: a, userId: ann, body: "AA" });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: b, userId: ann });
      const before = await readLog(roomId);
      const { outcomes, news } = await store.commit([
        edit,
        change("editMessage", { roomId, messageId: a, userId: ann, body: "AA", clientEditId: "2" }),
        change("editMessage", { roomId, messageId: a, userId: ann, body: "again", clientEditId: "2" }),
        change("deleteMessage", { roomId, messageId: b, userId: ann }),
      ]);
      expect(outcomes).toEqual([second, second, second, deleted]);
      expect(news).toEqual([]);
      expect(await readLog(roomId)).toEqual(before);
    });

    test("[S4] an edit id is one message's own, and the author's", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b"]);
      const edits = messages.map(({ id: messageId }) => {
        return change("editMessage", { roomId, messageId, userId: ann, body: "new", clientEditId: "1" });
      });
      const [first] = edits;
      const byBob = change("editMessage", { ...(first!.value as object), userId: bob, roomId } as never);
      expect(codes(await store.commit([byBob, ...edits]))).toEqual(["PermissionDenied", "ok", "ok"]);
      expect((await readLog(roomId)).messages.map(({ body }) => body)).toEqual(["new", "new"]);
    });

    test("[S4] a send that is repeated gets the message as it is by then", async () => {
      const { roomId } = await newRoom();
      const sends = ["edited", "deleted"].map((body) => {
        return change("sendMessage", { roomId, userId: ann, body, clientMessageId: body });
      });
      const [one, two] = (await store.commit(sends)).outcomes.map((message) => (message as Message).id);
      const edited = await apply(store, "editMessage", { roomId, messageId: one!, userId: ann, body: "new" });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: two!, userId: ann });
      expect(await store.commit(sends)).toEqual({ outcomes: [edited, deleted], news: [] });
    });

    test("[S1] a reply is to a message of the room that is not deleted", async () => {
      const { roomId, messages } = await newRoom([], ["a", "b"]);
      const { messages: foreign } = await newRoom([], ["x"]);
      const [a, b] = messages.map(({ id }) => id) as [bigint, bigint];
      const reply = (replyToId: bigint, clientMessageId = "") => {
        return change("sendMessage", { roomId, userId: ann, body: "re", replyToId, clientMessageId });
      };
      const answered = await store.commit([reply(b, "kept"), reply(foreign[0]!.id), reply(nowhere), reply(a)]);
      expect(codes(answered)).toEqual(["ok", "NotFound", "NotFound", "ok"]);
      expect(answered.news).toMatchObject([
        {
          messages: [
            { replyToId: b, seq: 3n },
            { replyToId: a, seq: 4n },
          ],
        },
      ]);
      await apply(store, "deleteMessage", { roomId, messageId: b, userId: ann });
      expect(codes(await store.commit([reply(b), reply(b, "kept"), reply(b, "new")]))).toEqual([
        "NotFound",
        "ok",
        "NotFound",
      ]);
    });

    test("[S4] a send whose id came first with a reply that was refused is no retry", async () => {
      const { roomId } = await newRoom();
      const send = (body: string, replyToId = 0n, clientMessageId = "same") => {
        return change("sendMessage", { roomId, userId: ann, body, replyToId, clientMessageId });
      };
      const refused = send("re", nowhere);
      const changes = [refused, refused, send("a"), send("b"), refused, send("c", 0n, "other")];
      const { outcomes, news } = await store.commit(changes);
      expect(codes({ outcomes, news })).toEqual(["NotFound", "NotFound", "ok", "AlreadyExists", "NotFound", "ok"]);
      expect(news.flatMap(({ messages }) => messages.map(({ body, seq }) => [seq, body]))).toEqual([
        [1n, "c"],
        [2n, "a"],
      ]);
    });

    test("[S1] takes as many edits and replies as the committer gathers, of the widest characters", async () => {
      const { roomId, messages } = await newRoom([], Array(LIMITS.commitChanges).fill("x"));
      const body = "\u0001".repeat(LIMITS.commitCharacters / LIMITS.commitChanges);
      const edits = await store.commit(
        messages.map(({ id }) =>
          change("editMessage", { roomId, messageId: id, userId: ann, body, clientEditId: "1" }),
        ),
      );
      expect(edits.news[0]!.messages).toHaveLength(LIMITS.commitChanges);
      const replies = messages.map(({ id: replyToId }, i) => {
        return change("sendMessage", { roomId, userId: ann, body, replyToId, clientMessageId: `${i}` });
      });
      expect((await store.commit(replies)).news[0]!.messages).toHaveLength(LIMITS.commitChanges);
      expect((await store.commit(replies)).news).toEqual([]);
    });
  });

  describe("members", () => {
    test("[S1] every change of theirs takes the next member_seq; a renewed membership is another one", async () => {
      const { roomId, messages } = await newRoom([], ["a"]);
      const added = await apply(store, "addMember", { roomId, userId: bob });
      expect(added).toMatchObject({ memberSeq: 2n, readMessageId: messages[0]!.id });
      const read = await apply(store, "sendMessage", { roomId, userId: bob, body: "b" });
      const moved = await apply(store, "markRead", { roomId, userId: bob, messageId: read.id });
      expect(moved).toEqual({ ...added, readMessageId: read.id, memberSeq: 3n, updatedAt: moved.updatedAt });
      const removed = await apply(store, "removeMember", { roomId, userId: bob, actorId: ann });
      const { updatedAt, removedAt } = removed;
      expect(removed).toEqual({ ...moved, memberSeq: 4n, updatedAt, removedAt });
      expect(removedAt).toBeDefined();
      const again = await apply(store, "addMember", { roomId, userId: bob });
      expect(again).toMatchObject({ memberSeq: 5n, readMessageId: read.id });
      expect(again.removedAt).toBeUndefined();
      expect(again.id).toBeGreaterThan(removed.id);
      expect(await head(roomId)).toEqual({ seq: 2n, memberSeq: 5n });
    });

    test("[S4][S5][S6] refused, or there already, they change nothing", async () => {
      const { roomId, messages } = await newRoom([bob, cat], ["a", "b"]);
      const [first, second] = messages.map(({ id }) => id) as [bigint, bigint];
      const { messages: foreign } = await newRoom([bob], ["x"]);
      await apply(store, "markRead", { roomId, userId: bob, messageId: second });
      const request = { roomId, userId: bob, actorId: cat };
      expect(
        await refusals(roomId, [
          change("addMember", { roomId, userId: bob }),
          change("addMember", { roomId: nowhere, userId: bob }),
          change("removeMember", request),
          change("removeMember", { ...request, actorId: stranger }),
          change("removeMember", { ...request, userId: stranger, actorId: ann }),
          change("removeMember", { ...request, userId: stranger, actorId: stranger }),
          change("removeMember", { ...request, roomId: nowhere }),
          change("transferOwnership", request),
          change("transferOwnership", { ...request, actorId: stranger }),
          change("transferOwnership", { ...request, userId: stranger, actorId: ann }),
          change("markRead", { roomId, userId: bob, messageId: first }),
          change("markRead", { roomId, userId: bob, messageId: second }),
          change("markRead", { roomId, userId: bob, messageId: foreign[0]!.id }),
          change("markRead", { roomId, userId: stranger, messageId: second }),
        ]),
      ).toEqual([
        ...["AlreadyExists", "NotFound", "PermissionDenied", "NotFound", "NotFound", "NotFound", "NotFound"],
        ...["PermissionDenied", "NotFound", "NotFound", "ok", "ok", "NotFound", "NotFound"],
      ]);
    });

    test("[S6] an unknown room and a foreign one get the same answer to every change and read", async () => {
      const { roomId: foreign, messages } = await newRoom([cat], ["a"]);
      const asked = (roomId: bigint) => {
        const [userId, actorId, messageId] = [stranger, stranger, messages[0]!.id];
        const room = { case: "roomId", value: roomId } as const;
        const position = { case: undefined };
        return Promise.all([
          ...[
            change("sendMessage", { roomId, userId, body: "x" }),
            change("editMessage", { roomId, userId, messageId, body: "x" }),
            change("deleteMessage", { roomId, userId, messageId }),
            change("removeMember", { roomId, userId: cat, actorId }),
            change("removeMember", { roomId, userId, actorId }),
            change("transferOwnership", { roomId, userId: cat, actorId }),
            change("markRead", { roomId, userId, messageId }),
          ].map(async (each) => (await store.commit([each])).outcomes[0]),
          ...[
            store.getRoom({ $typeName: "chat_grpc.GetRoomReq", room, userId }),
            store.listMessages({ $typeName: "chat_grpc.ListMessagesReq", roomId, userId, position, limit: 0 }),
            store.listMembers({ $typeName: "chat_grpc.ListMembersReq", roomId, userId, afterUserId: 0n, limit: 0 }),
            store.isMember({ $typeName: "chat_grpc.IsMemberReq", roomId, userId }),
          ].map((call) => call.catch((e: unknown) => e)),
        ]);
      };
      const texts = async (roomId: bigint) => {
        return (await asked(roomId)).map((outcome) => {
          if (!(outcome instanceof ConnectError)) return outcome;
          return [outcome.code, outcome.message.replace(`${roomId}`, "<room>"), outcome.details, [...outcome.metadata]];
        });
      };
      const answers = await texts(foreign);
      expect(answers).toEqual(await texts(nowhere));
      expect(answers.map((answer) => Array.isArray(answer) && answer[0])).toEqual([...Array(10).fill(5), false]);
    });

    test("[S1] the owner goes on to whoever has been there longest, and to whoever comes into an empty room", async () => {
      const { roomId } = await newRoom([bob, cat]);
      const owner = async (userId: bigint) => {
        const room = { case: "roomId", value: roomId } as const;
        return (await store.getRoom({ $typeName: "chat_grpc.GetRoomReq", room, userId })).ownerId;
      };
      await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
      await apply(store, "addMember", { roomId, userId: bob });
      await apply(store, "removeMember", { roomId, userId: ann, actorId: ann });
      expect(await owner(bob)).toBe(cat);
      expect(await apply(store, "transferOwnership", { roomId, userId: bob, actorId: cat })).toMatchObject({
        ownerId: bob,
      });
      const leaves = [bob, cat].map((userId) => change("removeMember", { roomId, userId, actorId: userId }));
      expect(codes(await store.commit(leaves))).toEqual(["ok", "ok"]);
      await apply(store, "addMember", { roomId, userId: stranger });
      expect(await owner(stranger)).toBe(stranger);
    });

    test("[S5] changes of several stores at once leave no hole, and each happens once", async () => {
      const { roomId, messages } = await newRoom([bob], ["x"]);
      await using other = await parts().open();
      const users = Array.from({ length: 20 }, (_, i) => BigInt(i + 1));
      const news: News[] = [];
      const commits = [store, other, store, other].map(async (each, k) => {
        for (const userId of users) {
          const commit = await each.commit([
            change("addMember", { roomId, userId }),
            change("editMessage", { roomId, messageId: messages[0]!.id, userId: ann, body: `${userId}/${k}` }),
            change("sendMessage", { roomId, userId: bob, body: "y", clientMessageId: `${userId}` }),
          ]);
          news.push(...commit.news);
        }
      });
      await Promise.all(commits);
      const seqs = news.flatMap(({ messages }) => messages.map(({ seq }) => Number(seq)));
      expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 2));
      const memberSeqs = news.flatMap(({ members }) => members.map(({ member }) => Number(member!.memberSeq)));
      expect(memberSeqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 3));
    });
  });

  describe("news", () => {
    test("[S1][S2] of a commit are each room's changes in their order, with where its members are", async () => {
      const [one, two, quiet] = [await newRoom([bob], ["a"]), await newRoom([], ["b", "c"]), await newRoom([], ["d"])];
      const { outcomes, news } = await store.commit([
        change("deleteMessage", { roomId: two.roomId, messageId: two.messages[0]!.id, userId: ann }),
        change("sendMessage", { roomId: one.roomId, userId: bob, body: "sent" }),
        change("editMessage", { roomId: one.roomId, messageId: one.messages[0]!.id, userId: ann, body: "edited" }),
        change("editMessage", { roomId: one.roomId, messageId: one.messages[0]!.id, userId: ann, body: "twice" }),
        change("addMember", { roomId: one.roomId, userId: cat }),
        change("markRead", { roomId: one.roomId, userId: bob, messageId: one.messages[0]!.id }),
        change("removeMember", { roomId: one.roomId, userId: bob, actorId: ann }),
        change("sendMessage", { roomId: one.roomId, userId: bob, body: "sends come first" }),
        change("sendMessage", { roomId: one.roomId, userId: cat, body: "refused" }),
        change("transferOwnership", { roomId: quiet.roomId, userId: ann, actorId: ann }),
        change("editMessage", { roomId: quiet.roomId, messageId: quiet.messages[0]!.id, userId: ann, body: "d" }),
      ]);
      expect(codes({ outcomes, news })).toEqual([...Array(8).fill("ok"), "NotFound", "ok", "ok"]);
      const of = (roomId: bigint) => news.filter((each) => each.roomId === roomId);
      expect(of(one.roomId)).toMatchObject([
        {
          messages: [
            { body: "sent", seq: 2n },
            { body: "sends come first", seq: 3n },
            { body: "edited", seq: 4n },
            { body: "twice", seq: 5n },
          ],
          members: [
            { isNew: true, member: { userId: cat, memberSeq: 3n } },
            { isNew: false, member: { userId: bob, memberSeq: 4n, readMessageId: one.messages[0]!.id } },
            { isNew: false, member: { userId: bob, memberSeq: 5n, removedAt: expect.anything() } },
          ],
          memberSeq: 5n,
        },
      ]);
      expect(of(two.roomId)).toMatchObject([{ messages: [{ body: "", seq: 3n }], members: [], memberSeq: 1n }]);
      expect(news).toHaveLength(2);
    });
  });

  describe("readLogs", () => {
    test("[S3] gives each message and member that changed once, in its latest state, in the order of the changes", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b", "c"]);
      const [a, b] = messages.map(({ id }) => id) as [bigint, bigint, bigint];
      const cursor = await head(roomId);
      await apply(store, "editMessage", { roomId, messageId: b, userId: ann, body: "B" });
      const edited = await apply(store, "editMessage", { roomId, messageId: a, userId: ann, body: "A" });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: b, userId: ann });
      await apply(store, "addMember", { roomId, userId: cat });
      const read = await apply(store, "markRead", { roomId, userId: bob, messageId: a });
      const readByCat = await apply(store, "sendMessage", { roomId, userId: cat, body: "d" });
      const moved = await apply(store, "markRead", { roomId, userId: cat, messageId: readByCat.id });
      expect(await readLog(roomId, cursor)).toMatchObject({
        messages: [edited, deleted, readByCat],
        members: [
          { member: read, isNew: false },
          { member: moved, isNew: true },
        ],
        head: { seq: 7n, memberSeq: 5n },
      });
      const afterAdded = { seq: 4n, memberSeq: 3n };
      expect((await readLog(roomId, afterAdded)).members.map(({ isNew }) => isNew)).toEqual([false, false]);
      const whole = await readLog(roomId);
      expect(whole.messages.map(({ body }) => body)).toEqual(["c", "A", "", "d"]);
      expect(whole.members.map(({ member, isNew }) => [member!.userId, isNew])).toEqual([
        [ann, true],
        [bob, true],
        [cat, true],
      ]);
      const nothing = { messages: [], members: [], head: { seq: 7n, memberSeq: 5n } };
      expect(await readLog(roomId, await head(roomId))).toEqual(nothing);
      expect(await readLog(roomId, { seq: nowhere, memberSeq: nowhere })).toEqual(nothing);
    });

    test("[S3] gives pages of both logs, at most limit of either, for many rooms at once", async () => {
      const bodies = Array.from({ length: 10 }, (_, i) => `${i}`);
      const others = Array.from({ length: 9 }, (_, i) => BigInt(i + 1));
      const rooms = [await newRoom(others, bodies), await newRoom(), await newRoom(others, bodies)];
      for (const { roomId, messages } of [rooms[0]!, rooms[2]!]) {
        for (const { id } of messages.slice(2, 4)) {
          await apply(store, "editMessage", { roomId, messageId: id, userId: ann, body: `edited ${id}` });
        }
      }
      const cursors = [beginning, beginning, { seq: 3n, memberSeq: 8n }];
      const readers = await Promise.all(rooms.map(({ roomId }, i) => reader(roomId, cursors[i])));
      const pages = await store.readLogs(readers, atMost(3));
      const numbers = rooms.map(({ roomId }) => {
        const { messages, members } = pages.get(roomId)!;
        return [messages.map(({ seq }) => Number(seq)), members.map(({ member }) => Number(member!.memberSeq))];
      });
      expect(numbers).toEqual([
        [
          [1, 2, 5],
          [1, 2, 3],
        ],
        [[], [1]],
        [
          [5, 6, 7],
          [9, 10],
        ],
      ]);

      const { roomId } = rooms[0]!;
      const whole = await readLog(roomId);
      const paged: { messages: Message[]; members: Member[] } = { messages: [], members: [] };
      for (;;) {
        const memberSeq = paged.members.at(-1)?.memberSeq ?? 0n;
        const page = await readLog(roomId, { seq: paged.messages.at(-1)?.seq ?? 0n, memberSeq }, 4);
        expect(page.head).toEqual(whole.head);
        if (page.messages.length + page.members.length === 0) break;
        paged.messages.push(...page.messages);
        paged.members.push(...page.members.map(({ member }) => member!));
      }
      expect(paged.messages).toEqual(whole.messages);
      expect(paged.members).toEqual(whole.members.map(({ member }) => member));
    });

    test("[S3] gives nothing to whose membership has ended or been renewed, or is another room's", async () => {
      const { roomId } = await newRoom([bob, cat], ["a"]);
      const { roomId: elsewhere } = await newRoom([bob], ["b"]);
      const former = await reader(roomId, beginning, bob);
      expect((await store.readLogs([former], atMost(10))).get(roomId)!.messages).toHaveLength(1);
      await apply(store, "removeMember", { roomId, userId: bob, actorId: bob });
      expect(await store.readLogs([former], atMost(10))).toEqual(new Map());
      expect(await store.readersAtHead(bob, [roomId])).toEqual([]);
      const { id } = await apply(store, "addMember", { roomId, userId: bob });
      expect(await store.readLogs([former], atMost(10))).toEqual(new Map());
      expect(await store.readersAtHead(bob, [roomId])).toMatchObject([{ membershipId: id }]);
      expect([...(await store.readLogs([former, await reader(roomId)], atMost(10))).keys()]).toEqual([roomId]);
      const crossed = { ...(await reader(elsewhere, beginning, bob)), roomId };
      expect(await store.readLogs([crossed, { ...former, roomId: nowhere }], atMost(10))).toEqual(new Map());
      expect(await store.readLogs([], atMost(10))).toEqual(new Map());
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
      const atBeginning = await reader(roomId);
      while (!done) {
        const { messages, members, head } = (await other.readLogs([atBeginning], atMost(1_000))).get(roomId)!;
        expect(members).toHaveLength(messages.length + 1);
        expect(head).toEqual({ seq: BigInt(messages.length), memberSeq: BigInt(members.length) });
      }
      await writing;
    });
  });
}
