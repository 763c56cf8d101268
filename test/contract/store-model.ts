import { create, equals, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  ChatService,
  type EnsureRoomReq,
  IsMemberResSchema,
  ListMembersReqSchema,
  type Member,
} from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Caller } from "../../src/chat/caller.ts";
import type { RoomHost } from "../../src/chat/room-host.ts";
import { roomRpcs } from "../../src/chat/room-rpcs.ts";
import type { ChatStore, RoomChange } from "../../src/chat/store.ts";
import { call, ensure, type Names, type Operation, operation, POSTS, roomId, USERS } from "../model/operations.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { newsSince } from "../support/memory-store.ts";
import { type Answer, type Call, Model, Refused } from "../support/model.ts";
import { headOf } from "../support/room-logs.ts";
import { freshPost } from "../support/stored-rooms.ts";
import type { StoreParts } from "./store.ts";

const RUNS = 40;

/** What the histories have to show, so that they test it. */
const EXPECTED = [
  ...outcomesOf(["addMember", "addMembers", "removeMember", "updateRoom", "editMessage", "setRole"]),
  ...outcomesOf(["setMute", "setBan", "setReaction", "setPin"]),
  ...["editMessage", "setRole", "setMute", "setBan", "setReaction", "setPin"].map(
    (name) => `${name}: FailedPrecondition`,
  ),
  ...["deleteRoom: ok", "deleteRoom: PermissionDenied", "ensureRoom: ok", "ensureRoom: NotFound"],
  ...["sendMessage: AlreadyExists", "sendMessage: PermissionDenied", "sendMessage: ResourceExhausted"],
];

function outcomesOf(changes: readonly string[]): string[] {
  return changes.flatMap((name) => ["ok", "PermissionDenied", "NotFound"].map((outcome) => `${name}: ${outcome}`));
}

let lastUser = GREAT_ID + 50_000n;

/** Posts and users of their own, of which the model knows what became. */
class History implements Names {
  readonly model = new Model();
  readonly posts = Array.from({ length: POSTS }, freshPost);
  readonly users = Array.from({ length: USERS }, () => ++lastUser);
  readonly changes: Call[] = [];
  readonly hasServices = true;
  readonly #store: ChatStore;

  constructor(store: ChatStore) {
    this.#store = store;
  }

  /** Opens rooms, the first of which has everybody as a member and a message, and may be slow. */
  async begin(isSlow: boolean): Promise<void> {
    for (const postId of this.posts.slice(0, -1)) {
      await this.perform(({ users }) => call("createChatRoom", { postId, userId: users[0]! }));
    }
    for (const userId of this.users.slice(1)) {
      await this.perform((names) => call("addMember", { roomId: roomId(names, 0), userId }));
    }
    await this.perform((names) =>
      call("sendMessage", { roomId: roomId(names, 0), userId: names.users[0]!, body: "hello" }),
    );
    if (isSlow) await this.perform((names) => call("updateRoom", { roomId: roomId(names, 0), slowModeSeconds: 1_800 }));
  }

  async perform(operation: Operation): Promise<string> {
    const asked = operation(this);
    const request = toJsonString(ChatService.method[asked.method].input, asked.request as never);
    const before = new Map([...this.model.rooms].map(([id, room]) => [id, headOf(room)]));
    const { answer, creator, news } = await this.#ask(asked);
    const expected = this.model.answer(asked, answer, creator);
    const [is, wanted] = [answer, expected].map((each) => show(asked, each));
    expect(is, `${asked.method} ${request}`).toBe(wanted);
    if (!(answer instanceof Refused)) {
      expect(equals(ChatService.method[asked.method].output, expected as typeof answer, answer)).toBe(true);
    }
    if (news) {
      const grown = [...before].flatMap(([id, head]) => {
        const room = this.model.rooms.get(id);
        return room ? newsSince(room, head) : create(NewsSchema, { roomId: id, isDeleted: true });
      });
      const told = grown.filter(({ messages, members, room, isDeleted }) => {
        return messages.length + members.length > 0 || room || isDeleted;
      });
      expect(news.map(withoutCount)).toEqual(told.map(withoutCount));
    }
    if (news || asked.method === "createChatRoom" || asked.method === "ensureRoom") this.changes.push(asked);
    return `${asked.method}: ${answer instanceof Refused ? Code[answer.code] : "ok"}`;
  }

  /** Asks the store what the RPC asks it. */
  async #ask(call: Call): Promise<{ answer: Answer; creator?: Member; news?: readonly News[] }> {
    const { method, request } = call;
    if (method === "sendTyping") return { answer: this.model.answer(call) };
    if (isRead(call)) {
      const answer = await this.#read(call).catch(ConnectError.from);
      return { answer: orRefusal(answer) };
    }
    if (method === "createChatRoom") {
      const answer = await this.#store.createRoom(request).catch(ConnectError.from);
      if (answer instanceof ConnectError) return { answer: orRefusal(answer) };
      const req = create(ListMembersReqSchema, { roomId: answer.id });
      const [creator] = (await this.#store.listMembers(req, "right")).members;
      return { answer, ...(creator && { creator }) };
    }
    if (method === "ensureRoom") return { answer: await this.#ensure(request).catch(orThrow) };
    const { outcomes, news } = await this.#store.commit([{ case: method, value: request } as RoomChange]);
    return { answer: orRefusal(outcomes[0] as Exclude<Answer, Refused> | ConnectError), news };
  }

  /** As the service does it. */
  async #ensure(request: EnsureRoomReq): Promise<Answer> {
    const host = {
      apply: async (change: RoomChange) => {
        const [outcome] = (await this.#store.commit([change])).outcomes;
        if (outcome instanceof ConnectError) throw outcome;
        return outcome;
      },
    };
    const rpcs = roomRpcs({ store: this.#store, rooms: host as unknown as RoomHost });
    return rpcs.ensureRoom(SERVICE, request);
  }

  async #read(call: Read): Promise<Exclude<Answer, Refused>> {
    switch (call.method) {
      case "getRoom":
        return this.#store.getRoom(call.request);
      case "getRooms": {
        const { userId, roomIds: ids, keys } = call.request;
        const none = { ids: [], keys: [] };
        return this.#store.getRooms(userId, { ids, keys }, none);
      }
      case "listRooms":
        return this.#store.listRooms(call.request);
      case "listMessages":
        return this.#store.listMessages(call.request);
      case "listMembers":
        return this.#store.listMembers(call.request);
      case "isMember":
        return create(IsMemberResSchema, { isMember: await this.#store.isMember(call.request) });
    }
  }
}

const READS = ["getRoom", "getRooms", "listRooms", "listMessages", "listMembers", "isMember"] as const;
type Read = Extract<Call, { method: (typeof READS)[number] }>;

function isRead(call: Call): call is Read {
  return READS.some((method) => method === call.method);
}

const SERVICE: Caller = { kind: "service", userId: 0n, views: [], name: "" };

function orThrow(error: unknown): Refused {
  if (error instanceof ConnectError) return new Refused(error.code);
  throw error;
}

/** A record tells how many members there were when it was read. */
function withoutCount(news: News): News {
  return news.room ? { ...news, room: { ...news.room, memberCount: 0, updatedAt: undefined as never } } : news;
}

function orRefusal<T>(answer: T | ConnectError): T | Refused {
  return answer instanceof ConnectError ? new Refused(answer.code) : answer;
}

function show({ method }: Call, answer: Answer): string {
  if (answer instanceof Refused) return Code[answer.code];
  return toJsonString(ChatService.method[method].output, answer as never, { prettySpaces: 1 });
}

/** The rules of ChatStore, by histories of random calls. */
export function modelContract(parts: () => StoreParts): void {
  describe("random histories", () => {
    let store: ChatStore;
    beforeAll(() => {
      store = parts().store;
    });

    test(`[S1][S4][S5][S6][S10] are what the model says, in ${RUNS} of them`, async () => {
      const seen = new Set<string>();
      const property = fc.asyncProperty(
        fc.array(fc.oneof({ weight: 20, arbitrary: operation }, ensure), {
          minLength: 30,
          maxLength: 120,
          size: "max",
        }),
        fc.boolean(),
        async (all, isSlow) => {
          const history = new History(store);
          await history.begin(isSlow);
          for (const each of all) seen.add(await history.perform(each));
        },
      );
      const unseen = () => EXPECTED.filter((outcome) => !seen.has(outcome));
      // Each comes several times in so many histories; that one doesn't in any of them never happens by chance.
      for (let round = 0; round < 10 && (round === 0 || unseen().length > 0); round++) {
        await fc.assert(property, { numRuns: RUNS });
      }
      expect(unseen()).toEqual([]);
    });
  });
}
