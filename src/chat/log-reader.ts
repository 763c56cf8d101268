import type { Limits } from "./limits.ts";
import type { ChatStore, LogPage, LogPlace } from "./store.ts";

type Log = Pick<ChatStore, "readLogs">;

interface Waiting {
  readonly place: LogPlace;
  readonly page: PromiseWithResolvers<LogPage | undefined>;
}

/**
 * Reads pages of rooms' logs for all readers of a process. A few reads are under way at a time; what is asked meanwhile
 * waits for the next one and shares it, and those who ask for the same page get the same.
 */
export class LogReader {
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #waiting = new Map<string, Waiting>();
  #underWay = 0;

  constructor(log: Log, limits: Limits) {
    this.#log = log;
    this.#limits = limits;
  }

  /** The page after a place, from a snapshot that is taken from now on; none, if there is no such room. */
  read(place: LogPlace): Promise<LogPage | undefined> {
    const key = `${place.roomId}/${place.after.seq}/${place.after.memberSeq}`;
    let waiting = this.#waiting.get(key);
    if (!waiting) {
      waiting = { place, page: Promise.withResolvers() };
      this.#waiting.set(key, waiting);
      // Those who ask in the same turn, as all do after a notification that was lost, share the first read.
      if (this.#waiting.size === 1) queueMicrotask(() => this.#next());
    }
    return waiting.page.promise;
  }

  #next(): void {
    const { logReads, logReadPages } = this.#limits;
    while (this.#underWay < logReads && this.#waiting.size > 0) {
      const taken = [...this.#waiting.entries().take(logReadPages)];
      for (const [key] of taken) this.#waiting.delete(key);
      void this.#read(taken.map(([, waiting]) => waiting));
    }
  }

  async #read(waiting: readonly Waiting[]): Promise<void> {
    const { logPageChanges: changes, logPageBytes: bytes } = this.#limits;
    this.#underWay++;
    try {
      const places = waiting.map(({ place }) => place);
      const pages = await this.#log.readLogs(places, { changes, bytes });
      waiting.forEach(({ page }, i) => page.resolve(pages[i]));
    } catch (reason) {
      for (const { page } of waiting) page.reject(reason);
    }
    this.#underWay--;
    this.#next();
  }
}
