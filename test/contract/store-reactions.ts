import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { ListMessagesReqSchema, type Message, Role } from "../../gen/chat_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import type { ChatStore, Commit } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { newSpokenRoom, readLog } from "../support/stored-rooms.ts";
import { forever } from "../support/times.ts";
import type { StoreParts } from "./store.ts";

const ann = GREAT_ID + 160_000n;
const [bob, cat, stranger] = [ann + 1n, ann + 2n, ann + 3n];
const nowhere = 2n ** 62n;

/** The rules of ChatStore for reactions and pins. */
export function reactionsContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  const newRoom = async (bodies = ["a", "b"]) => {
    const { roomId, messages } = await newSpokenRoom(store, ann, [bob, cat], bodies);
    return { roomId, messages, messageId: messages[0]!.id };
  };
  const react = (roomId: bigint, messageId: bigint, userId: bigint, emoji = "👍", on = true) => {
    return change("setReaction", { roomId, messageId, userId, emoji, on });
  };

  describe("reactions", () => {
    test("[S19] are a change of the message: it takes the next seq, and travels as it is then", async () => {
      const { roomId, messages, messageId } = await newRoom();
      const { outcomes, news } = await store.commit([react(roomId, messageId, bob)]);
      const [message] = outcomes as [Message];
      const reactions = [expect.objectContaining({ emoji: "👍", count: 1, userIds: [bob] })];
      expect(message).toEqual({ ...messages[0], seq: 3n, reactions, updatedAt: expect.anything() });
      expect(message.updatedAt).not.toEqual(messages[0]!.updatedAt);
      expect(news.flatMap((each) => each.messages)).toEqual([message]);
      expect((await readLog(store, roomId)).news.messages).toEqual([messages[1], message]);
    });

    test("[S19] name their users in the order in which they came, and the emoji likewise", async () => {
      const { roomId, messageId } = await newRoom();
      const changes = [
        ...[react(roomId, messageId, cat), react(roomId, messageId, ann, "'\"\\ä"), react(roomId, messageId, bob)],
        ...[react(roomId, messageId, ann), react(roomId, messageId, cat, "👍", false), react(roomId, messageId, cat)],
      ];
      const { outcomes } = await store.commit(changes);
      expect((outcomes.at(-1) as Message).reactions).toMatchObject([
        { emoji: "👍", count: 3, userIds: [bob, ann, cat] },
        { emoji: "'\"\\ä", count: 1, userIds: [ann] },
      ]);
      for (const user of [ann, bob, cat]) await store.commit([react(roomId, messageId, user, "👍", false)]);
      const last = await apply(store, "setReaction", { roomId, messageId, userId: ann, emoji: "👍", on: true });
      expect(last.reactions.map(({ emoji }) => emoji)).toEqual(["'\"\\ä", "👍"]);
      expect(last).toMatchObject({ createdSeq: 1n });
      expect(last.editedAt).toBeUndefined();
    });

    test("[S4][S19] that are there already, or aren't, are no change", async () => {
      const { roomId, messageId } = await newRoom();
      const first = await apply(store, "setReaction", { roomId, messageId, userId: bob, emoji: "👍", on: true });
      const { outcomes, news } = await store.commit([
        react(roomId, messageId, bob),
        react(roomId, messageId, bob, "🎂", false),
        react(roomId, messageId, cat, "👍", false),
      ]);
      expect(outcomes).toEqual([first, first, first]);
      expect(news).toEqual([]);
    });

    test("[S19] count all of a crowd, and name the first 50", async () => {
      const { roomId, messageId } = await newRoom();
      const crowd = Array.from({ length: 60 }, (_, i) => ann + 100n + BigInt(i));
      await store.commit(crowd.map((userId) => change("addMember", { roomId, userId })));
      const { outcomes } = await store.commit(crowd.map((userId) => react(roomId, messageId, userId)));
      expect((outcomes.at(-1) as Message).reactions).toMatchObject([{ count: 60, userIds: crowd.slice(0, 50) }]);
      const left = await apply(store, "setReaction", { roomId, messageId, userId: crowd[0]!, emoji: "👍", on: false });
      expect(left.reactions).toMatchObject([{ count: 59, userIds: crowd.slice(1, 51) }]);
    });

    test("[S19] count those of a crowd who aren't named, whoever takes theirs back", async () => {
      const { roomId, messageId } = await newRoom();
      const crowd = Array.from({ length: 53 }, (_, i) => ann + 200n + BigInt(i));
      await store.commit(crowd.map((userId) => change("addMember", { roomId, userId })));
      await store.commit(crowd.map((userId) => react(roomId, messageId, userId)));
      const [first, unnamed, last] = [crowd[0]!, crowd[51]!, crowd[52]!];
      const { outcomes } = await store.commit([
        react(roomId, messageId, unnamed, "👍", false),
        react(roomId, messageId, first, "👍", false),
        react(roomId, messageId, last, "👍", false),
        react(roomId, messageId, crowd[1]!, "👍", false),
        react(roomId, messageId, first),
        react(roomId, messageId, unnamed),
      ]);
      const named = (outcomes as Message[]).map(({ reactions: [reaction] }) => [reaction!.count, reaction!.userIds]);
      expect(named).toEqual([
        [52, crowd.slice(0, 50)],
        [51, crowd.slice(1, 51)],
        [50, crowd.slice(1, 51)],
        [49, crowd.slice(2, 51)],
        [50, [...crowd.slice(2, 51), first]],
        [51, [...crowd.slice(2, 51), first]],
      ]);
    });

    test("[S19] may be any text, and go from among the others", async () => {
      const { roomId, messageId } = await newRoom();
      const emoji = ["1", "null", "[]", '{"a":1}', "$[0]", " ", "👍🏽", "👍"];
      await store.commit(
        emoji.flatMap((each) => [react(roomId, messageId, ann, each), react(roomId, messageId, bob, each)]),
      );
      const taken = emoji.filter((_, i) => i % 2 === 1);
      await store.commit(taken.map((each) => react(roomId, messageId, ann, each, false)));
      const { outcomes } = await store.commit(taken.map((each) => react(roomId, messageId, bob, each, false)));
      const kept = emoji.filter((_, i) => i % 2 === 0);
      expect((outcomes.at(-1) as Message).reactions).toMatchObject(
        kept.map((each) => ({ emoji: each, count: 2, userIds: [ann, bob] })),
      );
    });

    test("[P7] a message has 20 different ones at most, each of which others may join", async () => {
      const { roomId, messageId } = await newRoom();
      const emoji = Array.from({ length: 21 }, (_, i) => `:${i}:`);
      const added = await store.commit(emoji.map((each) => react(roomId, messageId, bob, each)));
      expect(codes(added)).toEqual([...Array(20).fill("ok"), "FailedPrecondition"]);
      const joined = await store.commit([react(roomId, messageId, cat, ":0:"), react(roomId, messageId, cat, ":20:")]);
      expect(codes(joined)).toEqual(["ok", "FailedPrecondition"]);
      const swap = [react(roomId, messageId, bob, ":3:", false), react(roomId, messageId, cat, ":20:")];
      const { outcomes } = await store.commit(swap);
      expect((outcomes[1] as Message).reactions.map((each) => each.emoji)).toEqual([
        ...emoji.slice(0, 20).filter((each) => each !== ":3:"),
        ":20:",
      ]);
    });

    test("[S6][S10] are for members who may speak, on messages of the room that are there", async () => {
      const { roomId, messages, messageId } = await newRoom();
      const elsewhere = await newRoom();
      await apply(store, "deleteMessage", { roomId, messageId: messages[1]!.id, userId: ann });
      await apply(store, "setRole", { roomId, userId: cat, actorId: ann, role: Role.READER });
      const before = await readLog(store, roomId);
      const refused = await store.commit([
        react(roomId, messageId, stranger),
        react(nowhere, messageId, ann),
        react(roomId, elsewhere.messageId, ann),
        react(roomId, messages[1]!.id, ann),
        react(roomId, messageId, cat),
      ]);
      expect(codes(refused)).toEqual(["NotFound", "NotFound", "NotFound", "FailedPrecondition", "PermissionDenied"]);
      expect(refused.news).toEqual([]);
      expect(await readLog(store, roomId)).toEqual(before);
    });

    test("[S13] are, like edits, not for who is muted, whatever the role, nor for plain members of a frozen room", async () => {
      const { roomId, messages, messageId } = await newRoom();
      const [before] = (await store.commit([react(roomId, messageId, cat)])).outcomes as [Message];
      const said = await store.commit([bob, cat].map((userId) => change("sendMessage", { roomId, userId, body: "x" })));
      const [ofBob, ofCat] = said.outcomes as [Message, Message];
      const edit = ({ id, userId }: Message) => {
        return change("editMessage", { roomId, messageId: id, userId, body: "edited" });
      };
      const tries = [
        react(roomId, messageId, bob),
        react(roomId, messageId, cat, "👍", false),
        edit(ofBob),
        edit(ofCat),
      ];
      const reasonsOf = ({ outcomes, news }: Commit) => {
        expect(news).toEqual([]);
        return outcomes.map((outcome) => (outcome as ConnectError).findDetails(ErrorInfoSchema)[0]?.reason);
      };
      for (const userId of [bob, cat]) {
        await apply(store, "setMute", { roomId, userId, actorId: ann, mutedUntil: forever });
      }
      await apply(store, "setRole", { roomId, userId: cat, actorId: ann, role: Role.MODERATOR });
      const muted = await store.commit(tries);
      expect([codes(muted), reasonsOf(muted)]).toEqual([Array(4).fill("PermissionDenied"), Array(4).fill("MUTED")]);
      expect((await store.commit([react(roomId, messageId, cat)])).outcomes, "no change").toEqual([before]);

      for (const userId of [bob, cat]) await apply(store, "setMute", { roomId, userId, actorId: ann });
      await apply(store, "updateRoom", { roomId, actorId: ann, frozenUntil: forever });
      const frozen = await store.commit([tries[0]!, tries[2]!]);
      expect([codes(frozen), reasonsOf(frozen)]).toEqual([Array(2).fill("PermissionDenied"), Array(2).fill("FROZEN")]);
      const allowed = [tries[1]!, tries[3]!, react(roomId, messageId, ann), edit(messages[1]!)];
      expect(codes(await store.commit(allowed))).toEqual(Array(4).fill("ok"));
      await apply(store, "updateRoom", { roomId, actorId: ann, frozenUntil: timestampFromMs(1) });
      expect(codes(await store.commit([tries[0]!, tries[2]!]))).toEqual(["ok", "ok"]);
    });

    test("[S19] go with the message", async () => {
      const { roomId, messageId } = await newRoom();
      await store.commit([react(roomId, messageId, bob)]);
      const deleted = await apply(store, "deleteMessage", { roomId, messageId, userId: ann });
      expect(deleted.reactions).toEqual([]);
    });
  });

  describe("pins", () => {
    const pinnedIn = async (roomId: bigint) => {
      const req = create(ListMessagesReqSchema, { roomId, userId: ann, pinned: true, limit: 200 });
      return (await store.listMessages(req)).messages.map(({ id }) => id);
    };

    test("[S19] are a change of the message, until they are taken back, or the message is deleted", async () => {
      const { roomId, messages } = await newRoom(["a", "b", "c"]);
      const [a, b, c] = messages.map(({ id }) => id) as [bigint, bigint, bigint];
      const pin = (messageId: bigint, on = true) => change("setPin", { roomId, messageId, actorId: ann, on });
      const { outcomes, news } = await store.commit([pin(c), pin(a)]);
      const [ofC, ofA] = outcomes as [Message, Message];
      const pinnedAt = expect.anything();
      expect(ofA).toEqual({ ...messages[0], seq: 5n, pinnedAt, updatedAt: expect.anything() });
      expect(news.flatMap((each) => each.messages)).toEqual([ofC, ofA]);
      expect(await pinnedIn(roomId)).toEqual([a, c]);
      const again = await store.commit([pin(a), pin(b, false)]);
      expect([again.outcomes, again.news]).toEqual([[ofA, messages[1]], []]);
      const taken = await apply(store, "setPin", { roomId, messageId: a, actorId: 0n, on: false });
      expect(taken.pinnedAt).toBeUndefined();
      await apply(store, "deleteMessage", { roomId, messageId: c, userId: ann });
      expect(await pinnedIn(roomId)).toEqual([]);
      expect(codes(await store.commit([pin(c)]))).toEqual(["FailedPrecondition"]);
    });

    test("[S10] are up to the owner, moderators and services", async () => {
      const { roomId, messageId } = await newRoom();
      const pins = [bob, stranger, ann, 0n].map((actorId) => {
        return change("setPin", { roomId, messageId, actorId, on: true });
      });
      expect(codes(await store.commit(pins))).toEqual(["PermissionDenied", "NotFound", "ok", "ok"]);
      await apply(store, "setRole", { roomId, userId: bob, actorId: ann, role: Role.MODERATOR });
      expect(codes(await store.commit(pins.slice(0, 1)))).toEqual(["ok"]);
    });

    test("[P7] a room has 50 at most", async () => {
      const { pinnedMessages } = LIMITS;
      const { roomId, messages } = await newRoom(Array.from({ length: pinnedMessages + 1 }, (_, i) => `${i}`));
      const pins = messages.map(({ id: messageId }) => change("setPin", { roomId, messageId, actorId: ann, on: true }));
      const { outcomes } = await store.commit(pins);
      const [last] = outcomes.slice(-1) as [ConnectError];
      expect(outcomes.filter((outcome) => outcome instanceof ConnectError)).toEqual([last]);
      expect(last.findDetails(ErrorInfoSchema)).toMatchObject([{ metadata: { limit: "pinnedMessages" } }]);
      expect(await pinnedIn(roomId)).toHaveLength(pinnedMessages);
    });
  });
}
