import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { ListMembersReqSchema, type Member, type Message, MessageKind, Role } from "../../gen/chat_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { apply, change, codes } from "../support/changes.ts";
import { GREAT_ID, GREATEST_ID } from "../support/greatest-id.ts";
import { codeOf } from "../support/rooms.ts";
import { headOf, newSpokenRoom, readLog } from "../support/stored-rooms.ts";
import { forever, past } from "../support/times.ts";
import type { StoreParts } from "./store.ts";

const [owner, moderator, second, member, other, stranger] = Array.from({ length: 6 }, (_, i) => {
  return GREAT_ID + 60_001n + BigInt(i);
}) as [bigint, bigint, bigint, bigint, bigint, bigint];
const service = 0n;

/** The rules of ChatStore for readers, mutes and bans. */
export function silenceContract(parts: () => StoreParts): void {
  let store: ChatStore;
  beforeAll(() => {
    store = parts().store;
  });

  async function newRoom() {
    const { roomId } = await newSpokenRoom(store, owner, [moderator, second, member, other]);
    for (const userId of [moderator, second]) {
      await apply(store, "setRole", { roomId, userId, actorId: owner, role: Role.MODERATOR });
    }
    return roomId;
  }

  const say = (roomId: bigint, userId: bigint, body = "x") => change("sendMessage", { roomId, userId, body });

  const mute = (roomId: bigint, userId: bigint, actorId: bigint, mutedUntil: Timestamp | undefined = forever) => {
    return change("setMute", { roomId, userId, actorId, mutedUntil });
  };

  const ban = (roomId: bigint, userId: bigint, actorId: bigint, bannedUntil: Timestamp | undefined = forever) => {
    return change("setBan", { roomId, userId, actorId, bannedUntil });
  };

  async function banned(roomId: bigint, userId: bigint, afterUserId = 0n, limit = 0) {
    const reading = userId === service ? "right" : "member";
    return store.listMembers(
      create(ListMembersReqSchema, { roomId, userId, banned: true, afterUserId, limit }),
      reading,
    );
  }

  /** What a refusal tells a program. */
  function detail(outcome: unknown) {
    const [info] = (outcome as ConnectError).findDetails(ErrorInfoSchema);
    return [info?.reason, info?.metadata.until];
  }

  describe("silence", () => {
    test("[S13] readers read, and send and edit nothing, until they have another role", async () => {
      const roomId = await newRoom();
      const { id: messageId } = await apply(store, "sendMessage", { roomId, userId: member, body: "before" });
      const reader = await apply(store, "setRole", { roomId, userId: member, actorId: owner, role: Role.READER });
      expect(reader.role).toBe(Role.READER);
      const before = await readLog(store, roomId);
      const edit = change("editMessage", { roomId, messageId, userId: member, body: "after" });
      const { outcomes, news } = await store.commit([say(roomId, member), edit, say(roomId, owner, "kept")]);
      expect(codes({ outcomes, news, reads: [] })).toEqual(["PermissionDenied", "PermissionDenied", "ok"]);
      expect(outcomes.slice(0, 2).map(detail)).toEqual(Array(2).fill(["READER", undefined]));
      expect(news.flatMap(({ messages }) => messages.map(({ body }) => body))).toEqual(["kept"]);
      expect((await headOf(store, roomId)).seq).toBe(before.head.seq + 1n);
      const remove = change("deleteMessage", { roomId, messageId, userId: member });
      expect(codes(await store.commit([remove]))).toEqual(["ok"]);
      await apply(store, "setRole", { roomId, userId: member, actorId: owner, role: Role.MEMBER });
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["ok"]);
    });

    test("[S13] who is muted sends and edits nothing until then, whatever the role, and is told so", async () => {
      const roomId = await newRoom();
      const sent = await apply(store, "sendMessage", { roomId, userId: member, body: "x", clientMessageId: "1" });
      const head = await headOf(store, roomId);
      const { outcomes, news } = await store.commit([mute(roomId, member, moderator), mute(roomId, moderator, owner)]);
      expect(outcomes).toMatchObject([
        { mutedUntil: forever, memberSeq: head.memberSeq + 1n },
        { mutedUntil: forever },
      ]);
      expect(news).toMatchObject([{ members: outcomes, memberSeq: head.memberSeq + 2n }]);
      const edit = change("editMessage", { roomId, messageId: sent.id, userId: member, body: "y" });
      const refused = await store.commit([say(roomId, member), edit, say(roomId, moderator)]);
      expect(codes(refused)).toEqual(Array(3).fill("PermissionDenied"));
      expect(refused.outcomes.map(detail)).toEqual(Array(3).fill(["MUTED", "9999-12-31T23:59:59.000Z"]));
      expect(refused.news).toEqual([]);
      const retry = change("sendMessage", { roomId, userId: member, body: "x", clientMessageId: "1" });
      expect((await store.commit([retry])).outcomes).toEqual([sent]);
      const ofStranger = await store.commit([say(roomId, stranger)]);
      expect(codes(ofStranger)).toEqual(["NotFound"]);

      const lifted = await store.commit([mute(roomId, member, owner, past)]);
      expect((lifted.outcomes[0] as Member).mutedUntil).toBeUndefined();
      expect(codes(await store.commit([say(roomId, member), say(roomId, owner)]))).toEqual(["ok", "ok"]);
    });

    test("[S13] a mute that has passed holds nobody back, and is none", async () => {
      const roomId = await newRoom();
      const until = timestampFromMs(Date.now() + 300);
      await store.commit([mute(roomId, member, owner, until)]);
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["PermissionDenied"]);
      await expect
        .poll(async () => codes(await store.commit([say(roomId, member)])), { timeout: 5_000 })
        .toEqual(["ok"]);
      const head = await headOf(store, roomId);
      const { news } = await store.commit([change("setMute", { roomId, userId: member, actorId: owner })]);
      expect(news).toEqual([]);
      expect(await headOf(store, roomId)).toEqual(head);
    });

    test("[S10] the owner and services mute anybody but the owner, moderators those without a role", async () => {
      const roomId = await newRoom();
      await apply(store, "setRole", { roomId, userId: other, actorId: owner, role: Role.READER });
      const tries: [bigint, bigint][] = [
        ...([
          [moderator, member],
          [moderator, other],
          [moderator, second],
          [moderator, moderator],
        ] as [bigint, bigint][]),
        ...([
          [moderator, owner],
          [owner, owner],
          [service, owner],
          [member, other],
        ] as [bigint, bigint][]),
        ...([
          [member, member],
          [stranger, member],
          [owner, stranger],
          [owner, second],
          [service, moderator],
        ] as [bigint, bigint][]),
      ];
      const outcomes = ["ok", "ok", "PermissionDenied", "PermissionDenied", "PermissionDenied"];
      outcomes.push("FailedPrecondition", "FailedPrecondition", "PermissionDenied", "PermissionDenied");
      outcomes.push("NotFound", "NotFound", "ok", "ok");
      const commit = await store.commit(tries.map(([actor, user]) => mute(roomId, user, actor)));
      expect(codes(commit)).toEqual(outcomes);
      expect(codes(await store.commit([mute(GREATEST_ID, member, owner)]))).toEqual(["NotFound"]);
    });

    test("[S4] a mute and a ban that are there already are no change", async () => {
      const roomId = await newRoom();
      await store.commit([mute(roomId, member, owner), ban(roomId, other, owner)]);
      const before = await readLog(store, roomId);
      const again = await store.commit([
        mute(roomId, member, owner),
        mute(roomId, second, owner, past),
        ban(roomId, other, owner),
        ban(roomId, member, owner, past),
        ban(roomId, stranger, owner, past),
      ]);
      expect(codes(again)).toEqual(Array(5).fill("ok"));
      expect(again.news).toEqual([]);
      expect(again.outcomes).toMatchObject([{ mutedUntil: forever }, {}, { bannedUntil: forever }, {}, {}]);
      expect(await readLog(store, roomId)).toEqual(before);
    });
  });

  describe("bans", () => {
    test("[S14] end a membership, and are told without their time to the log", async () => {
      const roomId = await newRoom();
      const { memberSeq } = await headOf(store, roomId);
      const { outcomes, news } = await store.commit([ban(roomId, member, moderator)]);
      expect(outcomes).toMatchObject([{ userId: member, bannedUntil: forever, memberSeq: memberSeq + 1n }]);
      expect(outcomes[0]).toHaveProperty("removedAt");
      expect(news).toMatchObject([{ members: [{ userId: member, memberSeq: memberSeq + 1n }] }]);
      expect(news[0]!.members[0]!.bannedUntil).toBeUndefined();
      expect((await readLog(store, roomId)).news.members.some(({ bannedUntil }) => bannedUntil)).toBe(false);
      expect(codes(await store.commit([say(roomId, member)]))).toEqual(["NotFound"]);
      expect((await store.memberships(member, [roomId])).of).toEqual([]);
      const { members } = await store.listMembers(create(ListMembersReqSchema, { roomId, userId: owner }));
      expect(members.map(({ userId }) => userId)).toEqual([owner, moderator, second, other]);
    });

    test("[S14] are of users who never were members, too, and can be changed and lifted", async () => {
      const roomId = await newRoom();
      const { memberSeq } = await headOf(store, roomId);
      const soon = timestampFromMs(Date.now() + 3_600_000);
      const { outcomes, news } = await store.commit([
        ban(roomId, stranger, service),
        ban(roomId, stranger, owner, soon),
        ban(roomId, stranger, owner, past),
      ]);
      const ids = new Set((outcomes as Member[]).map(({ id }) => id));
      expect(ids.size).toBe(1);
      expect(outcomes).toMatchObject([{ bannedUntil: forever }, { bannedUntil: soon }, {}]);
      expect((outcomes[2] as Member).bannedUntil).toBeUndefined();
      expect(news[0]!.memberSeq).toBe(memberSeq + 3n);
      expect(news[0]!.members.map(({ removedAt }) => removedAt !== undefined)).toEqual([true, true, true]);
      const added = await apply(store, "addMember", { roomId, userId: stranger, actorId: owner });
      expect(ids.has(added.id)).toBe(false);
      expect(added).toMatchObject({ memberSeq: memberSeq + 4n });
      expect(codes(await store.commit([say(roomId, stranger)]))).toEqual(["ok"]);
    });

    test("[S10] the owner and services ban anybody but the owner, moderators those without a role", async () => {
      const roomId = await newRoom();
      const outcomes = [];
      for (const [actor, user] of [
        ...[
          [moderator, second],
          [moderator, owner],
          [moderator, moderator],
          [member, stranger],
          [stranger, member],
        ],
        ...[
          [owner, owner],
          [service, owner],
          [moderator, stranger],
          [moderator, member],
          [owner, second],
        ],
        [service, moderator],
      ] as [bigint, bigint][]) {
        outcomes.push(...codes(await store.commit([ban(roomId, user, actor)])));
      }
      expect(outcomes).toEqual([
        ...["PermissionDenied", "PermissionDenied", "PermissionDenied", "PermissionDenied", "NotFound"],
        ...["FailedPrecondition", "FailedPrecondition", "ok", "ok", "ok", "ok"],
      ]);
    });

    test("[S14] are listed for the owner, moderators and services, in pages, as long as they hold", async () => {
      const roomId = await newRoom();
      const soon = timestampFromMs(Date.now() + 250);
      await store.commit([ban(roomId, member, owner), ban(roomId, stranger, owner), ban(roomId, other, owner, soon)]);
      await expect.poll(async () => (await banned(roomId, owner)).members.length, { timeout: 5_000 }).toBe(2);
      for (const userId of [owner, moderator, service]) {
        const { members, hasMore } = await banned(roomId, userId);
        expect(members).toMatchObject([member, stranger].map((userId) => ({ userId, bannedUntil: forever })));
        expect(hasMore).toBe(false);
      }
      const first = await banned(roomId, owner, 0n, 1);
      expect([first.members.map(({ userId }) => userId), first.hasMore]).toEqual([[member], true]);
      expect((await banned(roomId, owner, member, 1)).members.map(({ userId }) => userId)).toEqual([stranger]);
      await apply(store, "setRole", { roomId, userId: second, actorId: owner, role: Role.MEMBER });
      const refusals = await Promise.all([second, stranger, member].map((userId) => codeOf(banned(roomId, userId))));
      expect(refusals).toEqual(["PermissionDenied", "NotFound", "NotFound"]);
    });
  });

  describe("system messages", () => {
    const announce = (roomId: bigint, userId = service, clientMessageId = "", body = "shipped") => {
      return change("sendMessage", { roomId, userId, body, clientMessageId, kind: MessageKind.SYSTEM });
    };

    test("[S13] are the services': of nobody or in a user's name, whoever is silenced", async () => {
      const roomId = await newRoom();
      await store.commit([mute(roomId, member, owner)]);
      const { outcomes, news } = await store.commit([
        announce(roomId),
        announce(roomId, member),
        announce(roomId, stranger),
        announce(GREATEST_ID),
      ]);
      expect(codes({ outcomes, news, reads: [] })).toEqual(["ok", "ok", "NotFound", "NotFound"]);
      expect(outcomes.slice(0, 2)).toMatchObject([
        { userId: 0n, kind: MessageKind.SYSTEM },
        { userId: member, kind: MessageKind.SYSTEM },
      ]);
      expect((await readLog(store, roomId)).news.messages).toEqual(outcomes.slice(0, 2));
    });

    test("[S4] are repeated by their ids, and changed by services alone", async () => {
      const roomId = await newRoom();
      const [first] = (await store.commit([announce(roomId, service, "1")])).outcomes as Message[];
      expect((await store.commit([announce(roomId, service, "1")])).outcomes).toEqual([first]);
      expect(codes(await store.commit([announce(roomId, service, "1", "other")]))).toEqual(["AlreadyExists"]);
      const [ofMember] = (await store.commit([announce(roomId, member)])).outcomes as Message[];
      const edit = (messageId: bigint, userId: bigint) => {
        return change("editMessage", { roomId, messageId, userId, body: "delivered" });
      };
      expect(
        codes(
          await store.commit([
            edit(ofMember!.id, member),
            edit(ofMember!.id, owner),
            edit(ofMember!.id, service),
            edit(first!.id, service),
            change("deleteMessage", { roomId, messageId: ofMember!.id, userId: member }),
            change("deleteMessage", { roomId, messageId: first!.id, userId: service }),
          ]),
        ),
      ).toEqual(["PermissionDenied", "PermissionDenied", "ok", "ok", "PermissionDenied", "ok"]);
      const { id: plain } = await apply(store, "sendMessage", { roomId, userId: member, body: "mine" });
      expect(codes(await store.commit([edit(plain, service)]))).toEqual(["PermissionDenied"]);
    });
  });
}
