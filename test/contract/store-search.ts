import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Message, SearchMessagesReqSchema, type SearchMessagesRes } from "../../gen/chat_pb.ts";
import type { ChatStore, Reading } from "../../src/chat/store.ts";
import { foldedWords } from "../../src/chat/words.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { codeOf } from "../support/rooms.ts";
import { newSpokenRoom, newStoredRoom } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

/** The rules of ChatStore for searches. */
export function searchContract(parts: () => StoreParts): void {
  describe("searchMessages", () => {
    let store: ChatStore;
    let lastUser = GREAT_ID + 130_000n;
    beforeAll(() => {
      store = parts().store;
    });
    const freshUser = () => ++lastUser;

    type Request = MessageInitShape<typeof SearchMessagesReqSchema>;
    const search = (req: Request, reading?: Reading): Promise<SearchMessagesRes> => {
      return store.searchMessages(create(SearchMessagesReqSchema, req), reading);
    };
    const bodies = ({ found }: SearchMessagesRes) => found.map(({ message }) => message!.body);
    const refusalOf = (req: Request, reading?: Reading) => codeOf(search(req, reading));

    /** All pages of a search. */
    async function all(req: Request): Promise<Message[]> {
      const found: Message[] = [];
      let pageToken = "";
      do {
        const page = await search({ ...req, pageToken });
        found.push(...page.found.map(({ message }) => message!));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return found;
    }

    test("[S18] finds words of any script, whatever their case and accents, and no parts of words", async () => {
      const ann = freshUser();
      const texts = [
        "Die Bestellung Order-9D3C ist verschickt! 🚚",
        "Über die Straße, naïve Élise",
        "我喜欢北京大学",
        "東京都に住んでいます",
        "สวัสดีชาวโลก",
        "أهلاً بالعَالَم يا أحمد",
        "हिन्दी में लिखा",
        "안녕하세요 세계",
        "Привет, Мир! ΟΔΟΣ οδός",
        "don't",
      ];
      const { roomId } = await newSpokenRoom(store, ann, [], texts);
      await parts().index();
      for (const [query, nth] of [
        ["bestellung", 0],
        ["order-9d3c", 0],
        ["9D3C order", 0],
        ["strasse", 1],
        ["ÜBER naive elise", 1],
        ["北京", 2],
        ["東京", 3],
        ["ชาว", 4],
        ["بالعالم", 5],
        ["أهلا احمد", 5],
        ["हिन्दी", 6],
        ["세계", 7],
        ["мир ПРИВЕТ", 8],
        ["Οδοσ", 8],
        ["DON'T", 9],
      ] as const) {
        expect(bodies(await search({ roomId, userId: ann, query })), query).toEqual([texts[nth]]);
      }
      for (const query of ["bestell", "order-9d3", "मैं", "bestellung über", "OR", "x* NEAR y", '"', "\ue000"]) {
        const words = foldedWords(query);
        if (words.size === 0) expect(await refusalOf({ roomId, userId: ann, query }), query).toBe("InvalidArgument");
        else expect(bodies(await search({ roomId, userId: ann, query })), query).toEqual([]);
      }
      for (const query of ["🚚", "!?", " "])
        expect(await refusalOf({ roomId, userId: ann, query })).toBe("InvalidArgument");
      const hostile = `bestellung" OR "über`;
      expect(bodies(await search({ roomId, userId: ann, query: hostile }))).toEqual([]);
      expect(bodies(await search({ roomId, userId: ann, query: `words ${"a b c ".repeat(30)}` }))).toEqual([]);
    });

    test("[S18] gives the newest first, page by page, each with an excerpt that shows the words", async () => {
      const ann = freshUser();
      const filler = "lorem ipsum ".repeat(40);
      const texts = Array.from({ length: 25 }, (_, i) => `${i % 2 ? filler : ""}needle ${i} ${filler}`);
      const { roomId, messages } = await newSpokenRoom(store, ann, [], texts);
      await parts().index();
      const pages: bigint[][] = [];
      for (let pageToken = "", more = true; more; more = pageToken !== "") {
        const page = await search({ roomId, userId: ann, query: "NEEDLE", limit: 10, pageToken });
        pages.push(page.found.map(({ message }) => message!.id));
        pageToken = page.nextPageToken;
        for (const { message, excerpt } of page.found) {
          const shown = excerpt.map(({ text }) => text).join("");
          expect(shown.length).toBeLessThanOrEqual(200);
          expect(message!.body).toContain(shown);
          expect(excerpt.filter(({ isMatch }) => isMatch).map(({ text }) => text)).toEqual(["needle"]);
        }
      }
      expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
      expect(pages.flat()).toEqual(messages.map(({ id }) => id).toReversed());
      expect(await refusalOf({ roomId, userId: ann, query: "needle", pageToken: "x" })).toBe("InvalidArgument");
    });

    test("[S18] a page of long texts ends earlier", async () => {
      const ann = freshUser();
      const texts = Array.from({ length: 12 }, (_, i) => `long ${i} ${"x".repeat(7_900)}`);
      const { roomId } = await newSpokenRoom(store, ann, [], texts);
      await parts().index();
      const page = await search({ roomId, userId: ann, query: "long" });
      expect(page.found.length).toBe(4);
      expect((await all({ roomId, userId: ann, query: "long" })).map(({ body }) => body)).toEqual(texts.toReversed());
    });

    test("[S6][S18] in a room only for its readers; in all rooms, in those that the user is a member of now", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const word = `w${freshUser()}`;
      const one = await newSpokenRoom(store, ann, [bob], [`${word} one`]);
      const two = await newSpokenRoom(store, ann, [], [`${word} two`]);
      await parts().index();
      expect(bodies(await search({ userId: ann, query: word }))).toEqual([`${word} two`, `${word} one`]);
      expect(bodies(await search({ userId: bob, query: word }))).toEqual([`${word} one`]);
      expect(bodies(await search({ userId: freshUser(), query: word }))).toEqual([]);
      expect(await refusalOf({ roomId: two.roomId, userId: bob, query: word })).toBe("NotFound");
      expect(await refusalOf({ roomId: 1n, userId: bob, query: word })).toBe("NotFound");
      expect(bodies(await search({ roomId: two.roomId, query: word }, "right"))).toEqual([`${word} two`]);
      expect(await refusalOf({ roomId: 1n, query: word }, "right")).toBe("NotFound");
      await apply(store, "removeMember", { roomId: one.roomId, userId: bob, actorId: bob });
      expect(bodies(await search({ userId: bob, query: word }))).toEqual([]);
      expect(await refusalOf({ roomId: one.roomId, userId: bob, query: word })).toBe("NotFound");
    });

    test("[P5][S18] in many rooms finds what is in them; of what is in others, not even a token tells", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const word = `w${freshUser()}`;
      for (let i = 0; i < 60; i++) await newStoredRoom(store, bob);
      const { roomId } = await newSpokenRoom(store, ann, [bob], [`${word} first`]);
      const others = await newStoredRoom(store, ann);
      const noise = Array.from({ length: 250 }, () =>
        change("sendMessage", { roomId: others, userId: ann, body: word }),
      );
      await store.commit(noise);
      await apply(store, "sendMessage", { roomId, userId: ann, body: `${word} last` });
      await parts().index();
      const page = await search({ userId: bob, query: word });
      expect(bodies(page)).toEqual([`${word} last`, `${word} first`]);
      expect(page.nextPageToken).toBe("");
      const first = await search({ userId: bob, query: word, limit: 1 });
      expect(first.nextPageToken).toBe(`${first.found[0]!.message!.id}`);
      expect(bodies(await search({ userId: bob, query: word, pageToken: first.nextPageToken }))).toEqual([
        `${word} first`,
      ]);
    });

    test("[P5][S11][S18] in a deleted room finds nothing, also while it is being erased", async () => {
      const owner = freshUser();
      const word = `w${freshUser()}`;
      const { roomId } = await newSpokenRoom(store, owner, [], [word]);
      const crowd = Array.from({ length: 1_100 }, freshUser);
      for (let i = 0; i < crowd.length; i += 100) {
        await apply(store, "addMembers", { roomId, userIds: crowd.slice(i, i + 100) });
      }
      await parts().index();
      expect(bodies(await search({ userId: crowd.at(-1)!, query: word }))).toEqual([word]);
      await apply(store, "deleteRoom", { roomId, actorId: owner });
      for (const userId of [owner, ...crowd.slice(-100)]) {
        expect(bodies(await search({ userId, query: word }))).toEqual([]);
      }
    });

    test("a token that no search has given is refused", async () => {
      const ann = freshUser();
      for (const pageToken of ["0", "x", "-1", "9999999999999999999", "1.0"]) {
        expect(await refusalOf({ userId: ann, query: "x", pageToken }), pageToken).toBe("InvalidArgument");
      }
    });

    test("[S18] what is deleted is not found any more, at once; what is edited, by its new words only", async () => {
      const ann = freshUser();
      const { roomId, messages } = await newSpokenRoom(store, ann, [], ["common secret", "common plan", "common idea"]);
      await parts().index();
      const asAnn = { roomId, userId: ann };
      const edited = await apply(store, "editMessage", { ...asAnn, messageId: messages[1]!.id, body: "common thing" });
      await apply(store, "deleteMessage", { ...asAnn, messageId: messages[0]!.id });
      expect(bodies(await search({ ...asAnn, query: "secret" }))).toEqual([]);
      expect(bodies(await search({ ...asAnn, query: "plan" }))).toEqual([]);
      expect(bodies(await search({ ...asAnn, query: "common" }))).toEqual(["common idea", "common thing"]);
      await parts().index();
      expect((await search({ ...asAnn, query: "thing" })).found.map(({ message }) => message)).toEqual([edited]);
      expect(bodies(await search({ ...asAnn, query: "plan" }))).toEqual([]);
    });

    test("[S18] random histories find what a search through all texts finds", async () => {
      const words = fc.constantFrom("red", "GREEN", "blüe", "blue", "世界", "9d3c");
      const step = fc.record({
        kind: fc.constantFrom("send", "send", "send", "edit", "delete", "index", "leave", "join"),
        room: fc.nat(2),
        nth: fc.nat(30),
        body: fc.array(words, { minLength: 1, maxLength: 3 }).map((all) => all.join(" ")),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          const [ann, bob] = [freshUser(), freshUser()];
          const rooms = [];
          for (let i = 0; i < 3; i++) rooms.push(await newStoredRoom(store, ann, bob));
          const own = new Set(rooms);
          const texts = new Map<bigint, Message>();
          for (const { kind, room, nth, body } of steps) {
            const roomId = rooms[room]!;
            const messageId = [...texts.keys()][nth % Math.max(1, texts.size)] ?? 0n;
            const asAnn = { roomId: texts.get(messageId)?.roomId ?? roomId, userId: ann, messageId };
            if (kind === "index") await parts().index();
            if (kind === "join") await store.commit([change("addMember", { roomId, userId: bob })]);
            if (kind === "leave") await store.commit([change("removeMember", { roomId, userId: bob, actorId: bob })]);
            if (kind === "join") own.add(roomId);
            if (kind === "leave") own.delete(roomId);
            if (kind === "edit" && messageId)
              texts.set(messageId, await apply(store, "editMessage", { ...asAnn, body }));
            if (kind === "delete" && texts.delete(messageId)) await apply(store, "deleteMessage", asAnn);
            if (kind !== "send") continue;
            const message = await apply(store, "sendMessage", { roomId, userId: ann, body });
            texts.set(message.id, message);
          }
          await parts().index();
          for (const query of ["red", "green", "blue", "世界", "9D3C red", "blue green"]) {
            const asked = foldedWords(query);
            const expected = [...texts.values()]
              .filter(({ body }) => asked.isSubsetOf(foldedWords(body)))
              .sort((a, b) => Number(b.id - a.id));
            const ofBob = expected.filter(({ roomId }) => own.has(roomId));
            expect(await all({ userId: bob, query, limit: 2 })).toEqual(ofBob);
            for (const roomId of rooms) {
              const inRoom = expected.filter((message) => message.roomId === roomId);
              expect(await all({ roomId, userId: ann, query, limit: 2 })).toEqual(inRoom);
            }
          }
        }),
        { numRuns: 12 },
      );
    });
  });
}
