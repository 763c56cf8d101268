import type { Scheduler } from "fast-check";
import type { Batch, Subscriber } from "../../src/chat/broadcaster.ts";
import type { Inbox } from "../../src/chat/inbox.ts";
import type { MemoryLog } from "./memory-log.ts";

/** What becomes of one batch on its way to one reader. */
export interface Fate {
  /** 0: lost, 2: doubled. */
  readonly copies: number;
  /** Each copy arrives at a moment of its own, so that later batches may overtake it. */
  readonly late: boolean;
  /** So many older changes come along, and so many of the batch's last ones don't. */
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

  publish(batch: Batch): void {
    for (const { rooms, inbox } of this.#subscriptions) {
      if (rooms.has(batch[0].roomId)) this.#tell(inbox, batch, this.#fates[this.#told++ % this.#fates.length]!);
    }
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  #tell(inbox: Inbox, batch: Batch, { copies, late, older, cut, missed }: Fate): void {
    const [first, last] = [Number(batch[0].seq) - older, Number(batch.at(-1)!.seq) - cut];
    const rumour = older + cut === 0 ? batch : this.#log.changes(batch[0].roomId, first, last);
    const act = (what: string, tell: () => void) => {
      if (late) void this.#pause(what).then(tell);
      else tell();
    };
    if (rumour.length > 0) for (let i = 0; i < copies; i++) act("arrives", () => inbox.push(rumour as [Batch[0]]));
    if (missed) act("missed", () => inbox.miss());
  }

  #pause(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }
}
