import { create, type JsonObject } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { type ListMessagesReq, ListMessagesReqSchema, type Message } from "../../gen/chat_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { newSpokenRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const [ann, bob, cat] = [1n, 2n, 3n].map((i) => GREAT_ID + 150_000n + i) as [bigint, bigint, bigint];

/** The rules of ChatStore for what messages carry beside their text, and for threads. */
export function threadsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const newRoom = (bodies?: string[]) => newSpokenRoom(store, ann, [bob], bodies);
  const replyTo = (roomId: bigint, replyToId: bigint, body = "re") => {
    return change("sendMessage", { roomId, userId: bob, body, replyToId });
  };
  const latest = async (roomId: bigint) => {
    const { messages } = (await readLog(store, roomId)).news;
    return new Map(messages.map((message) => [message.id, message]));
  };

  describe("threads", () => {
    test("[S15] a reply belongs to the thread of what it replies to, whose first message counts it", async () => {
      const { roomId, messages } = await newRoom(["root", "other"]);
      const [root, other] = messages as [Message, Message];
      const { outcomes, news } = await store.commit([replyTo(roomId, root.id), replyTo(roomId, root.id)]);
      const [one, two] = outcomes as Message[];
      expect([one, two].map((each) => [each!.threadId, each!.seq])).toEqual([
        [root.id, 3n],
        [root.id, 4n],
      ]);
      expect(news[0]!.messages).toEqual([one, two, { ...root, replyCount: 2, seq: 5n, updatedAt: expect.anything() }]);
      expect(news[0]!.messages[2]!.updatedAt).not.toEqual(root.updatedAt);
      const nested = await apply(store, "sendMessage", { roomId, userId: ann, body: "re re", replyToId: one!.id });
      expect(nested).toMatchObject({ threadId: root.id, replyToId: one!.id, seq: 6n });
      const all = await latest(roomId);
      expect(all.get(root.id)).toMatchObject({ replyCount: 3, seq: 7n, createdSeq: root.createdSeq, body: "root" });
      expect(all.get(root.id)!.editedAt).toBeUndefined();
      expect(all.get(other.id)).toEqual(other);
      expect(all.get(nested.id)).toEqual(nested);
    });

    test("[S15] of several threads and rooms in one commit, each takes the next seq of its room", async () => {
      const [one, two] = [await newRoom(["a", "b"]), await newRoom(["c"])];
      const [a, b] = one.messages as [Message, Message];
      const [c] = two.messages as [Message];
      const sends = [
        ...[replyTo(one.roomId, b.id), replyTo(two.roomId, c.id), replyTo(one.roomId, a.id)],
        ...[change("sendMessage", { roomId: one.roomId, userId: ann, body: "plain" }), replyTo(one.roomId, b.id)],
      ];
      const { outcomes, news } = await store.commit(sends);
      expect((outcomes as Message[]).map(({ seq }) => seq)).toEqual([3n, 2n, 4n, 5n, 6n]);
      const newsOf = (roomId: bigint) => news.find((each) => each.roomId === roomId)!.messages;
      expect(newsOf(one.roomId).map(({ seq }) => seq)).toEqual([3n, 4n, 5n, 6n, 7n, 8n]);
      expect(newsOf(one.roomId).slice(4)).toMatchObject([
        { id: a.id, replyCount: 1 },
        { id: b.id, replyCount: 2 },
      ]);
      expect(newsOf(two.roomId).map(({ id, seq }) => [id, seq])).toEqual([
        [(outcomes[1] as Message).id, 2n],
        [c.id, 3n],
      ]);
      for (const { roomId } of [one, two]) {
        expect(await latest(roomId)).toEqual(new Map([...(await latest(roomId)), ...newsOf(roomId).map(byId)]));
      }
    });

    test("[S15] a deleted reply counts no more; a thread goes on without its first message", async () => {
      const { roomId, messages } = await newRoom(["root"]);
      const [root] = messages as [Message];
      const [one, two] = (await store.commit([replyTo(roomId, root.id), replyTo(roomId, root.id)]))
        .outcomes as Message[];
      const remove = (messageId: bigint) => change("deleteMessage", { roomId, messageId, userId: ann });
      const { news } = await store.commit([remove(one!.id), remove(one!.id)]);
      expect(news[0]!.messages.map(({ id, seq, replyCount }) => [id, seq, replyCount])).toEqual([
        [one!.id, 5n, 0],
        [root.id, 6n, 1],
      ]);
      expect(news[0]!.messages[0]).toMatchObject({ threadId: root.id, replyToId: root.id, body: "" });
      const gone = await store.commit([remove(root.id)]);
      expect(gone.news[0]!.messages).toMatchObject([{ id: root.id, seq: 7n, replyCount: 1, body: "" }]);
      expect(codes(await store.commit([replyTo(roomId, root.id), replyTo(roomId, two!.id)]))).toEqual([
        "NotFound",
        "ok",
      ]);
      expect((await latest(roomId)).get(root.id)).toMatchObject({ replyCount: 2, deletedAt: expect.anything() });
    });

    test("[S15] a thread is listed by itself, in pages", async () => {
      const { roomId, messages } = await newRoom(["root", "other", "empty"]);
      const [root, other, empty] = messages as [Message, Message, Message];
      const bodies = Array.from({ length: 7 }, (_, i) => `${i}`);
      const replies = bodies.flatMap((body) => [
        replyTo(roomId, root.id, body),
        replyTo(roomId, other.id, `other ${body}`),
      ]);
      const ids = ((await store.commit(replies)).outcomes as Message[])
        .filter((_, i) => i % 2 === 0)
        .map(({ id }) => id);
      const list = async (threadId: bigint, position: ListMessagesReq["position"] = { case: undefined }, limit = 0) => {
        const req = create(ListMessagesReqSchema, { roomId, userId: bob, threadId, position, limit });
        const { messages, hasEarlier, hasLater } = await store.listMessages(req);
        return [messages.map(({ body }) => body).join(" "), hasEarlier, hasLater];
      };
      expect(await list(root.id)).toEqual(["0 1 2 3 4 5 6", false, false]);
      expect(await list(root.id, { case: undefined }, 3)).toEqual(["4 5 6", true, false]);
      expect(await list(root.id, { case: "afterId", value: 0n }, 3)).toEqual(["0 1 2", false, true]);
      expect(await list(root.id, { case: "beforeId", value: ids[4]! }, 3)).toEqual(["1 2 3", true, true]);
      expect(await list(root.id, { case: "aroundId", value: ids[3]! }, 3)).toEqual(["2 3 4", true, true]);
      expect(await list(empty.id)).toEqual(["", false, false]);
      for (const missing of [2n ** 62n, 1n]) await expect(list(missing)).rejects.toMatchObject({ code: 5 });
      await expect(list(root.id, { case: "aroundId", value: other.id })).rejects.toMatchObject({ code: 5 });
      const stranger = create(ListMessagesReqSchema, { roomId, userId: cat, threadId: root.id });
      await expect(store.listMessages(stranger)).rejects.toMatchObject({
        rawMessage: expect.stringContaining("no room"),
      });
    });
  });

  describe("what messages carry", () => {
    const data: JsonObject = { b: [1, -0, 1.5e300, '\u0000\u2028"\\ä€😀', null, true], a: { __proto__x: {}, z: [] } };

    test("[S16] data is kept, and told as it was answered", async () => {
      const { roomId } = await newRoom();
      const send = change("sendMessage", { roomId, userId: ann, body: "x", data, clientMessageId: "1" });
      const plain = change("sendMessage", { roomId, userId: ann, body: "y", clientMessageId: "2" });
      const { outcomes, news } = await store.commit([send, plain]);
      expect((outcomes[0] as Message).data).toEqual(JSON.parse(JSON.stringify(data)));
      expect((outcomes[1] as Message).data).toBeUndefined();
      expect(news[0]!.messages).toEqual(outcomes);
      expect((await readLog(store, roomId)).news.messages).toEqual(outcomes);
      const turned = { a: data.a!, b: data.b! };
      const again = (value: JsonObject) => {
        return change("sendMessage", { roomId, userId: ann, body: "x", data: value, clientMessageId: "1" });
      };
      expect((await store.commit([again(turned)])).outcomes).toEqual([outcomes[0]]);
      expect(codes(await store.commit([again({ a: 1 }), again({}), again(data)]))).toEqual([
        ...["AlreadyExists", "AlreadyExists", "ok"],
      ]);
    });

    test("[S16] an edit replaces the data, or leaves it; without another text or other data, it is none", async () => {
      const { roomId, messages } = await newRoom(["x"]);
      const [sent] = messages as [Message];
      const edit = (body: string, data?: JsonObject) => {
        return change("editMessage", { roomId, messageId: sent.id, userId: ann, body, ...(data && { data }) });
      };
      const { outcomes, news } = await store.commit([
        ...[edit("x", { a: 1, b: 2 }), edit("x", { b: 2, a: 1 }), edit("x"), edit("y"), edit("y", {})],
      ]);
      const seqs = (outcomes as Message[]).map(({ seq, data, editedAt }) => [seq, data, editedAt !== undefined]);
      const both = { a: 1, b: 2 };
      expect(seqs).toEqual([
        ...[
          [2n, both, true],
          [2n, both, true],
          [2n, both, true],
          [3n, both, true],
          [4n, {}, true],
        ],
      ]);
      expect(news[0]!.messages).toHaveLength(3);
      expect((await latest(roomId)).get(sent.id)).toEqual(outcomes[4]);
    });

    test("[S16] mentions are of members, and go with the message", async () => {
      const { roomId } = await newRoom();
      const send = (...mentionedUserIds: bigint[]) => {
        return change("sendMessage", { roomId, userId: ann, body: "x", mentionedUserIds });
      };
      const { outcomes, news } = await store.commit([send(bob, ann), send(bob, cat), send(cat), send()]);
      expect(codes({ outcomes, news, reads: [] })).toEqual(["ok", "FailedPrecondition", "FailedPrecondition", "ok"]);
      expect((outcomes[0] as Message).mentionedUserIds).toEqual([bob, ann]);
      expect((await readLog(store, roomId)).news.messages).toEqual([outcomes[0], outcomes[3]]);
      const messageId = (outcomes[0] as Message).id;
      const deleted = await apply(store, "deleteMessage", { roomId, messageId, userId: ann });
      expect(deleted).toMatchObject({ body: "", mentionedUserIds: [], seq: 3n });
      expect((await latest(roomId)).get(messageId)).toEqual(deleted);
    });

    test("[S16] deletion takes the data as well", async () => {
      const { roomId } = await newRoom();
      const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: ann, body: "x", data });
      const deleted = await apply(store, "deleteMessage", { roomId, messageId, userId: ann });
      expect(deleted.data).toBeUndefined();
      expect((await latest(roomId)).get(messageId)).toEqual(deleted);
    });

    test("[S3] a page counts the bytes of data", async () => {
      const { roomId } = await newRoom();
      const long = { text: "x".repeat(1_000) };
      const sends = ["a", "b", "c"].map((body) => change("sendMessage", { roomId, userId: ann, body, data: long }));
      await store.commit(sends);
      const { news, head } = await readLog(store, roomId, undefined, { bytes: 2_500 });
      expect(news.messages.map(({ body }) => body)).toEqual(["a", "b"]);
      expect(head.seq).toBe(3n);
    });
  });
}

function byId(message: Message): [bigint, Message] {
  return [message.id, message];
}
