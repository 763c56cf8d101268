import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { type Message, MessageKind, Role } from "../../gen/chat_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { newSpokenRoom, readLog } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const [owner, moderator, member, other] = [1n, 2n, 3n, 4n].map((i) => GREAT_ID + 70_000n + i) as [
  bigint,
  bigint,
  bigint,
  bigint,
];
const HOUR_MS = 3_600_000;

/** The rules of ChatStore for frozen and slow rooms. */
export function frozenContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  async function newRoom() {
    const { roomId } = await newSpokenRoom(store, owner, [moderator, member, other]);
    await apply(store, "setRole", { roomId, userId: moderator, actorId: owner, role: Role.MODERATOR });
    return roomId;
  }

  const say = (roomId: bigint, userId: bigint, clientMessageId = "", replyToId = 0n) => {
    return change("sendMessage", { roomId, userId, body: "x", clientMessageId, replyToId });
  };
  const slow = (roomId: bigint, slowModeSeconds: number) => {
    return apply(store, "updateRoom", { roomId, actorId: owner, slowModeSeconds });
  };

  describe("frozen rooms", () => {
    test("[S13] take messages and edits of the owner, moderators and services only, until then", async () => {
      const roomId = await newRoom();
      const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: member, body: "before" });
      const frozenUntil = timestampFromMs(Date.now() + HOUR_MS);
      await apply(store, "updateRoom", { roomId, actorId: owner, frozenUntil });
      const announcement = { roomId, userId: 0n, body: "frozen", kind: MessageKind.SYSTEM };
      const commit = await store.commit([
        ...[say(roomId, member), say(roomId, moderator), say(roomId, owner), change("sendMessage", announcement)],
        change("editMessage", { roomId, messageId, userId: member, body: "after" }),
      ]);
      expect(codes(commit)).toEqual(["PermissionDenied", "ok", "ok", "ok", "PermissionDenied"]);
      const until = new Date(timestampMs(frozenUntil)).toISOString();
      for (const refused of [commit.outcomes[0], commit.outcomes[4]] as ConnectError[]) {
        expect(refused.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "FROZEN", metadata: { until } }]);
        expect(refused.rawMessage).toContain(until);
      }
      expect((await readLog(store, roomId)).news.messages.map(({ seq }) => seq)).toEqual([1n, 2n, 3n, 4n]);
      await apply(store, "updateRoom", { roomId, actorId: owner, frozenUntil: timestampFromMs(1) });
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["ok"]);
    });
  });

  describe("slow rooms", () => {
    test("[S13] have a member wait after each message, but not the owner, moderators and services", async () => {
      const roomId = await newRoom();
      await slow(roomId, 3_600);
      const before = Date.now();
      const [sent] = (await store.commit([say(roomId, member, "1")])).outcomes as Message[];
      const commit = await store.commit([
        ...[say(roomId, member), say(roomId, member, "1"), say(roomId, other), say(roomId, owner), say(roomId, owner)],
        ...[say(roomId, moderator), say(roomId, moderator)],
        change("sendMessage", { roomId, userId: member, body: "shipped", kind: MessageKind.SYSTEM }),
        change("editMessage", { roomId, messageId: sent!.id, userId: member, body: "edited" }),
      ]);
      expect(codes(commit)).toEqual(["ResourceExhausted", ...Array(8).fill("ok")]);
      const error = commit.outcomes[0] as ConnectError;
      const [info, retry] = [error.findDetails(ErrorInfoSchema)[0]!, error.findDetails(RetryInfoSchema)[0]!];
      expect([error.code, info.reason]).toEqual([Code.ResourceExhausted, "SLOW_MODE"]);
      const until = Date.parse(info.metadata.until!);
      expect(until).toBeGreaterThanOrEqual(before + HOUR_MS);
      expect(until).toBeLessThanOrEqual(Date.now() + HOUR_MS);
      expect(Number(retry.retryDelay!.seconds)).toBeGreaterThan(3_500);
      await slow(roomId, 0);
      expect(codes(await store.commit([say(roomId, member), say(roomId, member)]))).toEqual(["ok", "ok"]);
    });

    test("[S13] take one message of a member in a commit, and its retries", async () => {
      const roomId = await newRoom();
      const fast = await newRoom();
      await slow(roomId, 3_600);
      const commit = await store.commit([
        ...[say(roomId, member, "1"), say(fast, member), say(roomId, member), say(fast, member)],
        ...[say(roomId, member, "1"), say(roomId, other), say(roomId, member, "2")],
      ]);
      expect(codes(commit)).toEqual(["ok", "ok", "ResourceExhausted", "ok", "ok", "ok", "ResourceExhausted"]);
      expect(commit.outcomes[4]).toEqual(commit.outcomes[0]);
      const [info] = (commit.outcomes[2] as ConnectError).findDetails(ErrorInfoSchema);
      expect(Date.parse(info!.metadata.until!)).toBeGreaterThan(Date.now() + HOUR_MS / 2);
      expect((await readLog(store, roomId)).news.messages.map(({ userId }) => userId)).toEqual([member, other]);
    });

    test("[S13] a refused message doesn't count, and a wait that is over is over", async () => {
      const roomId = await newRoom();
      await slow(roomId, 1);
      expect(codes(await store.commit([say(roomId, member, "", 1n)]))).toEqual(["NotFound"]);
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["ok"]);
      const refused = await store.commit([say(roomId, member)]);
      expect(codes(refused)).toEqual(["ResourceExhausted"]);
      await expect
        .poll(async () => codes(await store.commit([say(roomId, member)])), { timeout: 10_000 })
        .toEqual(["ok"]);
    });

    test("[S13] have a member wait as long as the room says by then, be it less or more than at the message", async () => {
      const roomId = await newRoom();
      await slow(roomId, 3_600);
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["ok"]);
      await slow(roomId, 1);
      let sent: Message | ConnectError | undefined;
      await expect
        .poll(
          async () => {
            const commit = await store.commit([say(roomId, member)]);
            sent = commit.outcomes[0] as Message | ConnectError;
            return codes(commit);
          },
          { timeout: 10_000 },
        )
        .toEqual(["ok"]);
      await slow(roomId, 3_600);
      const [refused] = (await store.commit([say(roomId, member)])).outcomes as ConnectError[];
      const until = new Date(timestampMs((sent as Message).createdAt!) + HOUR_MS).toISOString();
      expect(refused!.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "SLOW_MODE", metadata: { until } }]);
    });

    test("[S13] have a member wait who leaves and comes back", async () => {
      const roomId = await newRoom();
      await slow(roomId, 3_600);
      await store.commit([say(roomId, member)]);
      await apply(store, "removeMember", { roomId, userId: member, actorId: member });
      await apply(store, "addMember", { roomId, userId: member, actorId: owner });
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["ResourceExhausted"]);
    });
  });

  test("[S14] who is banned can't be added, until the ban is lifted", async () => {
    const roomId = await newRoom();
    const bannedUntil = timestampFromMs(Date.now() + HOUR_MS);
    await apply(store, "setBan", { roomId, userId: member, actorId: owner, bannedUntil });
    const add = change("addMember", { roomId, userId: member, actorId: owner });
    expect(codes(await store.commit([add]))).toEqual(["PermissionDenied"]);
    await apply(store, "setBan", { roomId, userId: member, actorId: owner });
    expect(codes(await store.commit([add, say(roomId, member)]))).toEqual(["ok", "NotFound"]);
  });
}
