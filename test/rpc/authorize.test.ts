import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  AddMemberReqSchema,
  AddMembersReqSchema,
  GetRoomReqSchema,
  SendMessageReqSchema,
  SetBanReqSchema,
} from "../../gen/chat_pb.ts";
import type { Caller } from "../../src/chat/caller.ts";
import { NOBODY } from "../../src/chat/user-store.ts";
import { authorize, findUser } from "../../src/rpc/authorize.ts";
import type { Access } from "../../src/rpc/rpc.ts";

const users = {
  idOf: async (key: string, isToGetOne: boolean) => (key === "ann" || isToGetOne ? 77n : undefined),
  idsOf: async (keys: readonly string[]) => keys.map((_, i) => 77n + BigInt(i)),
};
const caller = (kind: Caller["kind"], userId = 0n): Caller => ({ kind, userId, views: [], name: "" });

const sends: Access = { may: ["member"], caller: "userId" };
const reads: Access = { may: ["member", "view", "service"], caller: "userId" };
const adds: Access = { may: ["owner", "service", "trusted"], caller: "actorId", userKey: "any" };
const servicesOnly: Access = { may: ["service"] };

/** The caller's field once it is filled in, or the code of the refusal, and its words. */
async function field(who: Caller, access: Access, userId: bigint): Promise<bigint | string> {
  const request = create(SendMessageReqSchema, { userId });
  try {
    const actor = authorize(who, access, request);
    expect(request.userId).toBe(actor);
    return actor;
  } catch (e) {
    const { code, rawMessage } = ConnectError.from(e);
    return `${Code[code]}: ${rawMessage}`;
  }
}

describe("[P8] the caller's field", () => {
  test("of a user is filled in, and may name nobody else", async () => {
    expect(await field(caller("user", 7n), sends, 0n)).toBe(7n);
    expect(await field(caller("user", 7n), sends, 7n)).toBe(7n);
    expect(await field(caller("user", 7n), sends, 8n)).toMatch(
      /^PermissionDenied: user_id is 8, but the token is of user 7/,
    );
  });

  test("of a viewer stays empty, where viewers may call, also of one who is a user", async () => {
    const request = create(SendMessageReqSchema, { userId: 7n });
    expect(authorize(caller("viewer", 7n), reads, request)).toBe(7n);
    expect(request.userId).toBe(0n);
    expect(() => authorize(caller("viewer", 7n), sends, request)).toThrow(/view/);
    expect(await field(caller("viewer"), reads, 0n)).toBe(0n);
    expect(await field(caller("viewer"), reads, 8n)).toMatch(/^PermissionDenied: .* the token is of no user/);
    expect(await field(caller("viewer"), sends, 0n)).toMatch(/^PermissionDenied: .*view/);
  });

  test.each(["trusted", "service"] as const)(
    "of a %s backend says for whom it acts, or the header does",
    async (kind) => {
      expect(await field(caller(kind), sends, 8n)).toBe(8n);
      expect(await field(caller(kind, 8n), sends, 0n)).toBe(8n);
      expect(await field(caller(kind, 8n), sends, 8n)).toBe(8n);
      expect(await field(caller(kind, 8n), sends, 9n)).toMatch(/^InvalidArgument: .*9.*roomlog-user.*8/);
      expect(await field(caller(kind), sends, 0n)).toMatch(/^InvalidArgument: user_id: say which user calls/);
    },
  );

  test("may be left out by a service that acts for itself, and under AUTH=trust where it always could", async () => {
    expect(await field(caller("service"), reads, 0n)).toBe(0n);
    expect(await field(caller("trusted"), reads, 0n)).toMatch(/^InvalidArgument/);
    const request = () => create(AddMemberReqSchema, { userId: 1n });
    expect(authorize(caller("trusted"), adds, request())).toBe(0n);
    expect(authorize(caller("service"), adds, request())).toBe(0n);
  });

  test("is left to the rules of its shape, if it is no id", async () => {
    for (const kind of ["trusted", "service"] as const) expect(await field(caller(kind), sends, -1n)).toBe(-1n);
    expect(await field(caller("user", 7n), sends, -1n)).toMatch(/^PermissionDenied/);
    expect(await field(caller("viewer"), sends, -1n)).toMatch(/^PermissionDenied/);
  });
});

test("[P8] what is up to services is refused to users, who are told so", () => {
  expect(() => authorize(caller("user", 7n), servicesOnly, create(GetRoomReqSchema))).toThrow(/up to services/);
});

describe("[P8] lists of users", () => {
  const listing: Access = { may: ["service"], users: ["userIds", "userKeys"] };

  test("by key are lists by id", async () => {
    const request = create(AddMembersReqSchema, { userIds: [5n], userKeys: ["ann", "ben"] });
    await findUser(listing, request, users);
    expect([request.userIds, request.userKeys]).toEqual([[5n, 77n, 78n], []]);
  });

  test("name at most 100 together, and no id is given before that is known", async () => {
    const userKeys = Array.from({ length: 60 }, (_, i) => `user ${i}`);
    const request = create(AddMembersReqSchema, { userIds: Array(41).fill(1n), userKeys });
    const none = { ...users, idsOf: () => Promise.reject(new Error("asked for ids")) };
    await expect(findUser(listing, request, none)).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

describe("[P8] a user_key", () => {
  const named = async (access: Access, fields: { userId?: bigint; userKey?: string }) => {
    const request = create(AddMemberReqSchema, fields);
    await findUser(access, request, users);
    return request.userId;
  };

  test("stands for the user's id", async () => {
    expect(await named(adds, { userKey: "ann" })).toBe(77n);
    expect(await named(adds, { userKey: "somebody new" })).toBe(77n);
    expect(await named(adds, { userId: 5n })).toBe(5n);
  });

  test("that nobody has is nobody's, where no user is made of it", async () => {
    const rules: Access = { ...adds, userKey: "known" };
    expect(await named(rules, { userKey: "ann" })).toBe(77n);
    expect(await named(rules, { userKey: "nobody" })).toBe(NOBODY);
  });

  test("is for services where only they may name anybody by it", () => {
    const bans: Access = { may: ["moderator", "service"], caller: "actorId", userKey: "any, by services" };
    const request = () => create(SetBanReqSchema, { roomId: 1n, userKey: "somebody new" });
    const by = (kind: Caller["kind"]) => authorize(caller(kind, 7n), bans, request());
    expect(() => by("user")).toThrow(/services name users by their keys/);
    expect(by("service")).toBe(7n);
  });

  test("is given instead of an id, and one of them is", async () => {
    await expect(named(adds, { userId: 5n, userKey: "ann" })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(named(adds, {})).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});
