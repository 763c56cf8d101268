import { type CallOptions, ConnectError } from "@connectrpc/connect";
import type { Cursor, Event, Message, RoomSummary, StreamAllRes } from "../../gen/chat_pb.ts";
import type { ChatClient } from "./clients.ts";

/**
 * A running stream, which collects what it receives. Only once it has delivered something that was committed while it
 * was live, it has looked at the log for the first time; until then two changes of a message may arrive as one.
 */
class RunningStream<T> implements AsyncDisposable {
  readonly received: T[] = [];
  /** Resolves when the response headers are there; rejects if the call ends without. */
  readonly live: Promise<Headers>;
  /** Resolves when the stream has ended, with its error, if it had one. */
  readonly ended: Promise<ConnectError | undefined>;
  readonly #abort = new AbortController();
  #arrived = Promise.withResolvers<void>();
  #taken = 0;

  constructor(open: (options: CallOptions) => AsyncIterable<T>) {
    const live = Promise.withResolvers<Headers>();
    this.live = live.promise;
    this.live.catch(() => {});
    const items = open({ signal: this.#abort.signal, onHeader: live.resolve });
    this.ended = (async () => {
      try {
        for await (const item of items) {
          this.received.push(item);
          this.#arrived.resolve();
          this.#arrived = Promise.withResolvers();
        }
        return undefined;
      } catch (e) {
        live.reject(e);
        return ConnectError.from(e);
      }
    })();
  }

  /** Resolves once what was received is enough; rejects if the stream ends before. */
  async until(isEnough: (received: readonly T[]) => boolean): Promise<void> {
    const ended = this.ended.then((error) => Promise.reject(error ?? new Error("the stream ended")));
    ended.catch(() => {});
    while (!isEnough(this.received)) await Promise.race([this.#arrived.promise, ended]);
  }

  /** The first `count` of what it receives, once they are there. */
  async take(count: number): Promise<T[]> {
    await this.until((received) => received.length >= count);
    return this.received.slice(0, count);
  }

  /** What it has received since it was last asked this. */
  takeNew(): T[] {
    const fresh = this.received.slice(this.#taken);
    this.#taken = this.received.length;
    return fresh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }
}

/** A running StreamMessage. */
export class TestStream extends RunningStream<Message> {
  constructor(
    client: ChatClient,
    request: Parameters<ChatClient["streamMessage"]>[0],
    options?: { timeoutMs?: number },
  ) {
    super((own) => client.streamMessage(request, { ...options, ...own }));
  }
}

/** A running StreamAll. */
export class TestAll extends RunningStream<StreamAllRes> {
  constructor(client: ChatClient, request: Parameters<ChatClient["streamAll"]>[0]) {
    super((options) => client.streamAll(request, options));
  }
}

type Kind = NonNullable<Event["event"]["case"]>;
type ValueOf<K extends Kind> = Extract<Event["event"], { case: K }>["value"];
/** What happened in a room, rather than where the stream is, or how far others have read. */
type Fact = Extract<Event["event"], { case: (typeof FACTS)[number] }>;
const FACTS = ["message", "memberAdded", "memberRemoved", "roomUpdated", "roomDeleted", "reset", "typing"] as const;

/** A running StreamEvents. */
export class TestEvents extends RunningStream<Event> {
  constructor(client: ChatClient, request: Parameters<ChatClient["streamEvents"]>[0]) {
    super((options) => client.streamEvents(request, options));
  }

  /** The values of all events of a kind so far. */
  all<K extends Kind>(kind: K): ValueOf<K>[] {
    return this.received.flatMap(({ event }) => (event.case === kind ? [event.value as ValueOf<K>] : []));
  }

  /** The values of the first `count` events of a kind, once they are there. */
  async takeOf<K extends Kind>(kind: K, count: number): Promise<ValueOf<K>[]> {
    await this.until(() => this.all(kind).length >= count);
    return this.all(kind).slice(0, count);
  }

  /** What happened so far, in the order of its arrival. */
  get facts(): Fact[] {
    return this.received.flatMap(({ event }) => (isFact(event) ? [event] : []));
  }

  async takeFacts(count: number): Promise<Fact[]> {
    await this.until(() => this.facts.length >= count);
    return this.facts.slice(0, count);
  }

  /** Everything until a caught_up, or a heartbeat, that is at the cursor in the room or past it. */
  async untilAt(roomId: bigint, { seq, memberSeq }: Pick<Cursor, "seq" | "memberSeq">): Promise<void> {
    await this.until((received) =>
      received.some(({ event }) => {
        if (event.case !== "caughtUp" && event.case !== "heartbeat") return false;
        const at = event.value.cursors[`${roomId}`];
        return at !== undefined && at.seq >= seq && at.memberSeq >= memberSeq;
      }),
    );
  }

  /** How far the members of a room have read, by user, as it was told so far. */
  positions(roomId: bigint): Map<bigint, bigint> {
    const told = this.all("readMoved").filter((moved) => moved.roomId === roomId);
    return new Map(told.flatMap((moved) => Object.entries(moved.readMessageIds).map(([id, at]) => [BigInt(id), at])));
  }

  /** The list of rooms as it was told so far, on top of what was known before. */
  list(before: ReadonlyMap<bigint, RoomSummary> = new Map()): Map<bigint, RoomSummary> {
    const list = new Map(before);
    for (const { event } of this.received) {
      if (event.case === "roomChanged") list.set(event.value.room!.id, event.value);
      if (event.case === "roomLeft") list.delete(event.value.roomId);
    }
    return list;
  }

  /** Waits until the list shows a room as it has to, or not at all. */
  async untilListed(roomId: bigint, isSo: (summary: RoomSummary | undefined) => boolean): Promise<void> {
    await this.until(() => isSo(this.list().get(roomId)));
  }

  /** Waits until it was told last that these users are here in a room, those who came first first, and nobody else. */
  async untilHere(roomId: bigint, ...userIds: bigint[]): Promise<void> {
    await this.until(() => {
      const told = this.all("presence").findLast((each) => each.roomId === roomId);
      return told?.count === userIds.length && told.userIds.every((id, i) => id === userIds[i]);
    });
  }

  /** Waits until it was told that the user has read the message. */
  async untilRead(roomId: bigint, userId: bigint, messageId: bigint): Promise<void> {
    await this.until(() => this.positions(roomId).get(userId) === messageId);
  }
}

function isFact(event: Event["event"]): event is Fact {
  return FACTS.some((fact) => fact === event.case);
}
