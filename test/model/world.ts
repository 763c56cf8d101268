import { equals, toJson, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ChatService,
  type ListMessagesRes,
  type ListRoomsRes,
  type Member,
  type RoomSummary,
  RoomSummarySchema,
} from "../../gen/chat_pb.ts";
import { type ChatClient, chatClient, type Protocol } from "../support/clients.ts";
import { freshId } from "../support/fresh-id.ts";
import { type Answer, type Call, Model, type PageLimits, Refused } from "../support/model.ts";
import { fitting, headOf, membershipsIn, membersOf, summaryText } from "../support/room-logs.ts";
import { AllReader } from "./all-reader.ts";
import { call, type Names, type Operation, POSTS, USERS } from "./operations.ts";
import { type End, type Past, Reader, type ReaderKind, type Start, until } from "./reader.ts";
import { ViewReader } from "./view-reader.ts";

export const protocols = ["Connect over h2", "Connect JSON", "gRPC-Web", "gRPC"] as const satisfies Protocol[];

type Clients = Readonly<Record<(typeof protocols)[number], ChatClient>>;

/** The servers of one database. */
export interface Servers extends AsyncDisposable {
  readonly urls: readonly string[];
  /** How many rooms they follow for readers, where that can be asked. */
  readonly followed?: () => number;
}

/** Running servers, their clients, and what all histories on them have shown so far. */
export interface Stage {
  readonly servers: Servers;
  /** By server. */
  readonly clients: readonly Clients[];
  readonly limits: PageLimits;
  readonly seen: Map<string, number>;
}

export function createStage(servers: Servers, limits: PageLimits): Stage {
  const clients = servers.urls.map((url) => {
    return Object.fromEntries(
      protocols.map((protocol) => [protocol, chatClient(protocol, url, SERVICE_KEY)]),
    ) as Clients;
  });
  return { servers, clients, limits, seen: new Map() };
}

interface Outcome {
  readonly call: Call;
  readonly answer: Answer;
  /** For a person, if it was refused. */
  readonly reason: string;
  /** The first member of a room that was created. */
  readonly creator: Member | undefined;
}

/** The key of the product's backend. */
export const SERVICE_KEY = "k".repeat(43);

const MAX_READERS = 6;

/** One history: rooms and users of its own, what the model makes of it, and readers who follow it. */
export class World implements Names, Past, AsyncDisposable {
  readonly model: Model;
  readonly posts: readonly bigint[];
  readonly users: readonly bigint[];
  readonly changes: Call[] = [];
  /** Calls are made with the key of a service, for the user whom each names, if it names one. */
  readonly hasServices = true;
  readonly ended = new Map<bigint, End>();
  readonly readAt = new Map<string, number[]>();
  readonly movedAt = new Map<bigint, number>();
  readonly typed = new Map<string, number>();
  readonly readers: Reader[] = [];
  /** Reads everything, and is entitled to. */
  readonly all: AllReader;
  /** Reads the rooms that it has a view of. */
  readonly viewer: ViewReader;
  /** What happened, for a person. */
  readonly trace: string[] = [];
  readonly #stage: Stage;
  readonly #reasons = new Map<string, string>();
  /** By membership: read positions that have been noted. */
  readonly #positions = new Map<bigint, number>();
  #lastReader = 0;
  #lastClient = 0;
  /** Grows with every call, or burst of calls, that the model has taken in. */
  #moment = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.model = new Model(stage.limits);
    this.all = new AllReader(stage.clients.flatMap((clients) => protocols.map((protocol) => clients[protocol])));
    this.viewer = new ViewReader(stage.servers.urls);
    // Ids that a double can't tell apart.
    const first = 2n ** 60n + 16n * freshId();
    this.posts = Array.from({ length: POSTS }, (_, i) => first + 8n + BigInt(i));
    this.users = Array.from({ length: USERS }, (_, i) => first + BigInt(i));
  }

  /** A text with short names for posts and users. */
  readable(text: string): string {
    const names = new Map<bigint, string>();
    for (const [i, post] of this.posts.entries()) names.set(post, `post${i}`);
    for (const [i, user] of this.users.entries()) names.set(user, `user${i}`);
    return [...names].reduce((text, [id, name]) => text.replaceAll(`${id}`, name), text);
  }

  saw(what: string): void {
    const { seen } = this.#stage;
    seen.set(what, (seen.get(what) ?? 0) + 1);
  }

  /** Makes one call, and has everybody look at what came of it. */
  async perform(operation: Operation): Promise<void> {
    const outcome = await this.#ask(operation(this));
    this.trace.push(show(outcome));
    const expected = this.model.answer(outcome.call, outcome.answer, outcome.creator);
    if (!isSame(outcome, expected)) throw new Error(differs(outcome, expected));
    this.#checkReason(outcome);
    this.#note([outcome]);
  }

  /** Makes calls at once, while some readers come back. There has to be an order in which they could have happened. */
  async burst(operations: readonly Operation[], returning: readonly number[], heartbeatSeconds: number): Promise<void> {
    const calls = operations.map((operation) => operation(this));
    const back = new Set(returning.flatMap((index) => this.#reader(index) ?? []));
    await Promise.all([...back].map((reader) => reader.drop()));
    const asked = calls.map((call) => this.#ask(call));
    const open = [...back].filter((reader) => reader.canResume);
    for (const reader of open) reader.resume(heartbeatSeconds);
    const outcomes = await Promise.all(asked);
    this.trace.push(...outcomes.map(show), ...open.map((reader) => `${reader} resumed`));
    const after = await this.#look();
    const end = linearize(this.model, outcomes, (model) => after.every((outcome) => agrees(model, outcome)));
    if (!end) throw new Error(unexplained(this.model, outcomes, after));
    // When members joined is known only roughly: other orders would have been right as well.
    const [from, to] = [this.model.newestMessageId(), end.newestMessageId()];
    for (const [id, { joined }] of end.rooms) {
      for (const member of joined.keys()) {
        if (!this.model.rooms.get(id)?.joined.has(member)) joined.set(member, [from, to]);
      }
    }
    for (const { call: changed, answer } of outcomes) {
      if (changed.method !== "updateRoom" || answer instanceof Refused) continue;
      for (const { call: sent } of outcomes) {
        if (sent.method !== "sendMessage" || sent.request.roomId !== changed.request.roomId) continue;
        end.rooms.get(sent.request.roomId)?.mayWait.add(sent.request.userId);
      }
    }
    this.model.rooms = end.rooms;
    this.model.deleted = end.deleted;
    this.saw(`burst of ${calls.length}`);
    this.#note(outcomes);
    for (const reader of open) {
      await reader.confirm();
      reader.absorb();
    }
  }

  /** Reads all of a user's rooms in pages, while other things happen. */
  async readPages(userId: bigint, limit: number, between: readonly Operation[]): Promise<void> {
    const order = this.model.clone();
    const rooms: ListRoomsRes["rooms"] = [];
    for (let page = 0, pageToken = ""; page === 0 || pageToken !== ""; page++) {
      if (page > 10) throw new Error("the pages don't end");
      const { rooms: found, nextPageToken } = await this.#client().listRooms({ userId, limit, pageToken });
      this.trace.push(`page ${page}: ${found.map(({ room }) => room?.id)}`);
      const all = this.model.roomsOf(userId, found);
      for (const summary of found) {
        const expected = all.find(({ room }) => room?.id === summary.room?.id);
        const isRight = expected && equals(RoomSummarySchema, expected, summary);
        if (!isRight) throw new Error(`ListRooms has ${toJsonString(RoomSummarySchema, summary)}`);
      }
      const rest = all.filter(({ room }) => !found.some((each) => each.room?.id === room?.id));
      if (!isFull(found, rest, limit, this.model.limits.pageBytes) && nextPageToken !== "") {
        throw new Error(`a page of ${limit} has ${found.length} rooms, and then: ${nextPageToken}`);
      }
      if (found.length > limit || fitting(found, this.model.limits.pageBytes, summaryText).length < found.length) {
        throw new Error(`a page of ${limit} has too much: ${found.length} rooms`);
      }
      rooms.push(...found);
      pageToken = nextPageToken;
      if (pageToken !== "") {
        const operation = between[page % between.length];
        if (operation) await this.perform(operation);
      }
    }
    const inOrder = order.roomsOf(userId, rooms).map(({ room }) => room?.id);
    const ids = rooms.map(({ room }) => room?.id);
    if (`${ids}` !== `${inOrder}`)
      throw new Error(`the pages of ${userId} have the rooms ${ids}, expected: ${inOrder}`);
    this.saw(`pages of rooms: ${rooms.length > limit ? "several" : "one"}`);
  }

  /** Opens a stream of a new reader. */
  async attach(
    protocol: (typeof protocols)[number],
    userId: bigint,
    kind: ReaderKind,
    starts: ReadonlyMap<bigint, Start>,
    heartbeatSeconds: number,
    stray?: bigint,
  ): Promise<void> {
    if (this.readers.length === MAX_READERS) await this.readers.shift()!.drop();
    const name = `reader ${++this.#lastReader} over ${protocol}`;
    const clients = this.#stage.clients.map((clients) => clients[protocol]);
    const others = clients.splice(this.#lastReader % clients.length);
    const reader = new Reader(this, [...others, ...clients], name, userId, kind);
    this.readers.push(reader);
    const from = [...starts].map(([id, at]) => `${at === "now" ? at : `${at.seq}, ${at.memberSeq}`} in room ${id}`);
    this.trace.push(`${reader} begins at ${from.join("; ")}`);
    reader.begin(starts, heartbeatSeconds, stray);
    await reader.confirm();
    reader.absorb();
  }

  async drop(index: number): Promise<void> {
    const reader = this.#reader(index);
    this.trace.push(`${reader} leaves`);
    await reader?.drop();
  }

  async resume(index: number, heartbeatSeconds: number): Promise<void> {
    const reader = this.#reader(index);
    if (reader) await this.#resume(reader, heartbeatSeconds);
  }

  /** Waits until all readers have received all that happened. */
  async settle(): Promise<void> {
    const isSettled = await until(5_000, () => {
      for (const reader of this.readers) reader.absorb();
      return this.readers.every((reader) => reader.isSettled);
    });
    if (!isSettled) throw this.readers.find((reader) => !reader.isSettled)!.late();
    for (const reader of this.readers) if (reader.isOpen) reader.verify();
  }

  /** Waits for a heartbeat of each reader that is to have one soon. */
  async awaitHeartbeats(): Promise<void> {
    await this.settle();
    const before = this.readers.map((reader) => reader.heartbeats);
    const haveCome = await until(3_000, () => {
      for (const reader of this.readers) reader.absorb();
      return this.readers.every((reader, i) => reader.heartbeats === undefined || reader.heartbeats > before[i]!);
    });
    if (!haveCome) throw new Error("a heartbeat didn't come");
  }

  /** Everybody comes back, and has to know everything in the end. */
  async finish(hasHeartbeats: boolean): Promise<void> {
    for (const reader of this.readers) {
      reader.forget();
      if (hasHeartbeats || !reader.isOpen) await this.#resume(reader, 1);
    }
    await (hasHeartbeats ? this.awaitHeartbeats() : this.settle());
    for (const outcome of await this.#look()) {
      const expected = this.model.answer(outcome.call, outcome.answer);
      if (!isSame(outcome, expected)) throw new Error(differs(outcome, expected));
    }
    await this.all.settle(this.model);
    await this.viewer.settle(this.model);
    await this[Symbol.asyncDispose]();
    const { followed } = this.#stage.servers;
    const areGone = !followed || (await until(5_000, () => followed() === 0));
    if (!areGone) throw new Error("the server still follows rooms for readers who have left");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.all, this.viewer, ...this.readers].map((reader) => reader[Symbol.asyncDispose]()));
  }

  async #resume(reader: Reader, heartbeatSeconds: number): Promise<void> {
    await reader.drop();
    if (!reader.canResume) return;
    this.trace.push(`${reader} resumes`);
    reader.resume(heartbeatSeconds);
    await reader.confirm();
    reader.absorb();
    if (!reader.isOpen) reader.forget();
  }

  /** Has everybody look at what came of calls that the model has taken in. */
  #note(outcomes: readonly Outcome[]): void {
    this.#moment++;
    for (const { call, answer } of outcomes) {
      this.saw(`${call.method}: ${answer instanceof Refused ? Code[answer.code] : "ok"}`);
      if (CHANGES.has(call.method)) this.changes.push(call);
      if (call.method !== "sendTyping" || answer instanceof Refused) continue;
      const key = `${call.request.roomId}/${call.request.userId}`;
      this.typed.set(key, (this.typed.get(key) ?? 0) + 1);
    }
    for (const room of this.model.rooms.values()) {
      for (const { id, removedAt, memberSeq } of membershipsIn(room.members)) {
        if (!removedAt || this.ended.has(id)) continue;
        this.ended.set(id, { seq: headOf(room).seq, memberSeq, moment: this.#moment });
      }
      for (const [id, positions] of room.reads) {
        for (const { messageId } of positions.slice(this.#positions.get(id) ?? 0)) {
          const key = `${id}/${messageId}`;
          this.readAt.set(key, [...(this.readAt.get(key) ?? []), this.#moment]);
          this.movedAt.set(id, this.#moment);
        }
        this.#positions.set(id, positions.length);
      }
    }
    for (const reader of this.readers) reader.absorb();
  }

  /** Nobody can tell a room that he is not in from one that doesn't exist. */
  #checkReason({ call, answer, reason }: Outcome): void {
    if (!(answer instanceof Refused) || answer.code !== Code.NotFound) return;
    const { method, request } = call;
    const isByPost = method === "getRoom" && request.room.case === "postId";
    const userId = "actorId" in request ? request.actorId : "userId" in request ? request.userId : 0n;
    if (userId === 0n) return; // services find every room
    const room = "roomId" in request ? this.model.rooms.get(request.roomId) : undefined;
    if (room && membersOf(room).has(userId)) return;
    const key = `${method} ${isByPost}`;
    const text = reason.replaceAll(/\d+/g, "N");
    const known = this.#reasons.get(key);
    this.#reasons.set(key, text);
    if (known !== undefined && known !== text)
      throw new Error(`${show({ call, answer, reason })}, otherwise: ${known}`);
  }

  #reader(index: number): Reader | undefined {
    return this.readers[index % this.readers.length];
  }

  /** Those who call take turns with the servers. */
  #client(): ChatClient {
    const { clients } = this.#stage;
    return clients[this.#lastClient++ % clients.length]![protocols[0]];
  }

  async #ask(call: Call): Promise<Outcome> {
    const client = this.#client();
    const rpc = client[call.method] as (request: unknown) => Promise<Exclude<Answer, Refused>>;
    let outcome: Outcome;
    try {
      const answer = await rpc(call.request);
      let creator: Member | undefined;
      if (answer.$typeName === "chat_grpc.Room" && call.method === "createChatRoom") {
        const { members } = await client.listMembers({ roomId: answer.id, userId: call.request.userId });
        creator = members[0];
      }
      outcome = { call, answer, reason: "", creator };
    } catch (e) {
      const { code, rawMessage } = ConnectError.from(e);
      outcome = { call, answer: new Refused(code), reason: rawMessage, creator: undefined };
    }
    return outcome;
  }

  /** All that can be read, while nothing happens. */
  async #look(): Promise<Outcome[]> {
    const lists = await Promise.all(this.users.map((userId) => this.#ask(call("listRooms", { userId }))));
    const readers = new Map<bigint, bigint>();
    for (const [i, { answer }] of lists.entries()) {
      if (answer instanceof Refused) continue;
      const userId = this.users[i]!;
      for (let page = answer as ListRoomsRes; ; ) {
        for (const { room } of page.rooms) readers.set(room!.id, userId);
        if (page.nextPageToken === "") break;
        page = await this.#client().listRooms({ userId, pageToken: page.nextPageToken });
      }
    }
    const rooms = await Promise.all(
      [...readers].flatMap(([roomId, userId]) => [
        this.#lookThrough(roomId, userId),
        this.#ask(call("listMembers", { roomId, userId })),
      ]),
    );
    return [...lists, ...rooms.flat()];
  }

  /** All messages of a room, page by page. */
  async #lookThrough(roomId: bigint, userId: bigint): Promise<Outcome[]> {
    const pages: Outcome[] = [];
    for (let value = 0n; ; ) {
      const page = await this.#ask(
        call("listMessages", { roomId, userId, limit: 200, position: { case: "afterId", value } }),
      );
      pages.push(page);
      if (page.answer instanceof Refused) return pages;
      const { messages, hasLater } = page.answer as ListMessagesRes;
      if (!hasLater) return pages;
      value = messages.at(-1)!.id;
    }
  }
}

const CHANGES = new Set([
  "createChatRoom",
  "ensureRoom",
  "updateRoom",
  "deleteRoom",
  "addMembers",
  "addMember",
  "removeMember",
  "transferOwnership",
  "sendMessage",
  "editMessage",
  "deleteMessage",
  "setRole",
  "setMute",
  "setBan",
  "setReaction",
  "setPin",
]).add("markRead");

/** The model after an order of the calls in which each would have been answered as it was; none, if there is none. */
function linearize(model: Model, outcomes: readonly Outcome[], isRight: (end: Model) => boolean): Model | undefined {
  if (outcomes.length === 0) {
    model.countReplies();
    return isRight(model) ? model : undefined;
  }
  for (const first of outcomes) {
    const next = model.clone();
    if (!isSame(first, next.answerAmong(first.call, first.answer, first.creator))) continue;
    const end = linearize(
      next,
      outcomes.filter((each) => each !== first),
      isRight,
    );
    if (end) return end;
  }
  return undefined;
}

/** Whether the model gives the same answer. */
function agrees(model: Model, outcome: Outcome): boolean {
  return isSame(outcome, model.answer(outcome.call, outcome.answer, outcome.creator));
}

function isSame({ call, answer }: Outcome, expected: Answer): boolean {
  if (answer instanceof Refused || expected instanceof Refused) {
    return answer instanceof Refused && expected instanceof Refused && answer.code === expected.code;
  }
  return equals(ChatService.method[call.method].output, expected, answer);
}

/** Whether a page of rooms has as many as it may, or some of the rest may not fit into its bytes. */
function isFull(page: readonly RoomSummary[], rest: readonly RoomSummary[], limit: number, bytes: number): boolean {
  return (
    page.length >= limit || rest.some((each) => fitting([...page, each], bytes, summaryText).length === page.length)
  );
}

/** For a person, why a burst is wrong. */
function unexplained(model: Model, outcomes: readonly Outcome[], after: readonly Outcome[]): string {
  const end = linearize(model, outcomes, () => true);
  if (!end) {
    const alone = outcomes.map((outcome) => {
      const expected = model.clone().answer(outcome.call, outcome.answer, outcome.creator);
      return isSame(outcome, expected) ? show(outcome) : `alone it would be wrong: ${differs(outcome, expected)}`;
    });
    return ["no order explains:", ...alone].join("\n");
  }
  const wrong = after.flatMap((outcome) => {
    const expected = end.answer(outcome.call, outcome.answer);
    return isSame(outcome, expected) ? [] : [differs(outcome, expected)];
  });
  return ["no order explains what is there after the burst, such as:", ...wrong].join("\n");
}

function differs({ call, answer, reason }: Outcome, expected: Answer): string {
  return `${show({ call, answer, reason })}\nanswered: ${showAnswer(call, answer)}\nexpected: ${showAnswer(call, expected)}`;
}

function show({ call, answer, reason }: Pick<Outcome, "call" | "answer" | "reason">): string {
  const request = toJsonString(ChatService.method[call.method].input, call.request as never);
  if (answer instanceof Refused) return `${call.method} ${request} → ${Code[answer.code]}: ${reason}`;
  const { id, seq, memberSeq } = { id: "", seq: "", memberSeq: "", ...answer };
  return `${call.method} ${request} → ${id && ` id ${id}`}${seq && ` seq ${seq}`}${memberSeq && ` member_seq ${memberSeq}`}`;
}

function showAnswer(call: Call, answer: Answer): string {
  if (answer instanceof Refused) return Code[answer.code];
  return JSON.stringify(toJson(ChatService.method[call.method].output, answer as never));
}
