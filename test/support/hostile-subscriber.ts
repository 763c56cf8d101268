import { create } from "@bufbuild/protobuf";
import type { Scheduler } from "fast-check";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Listener, Subscriber } from "../../src/chat/broadcaster.ts";
import { memberChanges } from "../../src/chat/position.ts";
import type { MemoryLog } from "./memory-log.ts";
import { membershipsIn, recordIn } from "./room-logs.ts";

/** What becomes of news on their way to one listener. */
export interface Fate {
  /** 0: lost, 2: doubled. */
  readonly copies: number;
  /** Each copy arrives at a moment of its own, so that later news may overtake it. */
  readonly late: boolean;
  /** So many older changes of either log come along, and so many of the last ones don't. */
  readonly older: number;
  readonly cut: number;
  /** The listener is told that it missed something. */
  readonly missed: boolean;
}

/** A subscriber that takes its time for everything and does to the rumour whatever the fates say. */
export class HostileSubscriber implements Subscriber {
  readonly #scheduler: Scheduler;
  readonly #log: MemoryLog;
  readonly #fates: readonly Fate[];
  readonly #subscriptions = new Set<{ roomId: bigint; listener: Listener }>();
  #told = 0;

  /** @param fates in this order, over and over */
  constructor(scheduler: Scheduler, log: MemoryLog, fates: readonly Fate[]) {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#fates = fates;
  }

  async subscribe(roomId: bigint, listener: Listener): Promise<AsyncDisposable> {
    const subscription = { roomId, listener };
    await this.#pause("subscribing");
    this.#subscriptions.add(subscription);
    await this.#pause("subscribed");
    return {
      [Symbol.asyncDispose]: async () => {
        await this.#pause("unsubscribing");
        this.#subscriptions.delete(subscription);
      },
    };
  }

  publish(news: News): void {
    for (const { roomId, listener } of this.#subscriptions) {
      if (roomId === news.roomId) this.#tell(listener, news, this.#fates[this.#told++ % this.#fates.length]!);
    }
  }

  /** Whatever was lost up to here, the listeners are told of it. */
  confess(): void {
    for (const { listener } of this.#subscriptions) listener.miss();
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  #tell(listener: Listener, news: News, fate: Fate): void {
    const rumour = this.#distort(news, fate);
    const act = (what: string, tell: () => void) => {
      if (fate.late) void this.#pause(what).then(tell);
      else tell();
    };
    if (rumour) for (let i = 0; i < fate.copies; i++) act("arrives", () => listener.hear(rumour));
    if (fate.missed) act("missed", () => listener.miss());
  }

  #distort(news: News, { older, cut }: Fate): News | undefined {
    if (older + cut === 0) return news;
    const logs = this.#log.logs(news.roomId);
    /** By their numbers, since an entry of a log is another one once a read position was written into it. */
    const distort = <T>(changes: readonly T[], past: readonly T[], numberOf: (change: T) => bigint) => {
      if (changes.length === 0) return [];
      const first = Number(numberOf(changes[0]!)) - 1;
      return past.slice(Math.max(first - older, 0), Math.max(first + changes.length - cut, 0));
    };
    const messages = distort(news.messages, logs.messages, ({ seq }) => seq);
    const changes = distort(memberChanges(news), logs.members, ({ memberSeq }) => memberSeq);
    if (messages.length + changes.length + news.typing.length === 0 && !news.reads) return undefined;
    return create(NewsSchema, { ...news, messages, members: membershipsIn(changes), room: recordIn(changes) });
  }

  #pause(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }
}
