import { BatchedReads } from "./batched-reads.ts";
import type { Limits } from "./limits.ts";
import type { ChatStore, LogPage, LogPlace } from "./store.ts";

type Log = Pick<ChatStore, "readLogs">;

/** Reads pages of rooms' logs for all readers of a process. */
export class LogReader {
  readonly #reads: BatchedReads<LogPlace, LogPage | undefined>;

  constructor(log: Log, limits: Limits) {
    const { logReads, logReadPages, logPageChanges: changes, logPageBytes: bytes } = limits;
    const size = { questions: logReadPages, reads: logReads };
    this.#reads = new BatchedReads((places) => log.readLogs(places, { changes, bytes }), size);
  }

  /** The page after a place, from a snapshot that is taken from now on; none, if there is no such room. */
  read(place: LogPlace): Promise<LogPage | undefined> {
    return this.#reads.ask(`${place.roomId}/${place.after.seq}/${place.after.memberSeq}`, place);
  }
}
