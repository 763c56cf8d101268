import { type DescMethod, fromJson, type JsonObject, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ChatService, Role } from "../../gen/chat_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { FIRST_KEYED_USER } from "../../src/chat/user-store.ts";
import { PAGE } from "../node/raw.ts";
import { chatClient } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { TestStream } from "../support/test-stream.ts";
import type { Service } from "./runtime.ts";

/** A room with one of each, and two whom something may be done to. */
interface Cell {
  readonly roomId: bigint;
  readonly messageId: bigint;
  readonly owner: bigint;
  readonly moderator: bigint;
  readonly author: bigint;
  readonly member: bigint;
  readonly other: bigint;
  readonly stranger: bigint;
}

/** Those who may make a call, in the words of proto/chat.proto, and a call. */
interface Row {
  readonly may: string;
  /** The field of the request that names the caller. */
  readonly caller?: "userId" | "actorId";
  /** What a service gets that acts for itself, where it may only sometimes. */
  readonly ofService?: string;
  readonly request: (cell: Cell) => JsonObject;
  /** What the caller may not read is left out of the answer. */
  readonly isAList?: boolean;
}

const inRoom = ({ roomId }: Cell) => ({ roomId: `${roomId}` });
const about = ({ roomId, other }: Cell) => ({ roomId: `${roomId}`, userId: `${other}` });
const ofMessage = ({ roomId, messageId }: Cell) => ({ roomId: `${roomId}`, messageId: `${messageId}` });
const fromBeginning = ({ roomId }: Cell) => ({ roomIds: [`${roomId}`], afterSeq: { [`${roomId}`]: "0" } });

/** Where ROOM_CREATION=users. */
const ROWS: Record<string, Row> = {
  CreateChatRoom: { may: "user", caller: "userId", request: () => ({ postId: `${freshId()}` }) },
  EnsureRoom: { may: "user service", caller: "userId", request: () => ({ key: `room ${freshId()}` }) },
  UpdateRoom: {
    may: "owner moderator service",
    caller: "actorId",
    request: (cell) => ({ ...inRoom(cell), name: "another" }),
  },
  DeleteRoom: { may: "owner service", caller: "actorId", request: inRoom },
  GetRooms: {
    may: "user view service",
    caller: "userId",
    isAList: true,
    request: ({ roomId }) => ({ roomIds: [`${roomId}`] }),
  },
  AddMembers: {
    may: "owner moderator service",
    caller: "actorId",
    request: ({ roomId }) => ({ roomId: `${roomId}`, userIds: [`${freshId()}`] }),
  },
  AddMember: {
    may: "owner moderator service",
    caller: "actorId",
    request: ({ roomId }) => ({ roomId: `${roomId}`, userId: `${freshId()}` }),
  },
  SendMessage: { may: "member", caller: "userId", request: (cell) => ({ ...inRoom(cell), body: "hello" }) },
  StreamMessage: { may: "member view service", caller: "userId", request: fromBeginning },
  GetRoom: { may: "member view service", caller: "userId", request: inRoom },
  ListRooms: { may: "user", caller: "userId", request: () => ({}) },
  ListMessages: { may: "member view service", caller: "userId", request: inRoom },
  ListMembers: { may: "member view service", caller: "userId", request: inRoom },
  IsMember: { may: "member service", caller: "actorId", request: about },
  RemoveMember: { may: "owner moderator service", caller: "actorId", request: about },
  TransferOwnership: { may: "owner service", caller: "actorId", request: about },
  SetRole: {
    may: "owner service",
    caller: "actorId",
    request: (cell) => ({ ...about(cell), role: "ROLE_MODERATOR" }),
  },
  SetMute: {
    may: "owner moderator service",
    caller: "actorId",
    request: (cell) => ({ ...about(cell), mutedUntil: "9999-12-31T23:59:59Z" }),
  },
  SetBan: {
    may: "owner moderator service",
    caller: "actorId",
    request: (cell) => ({ ...about(cell), bannedUntil: "9999-12-31T23:59:59Z" }),
  },
  EditMessage: {
    may: "author",
    caller: "userId",
    ofService: "permission_denied",
    request: (cell) => ({ ...ofMessage(cell), body: "goodbye" }),
  },
  DeleteMessage: { may: "author owner moderator service", caller: "userId", request: ofMessage },
  SetReaction: {
    may: "member",
    caller: "userId",
    request: (cell) => ({ ...ofMessage(cell), emoji: "👍", on: true }),
  },
  SetPin: { may: "owner moderator service", caller: "actorId", request: (cell) => ({ ...ofMessage(cell), on: true }) },
  MarkRead: { may: "member", caller: "userId", request: ofMessage },
  SendTyping: { may: "member", caller: "userId", request: inRoom },
  StreamEvents: { may: "member view service", caller: "userId", request: ({ roomId }) => ({ roomIds: [`${roomId}`] }) },
  ListPresence: { may: "member view service", caller: "userId", request: inRoom },
  SearchMessages: {
    may: "member view service",
    caller: "userId",
    request: (cell) => ({ ...inRoom(cell), query: "hi" }),
  },
  StreamAll: { may: "service", request: () => ({}) },
  GetProfiles: { may: "user service", caller: "actorId", request: ({ author }) => ({ userIds: [`${author}`] }) },
  RevokeTokens: { may: "service", request: ({ other }) => ({ userId: `${other}` }) },
};

const PEOPLE = ["stranger", "member", "author", "moderator", "owner"] as const;
type Person = (typeof PEOPLE)[number];

/** What comes of a person's call. */
function ofPerson(person: Person, { may }: Row): string {
  const who = may.split(" ");
  if (who.includes("user") || who.includes(person)) return "ok";
  if (person !== "stranger" && who.includes("member")) return "ok";
  if (may === "service") return "permission_denied";
  return person === "stranger" ? "not_found" : "permission_denied";
}

function expected(row: Row): Record<string, string> {
  const { may, caller, isAList, ofService = may.includes("service") ? "ok" : "invalid_argument" } = row;
  const elsewhere = isAList ? "ok" : "not_found";
  const isForViews = may.includes("view");
  return {
    ...Object.fromEntries(PEOPLE.map((person) => [person, ofPerson(person, row)])),
    "a member who names another": caller ? "permission_denied" : ofPerson("member", row),
    "the holder of a view of the room": isForViews ? "ok" : "permission_denied",
    "the holder of a view of another": isForViews ? elsewhere : "permission_denied",
    "a stranger with a view of the room": isForViews ? "ok" : "permission_denied",
    "a member with a view of another": isForViews ? elsewhere : "permission_denied",
    "a view's holder who names no id": "permission_denied",
    "a member who names no id": caller ? "permission_denied" : ofPerson("member", row),
    "a member with a service's header": "permission_denied",
    "a service": ofService,
    "a service with a token": ofService,
    "a service for the member": may === "service" ? "ok" : ofPerson("member", row),
    "a service for a stranger, by key": may === "service" ? "ok" : ofPerson("stranger", row),
    "a service on a page": "permission_denied",
  };
}

/** A service's key. */
const KEY = "k".repeat(43);
const asService = { headers: { authorization: `Bearer ${KEY}` } };

/** Two seconds are promised; the rest is what a busy machine may add, in milliseconds. */
export const REVOKED_MS = 4_000;

/** The service under test, on a runtime, with these variables. */
export type StartService = (env: Record<string, string>) => Promise<Service>;

/** Who may call what: every RPC, by everyone there is, and with every token that doesn't count. */
export function accessContract(start: StartService): void {
  const resources = new AsyncDisposableStack();
  let provider: IdentityProvider;
  let url: string;
  let call: ReturnType<typeof caller>;
  let bad: Record<string, string>;

  beforeAll(async () => {
    provider = resources.use(await IdentityProvider.start());
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("another key".repeat(5)))).toString(
      "hex",
    );
    const service = await start({
      ...provider.env,
      API_KEYS: `sha256:${hash},${KEY}`,
      ROOM_CREATION: "users",
      CORS_ORIGINS: PAGE,
    });
    resources.use(service);
    url = service.url;
    call = caller(url);
    const sub = `${freshId()}`;
    bad = { none: "", ...(await provider.badTokens(sub)), revoked: await provider.token({ sub }) };
    expect(await call(ChatService.method.listRooms, {}, bad.revoked), "before it is revoked").toBe("ok");
    await call(ChatService.method.revokeTokens, { key: sub }, KEY);
    const gone = async () => expect(await call(ChatService.method.listRooms, {}, bad.revoked)).toBe("unauthenticated");
    await vi.waitFor(gone, { timeout: 4_000 });
  });
  afterAll(() => resources[Symbol.asyncDispose]());

  /** A room for one call, since the call may change it. */
  async function cell(): Promise<Cell> {
    const [owner, moderator, author, member, other, stranger] = Array.from({ length: 6 }, freshId) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const { client } = call;
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId: owner }, asService);
    for (const userId of [moderator, author, member, other]) await client.addMember({ roomId, userId }, asService);
    await client.setRole({ roomId, userId: moderator, role: Role.MODERATOR }, asService);
    const { id: messageId } = await client.sendMessage({ roomId, userId: author, body: "hi" }, asService);
    return { roomId, messageId, owner, moderator, author, member, other, stranger };
  }

  test("[P5] every RPC has a row", () => {
    expect(Object.keys(ROWS)).toEqual(ChatService.methods.map(({ name }) => name));
  });

  describe.each(ChatService.methods.map((method) => [method.name, method] as const))("[P5] %s", (name, method) => {
    const row = ROWS[name]!;

    test("is for those whom the contract names", async () => {
      const outcomes: Record<string, string> = {};
      const make = async (
        who: string,
        credentials: (cell: Cell) => Promise<[string, Record<string, string>?, JsonObject?]>,
      ) => {
        const room = await cell();
        const [token, headers, fields] = await credentials(room);
        outcomes[who] = await call(method, { ...row.request(room), ...fields }, token, headers);
      };
      for (const person of PEOPLE) {
        await make(person, async (room) => [await provider.token({ sub: `${room[person]}` })]);
      }
      const field = row.caller;
      await make("a member who names another", async ({ member, other }) => [
        await provider.token({ sub: `${member}` }),
        {},
        field && { [field]: `${other}` },
      ]);
      const elsewhere = await cell();
      const view = ({ roomId }: Cell) => ({ view: [`${roomId}`] });
      await make("the holder of a view of the room", async (room) => [await provider.token(view(room))]);
      await make("the holder of a view of another", async () => [await provider.token(view(elsewhere))]);
      await make("a stranger with a view of the room", async (room) => [
        await provider.token({ sub: `${room.stranger}`, ...view(room) }),
      ]);
      await make("a member with a view of another", async ({ member }) => [
        await provider.token({ sub: `${member}`, ...view(elsewhere) }),
      ]);
      const noId = field && { [field]: "-1" };
      await make("a view's holder who names no id", async (room) => [await provider.token(view(room)), {}, noId]);
      await make("a member who names no id", async ({ member }) => [
        await provider.token({ sub: `${member}` }),
        {},
        noId,
      ]);
      await make("a member with a service's header", async ({ member, owner }) => [
        await provider.token({ sub: `${member}` }),
        { "roomlog-user": `${owner}` },
      ]);
      await make("a service", async () => [KEY]);
      await make("a service with a token", async () => [await provider.token({ sub: "billing", scope: "service" })]);
      await make("a service for the member", async ({ member }) => [KEY, {}, field && { [field]: `${member}` }]);
      await make("a service for a stranger, by key", async ({ stranger }) => [KEY, { "roomlog-user": `${stranger}` }]);
      await make("a service on a page", async () => [KEY, { origin: PAGE }]);
      expect(outcomes).toEqual(expected(row));
    });

    test("is refused with a token that doesn't count, whatever it asks for", async () => {
      const room = await cell();
      const outcomes: Record<string, string> = {};
      for (const [what, token] of Object.entries(bad)) outcomes[what] = await call(method, row.request(room), token);
      expect(outcomes).toEqual(Object.fromEntries(Object.keys(bad).map((what) => [what, "unauthenticated"])));
    });
  });

  describe("[P8] a stream", () => {
    const follow = async (token: string, { roomId }: Cell, after = 0n) => {
      const client = chatClient("Connect JSON", url, token);
      const stream = new TestStream(client, { roomIds: [roomId], afterSeq: { [`${roomId}`]: after } });
      await stream.live;
      return stream;
    };

    test("ends with its token, and the next one goes on with another", async () => {
      const room = await cell();
      const claims = { sub: `${room.member}` };
      const exp = Math.floor(Date.now() / 1_000) + 3;
      await using first = await follow(await provider.token({ ...claims, exp }), room);
      const [heard] = await first.take(1);
      await using second = await follow(await provider.token(claims), room, heard!.seq);
      expect(await first.ended).toMatchObject({
        code: Code.Unauthenticated,
        rawMessage: expect.stringContaining("expired"),
      });
      expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
      await call.client.sendMessage({ roomId: room.roomId, userId: room.author, body: "on" }, asService);
      expect((await second.take(1)).map(({ body }) => body)).toEqual(["on"]);
    });

    test("ends within two seconds when its token is revoked, and no other's does", async () => {
      const room = await cell();
      await using revoked = await follow(await provider.token({ sub: `${room.member}` }), room);
      await using other = await follow(await provider.token({ sub: `${room.other}` }), room);
      await Promise.all([revoked.take(1), other.take(1)]);
      const started = performance.now();
      await call.client.revokeTokens({ user: { case: "userId", value: room.member } }, asService);
      expect(await revoked.ended).toMatchObject({
        code: Code.Unauthenticated,
        rawMessage: expect.stringContaining("revoked"),
      });
      expect(performance.now() - started).toBeLessThan(REVOKED_MS);
      await call.client.sendMessage({ roomId: room.roomId, userId: room.author, body: "on" }, asService);
      await other.take(2);
    });

    test("of a view is nobody's membership", async () => {
      const room = await cell();
      await using stream = await follow(await provider.token({ view: [`${room.roomId}`] }), room);
      await stream.take(1);
      const { members } = await call.client.listMembers({ roomId: room.roomId }, asService);
      expect(members).toHaveLength(5);
    });
  });

  /** Requests that are not for all of those who may make the call otherwise. */
  const narrower: Record<string, [DescMethod, (room: Cell) => JsonObject, Record<string, string>]> = {
    "who is banned": [
      ChatService.method.listMembers,
      (room) => ({ ...inRoom(room), banned: true }),
      {
        ...{ stranger: "not_found", member: "permission_denied", author: "permission_denied" },
        ...{ moderator: "ok", owner: "ok", service: "ok" },
        ...{ "a view's holder": "permission_denied", "a moderator with a view": "permission_denied" },
      },
    ],
    "a list of rooms, followed": [
      ChatService.method.streamEvents,
      () => ({ followList: true }),
      {
        ...{ stranger: "ok", member: "ok", author: "ok", moderator: "ok", owner: "ok", service: "invalid_argument" },
        ...{ "a view's holder": "permission_denied", "a moderator with a view": "permission_denied" },
      },
    ],
    "a search in all rooms": [
      ChatService.method.searchMessages,
      () => ({ query: "hi" }),
      {
        ...{ stranger: "ok", member: "ok", author: "ok", moderator: "ok", owner: "ok", service: "invalid_argument" },
        ...{ "a view's holder": "invalid_argument", "a moderator with a view": "invalid_argument" },
      },
    ],
  };

  test.each(Object.entries(narrower))("[P5] %s", async (_, [method, request, expected]) => {
    const room = await cell();
    const view = [`${room.roomId}`];
    const outcomes: Record<string, string> = {};
    for (const person of PEOPLE) {
      outcomes[person] = await call(method, request(room), await provider.token({ sub: `${room[person]}` }));
    }
    outcomes["a view's holder"] = await call(method, request(room), await provider.token({ view }));
    const moderator = await provider.token({ sub: `${room.moderator}`, view });
    outcomes["a moderator with a view"] = await call(method, request(room), moderator);
    outcomes.service = await call(method, request(room), KEY);
    expect(outcomes).toEqual(expected);
  });

  test("[P5] users are known by their keys, and seen by those who share a room with them", async () => {
    const [ann, ben, carl] = ["auth0|ann", "ben@example.com", "5c9c2b9e"].map((key) => `${key} ${freshId()}`) as [
      string,
      string,
      string,
    ];
    const tokenOf = (sub: string) => provider.token({ sub, name: sub.toUpperCase() });
    const { client } = call;
    const owner = freshId();
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId: owner }, asService);
    for (const userKey of [ann, ben]) await client.addMember({ roomId, userKey }, asService);
    const [annsClient, carlsClient] = [ann, carl].map(async (sub) =>
      chatClient("Connect JSON", url, await tokenOf(sub)),
    );
    const sent = await (await annsClient!).sendMessage({ roomId, body: "it is me" });
    expect(sent.userId).toBeGreaterThanOrEqual(FIRST_KEYED_USER);
    await expect((await carlsClient!).sendMessage({ roomId, body: "me too" })).rejects.toMatchObject({
      code: Code.NotFound,
    });
    await (await chatClient("Connect JSON", url, await tokenOf(ben))).listRooms({});
    const seen = async (by: Promise<ReturnType<typeof chatClient>>) => {
      const { profiles } = await (await by).getProfiles({ keys: [ann, ben, carl] });
      return profiles.map(({ key, name }) => [key, name]).sort();
    };
    expect(await seen(annsClient!)).toEqual([ann, ben].map((key) => [key, key.toUpperCase()]).sort());
    expect(await seen(carlsClient!)).toEqual([[carl, carl.toUpperCase()]]);
    const byKey = { headers: { ...asService.headers, "roomlog-user": encodeURIComponent(ben) } };
    expect((await client.sendMessage({ roomId, body: "for ben" }, byKey)).userId).not.toBe(sent.userId);
  });

  test("[P7] [P8] a key that a refused request names gets no id, and nobody hears whether it has one", async () => {
    const room = await cell();
    const { roomId } = room;
    const { addMember, isMember, removeMember } = ChatService.method;
    const [userKey, known] = [`unheard of ${freshId()}`, `known ${freshId()}`];
    const viewer = await provider.token({ view: [`${roomId}`] });
    const stranger = await provider.token({ sub: `${room.stranger}` });
    const ask = { roomId: `${roomId}`, userKey };
    expect(await call(addMember, ask, viewer)).toBe("permission_denied");
    expect(await call(addMember, { ...ask, actorId: "-1" }, viewer)).toBe("permission_denied");
    expect(await call(addMember, { ...ask, actorId: "-1" }, stranger)).toBe("permission_denied");
    expect(await call(addMember, { ...ask, actorId: "-1" }, KEY)).toBe("invalid_argument");
    expect(await call(addMember, { ...ask, roomId: "0" }, stranger)).toBe("invalid_argument");
    expect(await call(isMember, ask, stranger)).toBe("not_found");
    const { client } = call;
    expect((await client.getProfiles({ keys: [userKey] }, asService)).profiles).toEqual([]);

    await client.createChatRoom({ postId: freshId() }, { headers: { ...asService.headers, "roomlog-user": known } });
    const texts = [];
    for (const key of [userKey, known]) {
      for (const token of [stranger, await provider.token({ sub: `${room.owner}` })]) {
        const asking = chatClient("Connect JSON", url, token);
        texts.push(`${await asking.removeMember({ roomId, userKey: key }).catch(ConnectError.from)}`);
        expect(await call(removeMember, { ...ask, userKey: key }, token)).toBe("not_found");
      }
    }
    expect(texts.slice(0, 2)).toEqual(texts.slice(2));
  });

  test("[P5] probes of the service's health need no token, and mind none", async () => {
    for (const token of Object.values(bad)) expect(await call(Health.method.check, {}, token)).toBe("ok");
  });
}

/** Makes calls, and tells how they ended: with a code, or "ok" when there is an answer, or the first of a stream's. */
function caller(baseUrl: string) {
  const transport = createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false });
  const client = createClient(ChatService, transport);
  const call = async (method: DescMethod, request: JsonObject, token = "", headers: Record<string, string> = {}) => {
    const message = fromJson(method.input, request) as Message;
    const left = new AbortController();
    const credentials = { ...(token !== "" && { authorization: `Bearer ${token}` }), ...headers };
    try {
      if (method.methodKind === "unary") {
        await transport.unary(method as never, left.signal, 20_000, credentials, message as never);
      } else {
        const requests = (async function* () {
          yield message;
        })();
        const answers = await transport.stream(method as never, left.signal, 20_000, credentials, requests as never);
        for await (const _ of answers.message) break;
      }
      return "ok";
    } catch (error) {
      return codeToString(error instanceof ConnectError ? error.code : Code.Unknown);
    } finally {
      left.abort();
    }
  };
  return Object.assign(call, { client });
}
