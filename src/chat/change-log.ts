import { create } from "@bufbuild/protobuf";
import { StreamAllResSchema } from "../../gen/chat_pb.ts";
import { type AllNews, AllNewsSchema } from "../../gen/room/room_pb.ts";
import { beginningOf, type ChangePlace, toCursorText } from "./change-place.ts";
import type { Limits } from "./limits.ts";
import type { ChatStore } from "./store.ts";

/** What the log of all rooms has after a place. */
export interface ChangePage {
  readonly epoch: string;
  readonly news: AllNews;
  /** Where the next page begins. */
  readonly end: ChangePlace;
  /** Where the log ends, as it is by now. */
  readonly head: ChangePlace;
  /** Whether the page reaches the end. */
  readonly isWhole: boolean;
  /** How many commits of this process the log had been told of when the page was asked for. */
  readonly commits: number;
}

/** How long changes are gathered that commits of this process have told of, in milliseconds. */
const GATHER_MS = 2;

/**
 * The log of all rooms, for those in a process who follow it. Those who ask for the same page share it, and those who wait
 * at the end share the look at what came: after a commit of this process at once, and otherwise at an interval.
 */
export class ChangeLog {
  readonly #store: Pick<ChatStore, "changes">;
  readonly #limits: Limits;
  readonly #watchMs: number;
  readonly #underWay = new Map<string, Promise<ChangePage>>();
  readonly #waiting = new Set<() => void>();
  #watch: ReturnType<typeof setTimeout> | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #commits = 0;

  /** @param watchMs how often to look for changes that nobody told of, in milliseconds, while somebody waits */
  constructor(store: Pick<ChatStore, "changes">, limits: Limits, watchMs: number) {
    this.#store = store;
    this.#limits = limits;
    this.#watchMs = watchMs;
  }

  /** The page after a place. */
  read(after: ChangePlace): Promise<ChangePage> {
    const key = toCursorText(after, "");
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const page = this.#read(after).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, page);
    return page;
  }

  /** Calls back once when there may be more than a page has. Gives what ends the waiting. */
  wait({ commits }: ChangePage, onMove: () => void): () => void {
    this.#waiting.add(onMove);
    this.#watch ??= setTimeout(() => this.#wakeAll(), this.#watchMs);
    if (commits !== this.#commits) this.#gather();
    return () => {
      this.#waiting.delete(onMove);
      if (this.#waiting.size === 0) this.#rest();
    };
  }

  /** Something was committed. */
  wake(): void {
    this.#commits++;
    if (this.#waiting.size > 0) this.#gather();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#wakeAll(), GATHER_MS);
  }

  #wakeAll(): void {
    this.#rest();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const onMove of waiting) onMove();
  }

  #rest(): void {
    clearTimeout(this.#watch);
    clearTimeout(this.#gathering);
    this.#watch = undefined;
    this.#gathering = undefined;
  }

  async #read(after: ChangePlace): Promise<ChangePage> {
    const commits = this.#commits;
    const { allPageChanges: changes, allPageBytes: bytes } = this.#limits;
    const page = await this.#store.changes(after, { changes, bytes });
    const { epoch, isWhole } = page;
    const events = page.changes.map(({ place, change }) => {
      return create(StreamAllResSchema, { cursor: toCursorText(place, epoch), event: change });
    });
    const head = beginningOf(page.revision + 1n);
    const end = isWhole ? head : page.changes.at(-1)!.place;
    return { epoch, news: create(AllNewsSchema, { events }), head, isWhole, end, commits };
  }
}
