import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { apply } from "../support/changes.ts";
import { Model, Refused } from "../support/model.ts";
import { createReq, memberReq, messagesOf } from "../support/requests.ts";
import { type Outcome, SendStore } from "../support/send-store.ts";
import { alice, answer, bob, last, send, sentLog, stranger } from "../support/sent-rooms.ts";
import { freshPost, newStoredRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

/** The rules of ChatStore for sends that are repeated, or refused. */
export function retriesContract(parts: () => StoreParts): void {
  let store: SendStore;
  beforeAll(() => {
    store = new SendStore(parts().store);
  });

  const openAnother = async () => new SendStore(await parts().open());
  const newRoom = (creator = alice, ...others: bigint[]) => newStoredRoom(store.whole, creator, ...others);
  const log = (roomId: bigint, from = store) => sentLog(from, roomId);

  describe("sends that are repeated or refused", () => {
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

    test("[S4] of sends with one id in a commit, the first that may be stored is the message", async () => {
      const room = await newRoom();
      const reply = (body: string, replyToId: bigint) => ({ ...send(room, body, alice, "same"), replyToId });
      const refused = reply("re", last);
      const plain = send(room, "a", alice, "same");
      const outcomes = await store.commit([
        ...[refused, refused, plain, send(room, "b", alice, "same")],
        ...[refused, reply("a", last), send(room, "c", alice, "other")],
      ]);
      expect(outcomes.map(answer)).toEqual([
        ...["NotFound", "NotFound", { body: "a", seq: 1n, isNew: true }, "AlreadyExists"],
        ...["AlreadyExists", { body: "a", seq: 1n, isNew: false }, { body: "c", seq: 2n, isNew: true }],
      ]);
      expect((await log(room)).map(({ body }) => body)).toEqual(["a", "c"]);
    });

    test("[S1] a reply to a message of the same commit is to none: its id was not known", async () => {
      const room = await newRoom();
      const [first] = messagesOf(await store.commit([send(room, "a")]));
      const guesses = Array.from({ length: 10 }, (_, i) => {
        return { ...send(room, "guess"), replyToId: first!.id + BigInt(i + 1) };
      });
      const outcomes = await store.commit([send(room, "b"), ...guesses]);
      expect(outcomes.slice(1).map(answer)).toEqual(Array(10).fill("NotFound"));
    });

    test("[S1][S4] sends of one commit are answered and stored as if each had one of its own", async () => {
      const anySend = fc.record({
        userId: fc.constantFrom(alice, alice, bob, stranger),
        body: fc.constantFrom("x", "x", "y"),
        clientMessageId: fc.constantFrom("", "a", "a", "b", "known"),
        reply: fc.constantFrom(undefined, undefined, 0, 1, 2),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(anySend, { minLength: 1, maxLength: 12 }), async (sends) => {
          const run = async (commitAll: (all: ReturnType<typeof send>[]) => Promise<Outcome[]>) => {
            const room = await newRoom(alice, bob);
            const sent = await store.commit([send(room, "x", alice, "known"), send(room, "deleted")]);
            const ids = messagesOf(sent).map(({ id }) => id);
            await apply(store.whole, "deleteMessage", { roomId: room, userId: alice, messageId: ids[1]! });
            const targets = [...ids, last];
            const all = sends.map(({ userId, body, clientMessageId, reply }) => {
              const replyToId = reply === undefined ? 0n : targets[reply]!;
              return { ...send(room, body, userId, clientMessageId), replyToId };
            });
            const outcomes = (await commitAll(all)).map(answer);
            const { messages } = (await readLog(store.whole, room)).news;
            messages.sort((a, b) => Number(a.id - b.id));
            const stored = messages.map(({ body, userId, clientMessageId, replyCount }) => {
              return { body, userId, clientMessageId, replyCount };
            });
            return { outcomes, stored };
          };
          const together = await run((all) => store.commit(all));
          const alone = await run(async (all) => {
            const outcomes: Outcome[] = [];
            for (const each of all) outcomes.push(...(await store.commit([each])));
            return outcomes;
          });
          // Several replies of one commit change the message that they reply to once, after all sends.
          const hasReplies = sends.some(({ reply }) => reply !== undefined);
          const compared = ({ outcomes, stored }: typeof together) => {
            const asCompared = (each: ReturnType<typeof answer>) => {
              return typeof each === "string" || !hasReplies ? each : { ...each, seq: undefined };
            };
            return [outcomes.map(asCompared), stored];
          };
          expect(compared(together)).toEqual(compared(alone));
          // Before them come two sends and a deletion.
          const seqs = together.outcomes.flatMap((each) => (typeof each !== "string" && each.isNew ? each.seq : []));
          expect(seqs).toEqual(seqs.map((_, i) => BigInt(i + 4)));
        }),
        { numRuns: 60 },
      );
    });
  });
}
