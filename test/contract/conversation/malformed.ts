import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { ChatClient } from "../../support/clients.ts";
import { freshId } from "../../support/fresh-id.ts";
import { newRoom } from "../../support/rooms.ts";
import { TestEvents, TestStream } from "../../support/test-stream.ts";

type Method = Exclude<keyof ChatClient, "streamMessage" | "streamEvents">;
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
    const requests: Requests = {
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
      sendMessage: [{ ...inRoom, body: "x", replyToId: -1n }],
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
    const requests: Requests = {
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
