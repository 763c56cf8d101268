import { describe, expect, test, vi } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { codeOf, newRoom } from "../../support/rooms.ts";

export function search(client: () => ChatClient): void {
  /** Texts with what was searched for in brackets, once they are found. */
  async function found(count: number, request: Parameters<ChatClient["searchMessages"]>[0]): Promise<string[]> {
    const page = await vi.waitFor(
      async () => {
        const { found } = await client().searchMessages(request);
        expect(found).toHaveLength(count);
        return found;
      },
      { timeout: 20_000, interval: 100 },
    );
    return page.map(({ excerpt }) => excerpt.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join(""));
  }

  describe("SearchMessages", () => {
    test("finds what was sent and edited within seconds, and nothing that was deleted", async () => {
      const bob = freshId();
      const { roomId, asOwner, send } = await newRoom(client(), bob);
      const word = `w${freshId()}`;
      const plan = await send(`The Übergabe ${word} is on Monday`);
      const secret = await send(`${word} 秘密です`);
      const marked = `[${word}]`;
      expect(await found(2, { roomId, userId: bob, query: word })).toEqual([
        `${marked} 秘密です`,
        `The Übergabe ${marked} is on Monday`,
      ]);
      expect(await found(1, { userId: bob, query: `MONDAY ${word} ubergabe` })).toEqual([
        `The [Übergabe] ${marked} is on [Monday]`,
      ]);
      expect(await found(1, { roomId, userId: bob, query: `秘密 ${word}` })).toEqual([`${marked} [秘密]です`]);
      await client().deleteMessage({ ...asOwner, messageId: secret.id });
      expect((await client().searchMessages({ roomId, userId: bob, query: word })).found).toHaveLength(1);
      await client().editMessage({ ...asOwner, messageId: plan.id, body: `${word} is on Tuesday` });
      expect(await found(1, { roomId, userId: bob, query: `tuesday ${word}` })).toEqual([`${marked} is on [Tuesday]`]);
      expect((await client().searchMessages({ roomId, userId: bob, query: `monday ${word}` })).found).toEqual([]);
    });

    test("is for who may read, and wants words and a token of its own", async () => {
      const { roomId, owner, send } = await newRoom(client());
      const word = `w${freshId()}`;
      for (let i = 0; i < 3; i++) await send(`${word} ${i}`);
      await found(3, { userId: owner, query: word });
      const first = await client().searchMessages({ userId: owner, query: word, limit: 2 });
      expect(first.found.map(({ message }) => message!.body)).toEqual([`${word} 2`, `${word} 1`]);
      const next = { userId: owner, query: word, limit: 2, pageToken: first.nextPageToken };
      const rest = await client().searchMessages(next);
      expect(rest.found.map(({ message }) => message!.body)).toEqual([`${word} 0`]);
      expect(rest.nextPageToken).toBe("");
      expect((await client().searchMessages({ userId: freshId(), query: word })).found).toEqual([]);
      for (const [request, code] of [
        [{ roomId, userId: freshId(), query: word }, "NotFound"],
        [{ roomId, userId: owner, query: "?!" }, "InvalidArgument"],
        [{ roomId, userId: owner, query: "" }, "InvalidArgument"],
        [{ roomId, userId: owner, query: word, pageToken: "next" }, "InvalidArgument"],
      ] as const) {
        expect(await codeOf(client().searchMessages(request))).toBe(code);
      }
    });
  });
}
