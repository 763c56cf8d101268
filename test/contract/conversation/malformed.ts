import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type MessageKind, Role } from "../../../gen/chat_pb.ts";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

type Method = Exclude<keyof ChatClient, "streamMessage" | "streamEvents" | "streamAll">;
type Requests = { readonly [M in Method]?: Parameters<ChatClient[M]>[0][] };

export function malformed(client: () => ChatClient): void {
  async function answer(method: Method, request: object): Promise<string> {
    const call = client()[method] as (request: object) => Promise<unknown>;
    return call(request).then(
      () => "ok",
      (error) => Code[ConnectError.from(error).code]!,
    );
  }

  test("[P7] requests beyond a limit are INVALID_ARGUMENT", async () => {
    const [roomId, userId, messageId, actorId] = [1n, 1n, 1n, 1n];
    const inRoom = { roomId, userId };
    const ids = (names: string[]) => {
      const valid = Object.fromEntries(names.map((name) => [name, 1n]));
      return names.flatMap((name) => [
        { ...valid, [name]: 0n },
        { ...valid, [name]: -1n },
      ]);
    };
    const before = { case: "beforeId", value: 1n } as const;
    const longData = { text: "x".repeat(8_182) };
    const numbered = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i + 1));
    const keyed = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
    const badKeys = ["", "x".repeat(129), "a\0b"];
    const badNames = ["x".repeat(201), "a\0b"];
    const room = { case: "key", value: "room" } as const;
    const requests: Requests = {
      createChatRoom: ids(["postId", "userId"]),
      ensureRoom: [
        { userId },
        ...badKeys.map((value) => ({ room: { case: "key", value } as const, userId })),
        ...[0n, -1n].map((value) => ({ room: { case: "postId", value } as const, userId })),
        ...[0n, -1n].map((id) => ({ room, userId: id })),
        ...badNames.map((name) => ({ room, userId, name })),
        ...[[0n], [-1n], numbered(101)].map((memberIds) => ({ room, userId, memberIds })),
        ...[...badKeys.map((key) => [key]), keyed(101)].map((memberKeys) => ({ room, userId, memberKeys })),
        { room, userId, memberIds: numbered(51), memberKeys: keyed(50) },
        { room, userId, data: longData },
      ],
      updateRoom: [
        ...ids(["roomId", "actorId"]),
        ...badNames.map((name) => ({ roomId, actorId, name })),
        ...[-1, 3_601].map((slowModeSeconds) => ({ roomId, actorId, slowModeSeconds })),
        { roomId, actorId, data: longData },
      ],
      deleteRoom: ids(["roomId", "actorId"]),
      getRooms: [
        ...[0n, -1n].map((id) => ({ roomIds: [1n], userId: id })),
        ...[[0n], [-1n], numbered(101)].map((roomIds) => ({ roomIds, userId })),
        ...[...badKeys.map((key) => [key]), keyed(101)].map((keys) => ({ keys, userId })),
        { roomIds: numbered(51), keys: keyed(50), userId },
      ],
      addMember: [
        ...ids(["roomId", "userId"]),
        { ...inRoom, actorId: -1n },
        { roomId, userKey: "x".repeat(129) },
        { roomId, userKey: "a\0b" },
        { ...inRoom, userKey: "one of them" },
      ],
      addMembers: [
        ...ids(["roomId", "actorId"]).map((request) => ({ ...request, userIds: [1n] })),
        ...[[0n], [-1n], numbered(101)].map((userIds) => ({ roomId, actorId, userIds })),
        ...[...badKeys.map((key) => [key]), keyed(101)].map((userKeys) => ({ roomId, actorId, userKeys })),
        { roomId, actorId, userIds: numbered(51), userKeys: keyed(50) },
      ],
      setRole: [
        ...ids(["roomId", "userId", "actorId"]).map((request) => ({ ...request, role: Role.MEMBER })),
        ...([0, 4] as Role[]).map((role) => ({ ...inRoom, actorId, role })),
      ],
      setMute: ids(["roomId", "userId", "actorId"]),
      setBan: ids(["roomId", "userId", "actorId"]),
      setReaction: [
        ...ids(["roomId", "messageId", "userId"]).map((request) => ({ ...request, emoji: "👍" })),
        ...["", "x".repeat(65), "é".repeat(33), "a\0b"].map((emoji) => ({ ...inRoom, messageId, emoji })),
      ],
      setPin: ids(["roomId", "messageId", "actorId"]),
      listPresence: [
        ...ids(["roomId", "userId"]),
        ...[[0n], [-1n], numbered(101)].map((userIds) => ({ ...inRoom, userIds })),
      ],
      searchMessages: [
        ...["", "x".repeat(201), "a\0b"].map((query) => ({ ...inRoom, query })),
        ...[-1, 51].map((limit) => ({ ...inRoom, query: "x", limit })),
        { ...inRoom, query: "x", pageToken: "1".repeat(101) },
        { roomId: -1n, userId, query: "x" },
        { roomId, userId: -1n, query: "x" },
      ],
      getProfiles: [
        ...[[0n], [-1n], numbered(101)].map((userIds) => ({ userIds })),
        ...[...badKeys.map((key) => [key]), keyed(101)].map((keys) => ({ keys })),
        { userIds: numbered(51), keys: keyed(50) },
        { userIds: [1n], actorId: -1n },
      ],
      revokeTokens: [
        {},
        ...[0n, -1n].map((value) => ({ user: { case: "userId", value } as const })),
        ...badKeys.map((value) => ({ user: { case: "key", value } as const })),
      ],
      getRoom: [
        { userId },
        { room: { case: "roomId", value: 0n }, userId },
        { room: { case: "postId", value: -1n }, userId },
        { room: { case: "roomId", value: 1n } },
      ],
      listRooms: [
        {},
        { userId: -1n },
        { userId, limit: -1 },
        { userId, limit: 101 },
        { userId, pageToken: "1".repeat(101) },
      ],
      listMessages: [
        ...ids(["roomId", "userId"]),
        { ...inRoom, limit: -1 },
        { ...inRoom, limit: 201 },
        { ...inRoom, position: { ...before, value: 0n } },
        { ...inRoom, position: { case: "afterId", value: -1n } },
        { ...inRoom, position: { case: "aroundId", value: 0n } },
      ],
      listMembers: [
        ...ids(["roomId", "userId"]),
        { ...inRoom, limit: -1 },
        { ...inRoom, limit: 201 },
        { ...inRoom, afterUserId: -1n },
      ],
      isMember: ids(["roomId", "userId"]),
      removeMember: ids(["roomId", "userId", "actorId"]),
      transferOwnership: ids(["roomId", "userId", "actorId"]),
      sendMessage: [
        { ...inRoom, body: "x", replyToId: -1n },
        ...[[0n], [1n, 1n], numbered(51)].map((mentionedUserIds) => ({ ...inRoom, body: "x", mentionedUserIds })),
        { ...inRoom, body: "x", kind: 3 as MessageKind },
        { ...inRoom, body: "x", data: longData },
      ],
      editMessage: [
        ...ids(["roomId", "userId", "messageId"]).map((request) => ({ ...request, body: "x" })),
        ...["", "x".repeat(8001), "a\0b"].map((body) => ({ ...inRoom, messageId, body })),
        ...["x".repeat(65), "é".repeat(33), "a\0b"].map((clientEditId) => ({
          ...inRoom,
          messageId,
          body: "x",
          clientEditId,
        })),
      ],
      deleteMessage: ids(["roomId", "userId", "messageId"]),
      markRead: ids(["roomId", "userId", "messageId"]),
      sendTyping: ids(["roomId", "userId"]),
    };
    for (const [method, malformed] of Object.entries(requests)) {
      const answers = await Promise.all(malformed.map((request) => answer(method as Method, request)));
      expect({ [method]: answers }).toEqual({ [method]: malformed.map(() => "InvalidArgument") });
    }
    expect(await answer("removeMember", { roomId: 2n ** 62n, userId, actorId })).toBe("NotFound");
  });

  test("the greatest ids are ids like others", async () => {
    const max = 2n ** 63n - 1n;
    const user = { roomId: max, userId: max };
    const requests: Requests = {
      getRoom: [{ room: { case: "roomId", value: max }, userId: max }],
      listMessages: [user, { ...user, position: { case: "aroundId", value: max } }],
      listMembers: [{ ...user, afterUserId: max }],
      removeMember: [{ ...user, actorId: max }],
      transferOwnership: [{ ...user, actorId: max }],
      sendMessage: [{ ...user, body: "x", replyToId: max }],
      editMessage: [{ ...user, messageId: max, body: "x" }],
      deleteMessage: [{ ...user, messageId: max }],
      markRead: [{ ...user, messageId: max }],
      sendTyping: [user],
      addMember: [user],
    };
    for (const [method, sent] of Object.entries(requests)) {
      const answers = await Promise.all(sent.map((request) => answer(method as Method, request)));
      expect({ [method]: answers }).toEqual({ [method]: sent.map(() => "NotFound") });
    }
    expect([await answer("isMember", user), await answer("listRooms", user)]).toEqual(["ok", "ok"]);
  });

  test("[P7] requests at a limit are served", async () => {
    const { roomId, owner, send } = await newRoom(client());
    const { id: messageId } = await send("message");
    const inRoom = { roomId, userId: owner };
    const byOwner = { roomId, actorId: owner };
    const crowd = Array.from({ length: 100 }, () => freshId());
    const data = { text: "x".repeat(8_192 - '{"text":""}'.length) };
    const requests: Requests = {
      ensureRoom: [
        {
          room: { case: "key", value: `${freshId()}`.padEnd(128, "ä") },
          userId: owner,
          memberIds: crowd,
          name: "ä".repeat(200),
          data,
        },
      ],
      addMembers: [{ ...byOwner, userIds: crowd }],
      updateRoom: [
        { ...byOwner, name: "ä".repeat(200), data, slowModeSeconds: 3_600 },
        { ...byOwner, name: "", slowModeSeconds: 0 },
      ],
      sendMessage: [{ ...inRoom, body: "x", mentionedUserIds: crowd.slice(0, 50), data }],
      setReaction: [{ ...inRoom, messageId, emoji: "é".repeat(32), on: true }],
      getRooms: [{ roomIds: crowd.slice(50), keys: crowd.slice(0, 50).map(String), userId: owner }],
      listPresence: [{ ...inRoom, userIds: crowd }],
      searchMessages: [{ ...inRoom, query: "x".repeat(200), limit: 50 }],
      listRooms: [{ userId: owner, limit: 100 }],
      listMessages: [
        { ...inRoom, limit: 200 },
        { ...inRoom, position: { case: "afterId", value: 0n } },
      ],
      listMembers: [{ ...inRoom, limit: 200 }],
      editMessage: [
        { ...inRoom, messageId, body: "🦊".repeat(8000), clientEditId: "x".repeat(64) },
        { ...inRoom, messageId, body: "x" },
      ],
    };
    for (const [method, served] of Object.entries(requests)) {
      for (const request of served)
        expect({ [method]: await answer(method as Method, request) }).toEqual({ [method]: "ok" });
    }
  });

  test("[P7] StreamEvents follows 1 to 50 distinct rooms, from cursors of theirs, with a heartbeat up to 300 s", async () => {
    const { roomId, owner } = await newRoom(client());
    const end = async (request: Parameters<ChatClient["streamEvents"]>[0]) => {
      await using feed = new TestEvents(client(), { userId: owner, ...request });
      return Code[(await feed.ended)!.code];
    };
    const roomIds = [roomId];
    const key = `${roomId}`;
    const refused = [
      { roomIds: [] },
      { roomIds, followList: true, listAfter: { revision: -1n } },
      { roomIds, followList: true, listAfter: { epoch: "x".repeat(33) } },
      { roomIds: [roomId, roomId] },
      { roomIds: [0n] },
      { roomIds: Array.from({ length: 51 }, (_, i) => BigInt(i + 1)) },
      { roomIds, userId: 0n },
      { roomIds, heartbeatSeconds: -1 },
      { roomIds, heartbeatSeconds: 301 },
      { roomIds, after: { [key]: { seq: -1n } } },
      { roomIds, after: { [key]: { memberSeq: -1n } } },
      { roomIds, after: { [key]: { epoch: "x".repeat(33) } } },
      { roomIds, after: { [`${freshId()}`]: {} } },
      { roomIds, after: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`${i + 1}`, {}])) },
    ];
    expect(await Promise.all(refused.map(end))).toEqual(refused.map(() => "InvalidArgument"));
    await using feed = new TestEvents(client(), {
      roomIds,
      userId: owner,
      heartbeatSeconds: 300,
      after: { [key]: {} },
    });
    await feed.take(1);
  });

  test("[P7] an epoch has up to 32 characters", async () => {
    const { roomId, owner } = await newRoom(client());
    for (const length of [32, 33]) {
      const request = { roomIds: [roomId], userId: owner, epoch: "x".repeat(length) };
      await using stream = new TestStream(client(), { ...request, afterSeq: { [`${roomId}`]: 0n } });
      expect(Code[(await stream.ended)!.code]).toBe(length === 32 ? "OutOfRange" : "InvalidArgument");
    }
  });
}
