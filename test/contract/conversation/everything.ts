import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { StreamAllRes } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { newRoom } from "../../support/rooms.ts";
import { TestAll } from "../../support/test-stream.ts";

export function everything(client: () => ChatClient): void {
  /** What is told of a room, as texts of kind and value. */
  const of = (roomId: bigint) => (events: readonly StreamAllRes[]) => {
    return events.filter(({ event }) => {
      if (event.case === "room") return event.value.id === roomId;
      return event.value !== undefined && "roomId" in event.value && event.value.roomId === roomId;
    });
  };

  describe("[P3] StreamAll", () => {
    test("tells of every change of every room, and of each of its places resumes with what follows", async () => {
      const bob = freshId();
      await using all = new TestAll(client(), { after: "now" });
      expect((await all.take(1))[0]!.event.case).toBe("upToDate");
      const { roomId, owner, send } = await newRoom(client(), bob);
      const ours = of(roomId);
      await all.until((events) => ours(events).length >= 3);
      const [first, second] = [await send("first"), await send("second")];
      await all.until((events) => ours(events).length >= 5);
      const asOwner = { roomId, userId: owner };
      const edited = await client().editMessage({ ...asOwner, messageId: first.id, body: "1st" });
      await all.until((events) => ours(events).length >= 6);
      const deleted = await client().deleteMessage({ ...asOwner, messageId: second.id });
      await all.until((events) => ours(events).length >= 7);
      const moved = await client().markRead({ roomId, userId: bob, messageId: first.id });
      await all.until((events) => ours(events).length >= 8);
      const left = await client().removeMember({ roomId, userId: bob, actorId: bob });
      await all.until((events) => ours(events).length >= 9);

      const told = ours(all.received);
      expect(told.map(({ event }) => event)).toMatchObject([
        { case: "room", value: { id: roomId, ownerId: owner } },
        { case: "member", value: { userId: owner, memberSeq: 1n } },
        { case: "member", value: { userId: bob, memberSeq: 2n } },
        { case: "message", value: first },
        { case: "message", value: second },
        { case: "message", value: edited },
        { case: "message", value: deleted },
        { case: "member", value: moved },
        { case: "member", value: left },
      ]);
      const latest = [told[0]!, told[1]!, told[5]!, told[6]!, told[8]!];
      for (const [i, { cursor }] of told.entries()) {
        const rest = latest.filter((event) => told.indexOf(event) > i);
        await using resumed = new TestAll(client(), { after: cursor });
        await resumed.until((events) => events.some(({ event }) => event.case === "upToDate"));
        expect(ours(resumed.received).map(({ event }) => event)).toEqual(rest.map(({ event }) => event));
      }
      await using whole = new TestAll(client(), {});
      await whole.until((events) => ours(events).length >= latest.length);
      const places = latest.map(({ cursor, event }) => [cursor, event.case]);
      expect(ours(whole.received).map(({ cursor, event }) => [cursor, event.case])).toEqual(places);
    });

    test("says at its interval that nothing is missing", async () => {
      await using all = new TestAll(client(), { after: "now", heartbeatSeconds: 1 });
      await all.until((events) => events.filter(({ event }) => event.case === "upToDate").length >= 3);
      const { cursor } = all.received.at(-1)!;
      const { roomId } = await newRoom(client());
      await using resumed = new TestAll(client(), { after: cursor });
      await resumed.until((events) => of(roomId)(events).length >= 2);
    });

    test("refuses a cursor that is none, and one that can't be served", async () => {
      await using all = new TestAll(client(), { after: "now" });
      const [{ cursor }] = (await all.take(1)) as [StreamAllRes];
      const [revision, ...rest] = cursor.split(".");
      const epoch = rest.slice(3).join(".");
      for (const [after, code] of [
        ["then", "InvalidArgument"],
        [`${cursor}!`, "InvalidArgument"],
        [cursor.slice(1 + revision!.length), "InvalidArgument"],
        [cursor.replace(epoch, "another"), "OutOfRange"],
        [[BigInt(revision!) + 1_000_000n, ...rest].join("."), "OutOfRange"],
      ] as const) {
        await using refused = new TestAll(client(), { after });
        expect(Code[(await refused.ended)!.code], after).toBe(code);
        expect(refused.received).toEqual([]);
      }
    });
  });
}
