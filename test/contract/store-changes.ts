import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import {
  IsMemberReqSchema,
  ListMembersReqSchema,
  ListMessagesReqSchema,
  type Message,
  Role,
} from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { headOf, newSpokenRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const ann = GREAT_ID + 1_001n;
const bob = GREAT_ID + 1_002n;
const cat = GREAT_ID + 1_003n;
const stranger = GREAT_ID + 1_000n;
const nowhere = 2n ** 63n - 1n;

/** The rules of ChatStore for edits, deletions, members and read positions. */
export function changesContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const newRoom = (others?: bigint[], bodies?: string[]) => newSpokenRoom(store, ann, others, bodies);

  /** What each of the changes, asked for alone, answers; and that none of them left a trace. */
  async function refusals(roomId: bigint, changes: ReturnType<typeof change>[]): Promise<string[]> {
    const before = await readLog(store, roomId);
    const alone = [];
    for (const each of changes) alone.push(await store.commit([each]));
    const together = await store.commit(changes);
    expect([together.news, together.reads]).toEqual([[], []]);
    expect(codes(together)).toEqual(alone.flatMap(codes));
    expect(await readLog(store, roomId)).toEqual(before);
    return codes(together);
  }

  describe("edits and deletions", () => {
    test("[S1] take the next seq; the message keeps its id and creation", async () => {
      const { roomId, messages } = await newRoom([], ["a", "b", "c"]);
      const [a, b] = messages as [Message, Message, Message];
      const edited = await apply(store, "editMessage", { roomId, messageId: a.id, userId: ann, body: "A" });
      expect(edited).toEqual({ ...a, body: "A", seq: 4n, updatedAt: edited.updatedAt, editedAt: edited.updatedAt });
      expect(edited.updatedAt).not.toEqual(a.updatedAt);
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: b.id, userId: ann });
      const { updatedAt, deletedAt } = deleted;
      expect(deleted).toEqual({ ...b, body: "", seq: 5n, updatedAt, deletedAt });
      expect(deletedAt).toBeDefined();
      const sent = await apply(store, "sendMessage", { roomId, userId: ann, body: "d" });
      expect(sent.seq).toBe(6n);
      expect((await readLog(store, roomId)).news.messages).toEqual([messages[2], edited, deleted, sent]);
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
      const before = await readLog(store, roomId);
      const { outcomes, news } = await store.commit([
        edit,
        change("editMessage", { roomId, messageId: a, userId: ann, body: "AA", clientEditId: "2" }),
        change("editMessage", { roomId, messageId: a, userId: ann, body: "again", clientEditId: "2" }),
        change("deleteMessage", { roomId, messageId: b, userId: ann }),
      ]);
      expect(outcomes).toEqual([second, second, second, deleted]);
      expect(news).toEqual([]);
      expect(await readLog(store, roomId)).toEqual(before);
    });

    test("[S4] an edit id is one message's own, and the author's", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b"]);
      const edits = messages.map(({ id: messageId }) => {
        return change("editMessage", { roomId, messageId, userId: ann, body: "new", clientEditId: "1" });
      });
      const [first] = edits;
      const byBob = change("editMessage", { ...(first!.value as object), userId: bob, roomId } as never);
      expect(codes(await store.commit([byBob, ...edits]))).toEqual(["PermissionDenied", "ok", "ok"]);
      expect((await readLog(store, roomId)).news.messages.map(({ body }) => body)).toEqual(["new", "new"]);
    });

    test("[S4] a send that is repeated gets the message as it is by then", async () => {
      const { roomId } = await newRoom();
      const sends = ["edited", "deleted"].map((body) => {
        return change("sendMessage", { roomId, userId: ann, body, clientMessageId: body });
      });
      const [one, two] = (await store.commit(sends)).outcomes.map((message) => (message as Message).id);
      const edited = await apply(store, "editMessage", { roomId, messageId: one!, userId: ann, body: "new" });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId: two!, userId: ann });
      expect(await store.commit(sends)).toEqual({ outcomes: [edited, deleted], news: [], reads: [] });
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
            { replyToId: b, threadId: b, seq: 3n },
            { replyToId: a, threadId: a, seq: 4n },
            { id: a, replyCount: 1, seq: 5n },
            { id: b, replyCount: 1, seq: 6n },
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
      expect((await store.commit(replies)).news[0]!.messages).toHaveLength(2 * LIMITS.commitChanges);
      expect((await store.commit(replies)).news).toEqual([]);
    });
  });

  describe("members", () => {
    test("[S1] beginnings and ends take the next member_seq; a renewed membership is another one", async () => {
      const { roomId, messages } = await newRoom([], ["a"]);
      const added = await apply(store, "addMember", { roomId, userId: bob });
      expect(added).toMatchObject({ memberSeq: 2n, readMessageId: messages[0]!.id });
      const read = await apply(store, "sendMessage", { roomId, userId: bob, body: "b" });
      const moved = await apply(store, "markRead", { roomId, userId: bob, messageId: read.id });
      expect(moved).toEqual({ ...added, readMessageId: read.id, updatedAt: moved.updatedAt });
      const removed = await apply(store, "removeMember", { roomId, userId: bob, actorId: ann });
      const { updatedAt, removedAt } = removed;
      expect(removed).toEqual({ ...moved, memberSeq: 3n, updatedAt, removedAt });
      expect(removedAt).toBeDefined();
      await apply(store, "sendMessage", { roomId, userId: ann, body: "c" });
      const { id: newest } = await apply(store, "sendMessage", { roomId, userId: ann, body: "d" });
      const again = await apply(store, "addMember", { roomId, userId: bob });
      expect(again).toMatchObject({ memberSeq: 4n, readMessageId: newest });
      expect(again.removedAt).toBeUndefined();
      expect(again.id).toBeGreaterThan(removed.id);
      expect(await headOf(store, roomId)).toEqual({ seq: 4n, memberSeq: 4n });
    });

    test("[S4] a read position that moves is told, with who may hear of it; it goes forward only", async () => {
      const { roomId, messages } = await newRoom([bob, cat], ["a", "b"]);
      const [first, second] = messages.map(({ id }) => id) as [bigint, bigint];
      const mark = (userId: bigint, messageId: bigint) => change("markRead", { roomId, userId, messageId });
      const commit = await store.commit([
        mark(bob, first),
        change("removeMember", { roomId, userId: cat, actorId: cat }),
        mark(ann, second),
        mark(bob, first),
        mark(cat, first),
        mark(bob, second),
      ]);
      expect(codes(commit)).toEqual(["ok", "ok", "ok", "ok", "NotFound", "ok"]);
      expect(commit.reads).toMatchObject([
        { roomId, userId: bob, messageId: first, memberSeq: 3n, members: 3 },
        { roomId, userId: ann, messageId: second, memberSeq: 4n, members: 2 },
        { roomId, userId: bob, messageId: second, memberSeq: 4n, members: 2 },
      ]);
      const { outcomes, reads } = await store.commit([mark(bob, first)]);
      expect(outcomes).toMatchObject([{ readMessageId: second }]);
      expect(reads).toEqual([]);
    });

    test("[S8] a read position moves back where it may, also to the beginning, and takes a revision each time", async () => {
      const { roomId, messages } = await newRoom([bob], ["a", "b"]);
      const [first, second] = messages.map(({ id }) => id) as [bigint, bigint];
      const mark = (messageId: bigint, mayMoveBack = true) => {
        return change("markRead", { roomId, userId: bob, messageId, mayMoveBack });
      };
      const commit = await store.commit([mark(second), mark(first), mark(first, false), mark(second), mark(0n)]);
      const positions = [second, first, first, second, 0n];
      expect(commit.outcomes.map((each) => "readMessageId" in each && each.readMessageId)).toEqual(positions);
      expect(commit.reads.map(({ messageId }) => messageId)).toEqual([second, first, second, 0n]);
      const revisions = commit.reads.map(({ revision }) => revision);
      expect(revisions).toEqual(revisions.toSorted((a, b) => Number(a - b)));
      expect(new Set(revisions).size).toBe(4);
      const { revision, of } = await store.memberships(bob, [roomId]);
      expect(of[0]!.read).toMatchObject({ messageId: 0n, revision: revisions.at(-1)! });
      expect(revision).toBeGreaterThanOrEqual(revisions.at(-1)!);
      const [before, { reads }] = [messages.length, await readLog(store, roomId)];
      expect(reads).toEqual({ [`${bob}`]: of[0]!.read });
      expect(await headOf(store, roomId)).toEqual({ seq: BigInt(before), memberSeq: 2n });
      expect((await store.commit([mark(0n), mark(0n, false)])).reads).toEqual([]);
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
            change("setRole", { roomId, userId: cat, actorId, role: Role.MODERATOR }),
            change("addMember", { roomId, userId, actorId }),
            change("addMember", { roomId, userId: cat, actorId }),
            change("markRead", { roomId, userId, messageId }),
          ].map(async (each) => (await store.commit([each])).outcomes[0]),
          ...[
            store.getRoom({ $typeName: "chat_grpc.GetRoomReq", room, userId }),
            store.listMessages(create(ListMessagesReqSchema, { roomId, userId, position })),
            store.listMembers(create(ListMembersReqSchema, { roomId, userId })),
            store.isMember(create(IsMemberReqSchema, { roomId, userId: cat, actorId })),
            store.isMember(create(IsMemberReqSchema, { roomId, userId, actorId })),
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
      expect(answers.map((answer) => Array.isArray(answer) && answer[0])).toEqual([...Array(14).fill(5), false]);
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
      const memberSeqs = news.flatMap(({ members }) => members.map(({ memberSeq }) => Number(memberSeq)));
      expect(memberSeqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 3));
    });
  });

  describe("news", () => {
    test("[S1][S2] of a commit are each room's changes in their order, with where its members are", async () => {
      const [one, two, quiet] = [await newRoom([bob], ["a"]), await newRoom([], ["b", "c"]), await newRoom([], ["d"])];
      const { outcomes, news, reads } = await store.commit([
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
      expect(codes({ outcomes, news, reads })).toEqual([...Array(8).fill("ok"), "NotFound", "ok", "ok"]);
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
            { userId: cat, memberSeq: 3n },
            { userId: bob, memberSeq: 4n, readMessageId: one.messages[0]!.id, removedAt: expect.anything() },
          ],
          memberSeq: 4n,
        },
      ]);
      expect(of(two.roomId)).toMatchObject([{ messages: [{ body: "", seq: 3n }], members: [], memberSeq: 1n }]);
      expect(news).toHaveLength(2);
    });
  });
}
