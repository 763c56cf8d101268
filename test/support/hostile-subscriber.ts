import { create } from "@bufbuild/protobuf";
import type { Scheduler } from "fast-check";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Subscriber } from "../../src/chat/broadcaster.ts";
import type { Inbox } from "../../src/chat/inbox.ts";
import type { MemoryLog } from "./memory-log.ts";

/** What becomes of news on their way to one reader. */
export interface Fate {
  /** 0: lost, 2: doubled. */
  readonly copies: number;
  /** Each copy arrives at a moment of its own, so that later news may overtake it. */
  readonly late: boolean;
  /** So many older changes of either log come along, and so many of the last ones don't. */
  readonly older: number;
  readonly cut: number;
  /** The reader is told that it missed something. */
  readonly missed: boolean;
}

/** A subscriber that takes its time for everything and does to the rumour whatever the fates say. */
export class HostileSubscriber implements Subscriber {
  readonly #scheduler: Scheduler;
  readonly #log: MemoryLog;
  readonly #fates: readonly Fate[];
  readonly #subscriptions = new Set<{ rooms: ReadonlySet<bigint>; inbox: Inbox }>();
  #told = 0;

  /** @param fates in this order, over and over */
  constructor(scheduler: Scheduler, log: MemoryLog, fates: readonly Fate[]) {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#fates = fates;
  }

  async subscribe(roomIds: Iterable<bigint>, inbox: Inbox): Promise<AsyncDisposable> {
    const subscription = { rooms: new Set(roomIds), inbox };
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
    for (const { rooms, inbox } of this.#subscriptions) {
      if (rooms.has(news.roomId)) this.#tell(inbox, news, this.#fates[this.#told++ % this.#fates.length]!);
    }
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  #tell(inbox: Inbox, news: News, fate: Fate): void {
    const rumour = this.#distort(news, fate);
    const act = (what: string, tell: () => void) => {
      if (fate.late) void this.#pause(what).then(tell);
      else tell();
    };
    if (rumour) for (let i = 0; i < fate.copies; i++) act("arrives", () => inbox.push(rumour));
    if (fate.missed) act("missed", () => inbox.miss());
  }

  #distort(news: News, { older, cut }: Fate): News | undefined {
    if (older + cut === 0) return news;
    const logs = this.#log.logs(news.roomId);
    const distort = <T>(changes: readonly T[], past: readonly T[]) => {
      const first = past.indexOf(changes[0]!);
      return changes.length === 0
        ? []
        : past.slice(Math.max(first - older, 0), Math.max(first + changes.length - cut, 0));
    };
    const messages = distort(news.messages, logs.messages);
    const changed = news.members.map(({ member }) => member!);
    const members = distort(changed, logs.members).map((member) => this.#log.memberChange(member));
    if (messages.length + members.length + news.typing.length === 0) return undefined;
    return create(NewsSchema, { ...news, messages, members });
  }

  #pause(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }
}
