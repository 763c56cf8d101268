import { create } from "@bufbuild/protobuf";
import { type Event, EventSchema, ListCursorSchema, type ListCursor as ListPosition } from "../../gen/chat_pb.ts";
import { anotherDatabase } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import type { ListedRooms, ListPage } from "./list-page.ts";
import type { ListReader } from "./lists.ts";

/** How far the pause between looks grows while they fail, in milliseconds. */
const LONGEST_PAUSE_MS = 5_000;

/** Where a reader starts in a list: its rooms, and the revision up to which it knows of them. */
export interface ListStart {
  readonly listed: ListedRooms;
  readonly after: bigint;
}

/** The reader that a cursor belongs to. */
export interface ListOwner {
  readonly userId: bigint;
  /** There is a page to take. */
  lookAtList(): void;
  end(reason: unknown): void;
}

/**
 * How far a reader has come in the list of the user's rooms: in the revisions of the database. When something may have
 * changed it looks what has, at most once in an interval, and holds one page until that is taken.
 */
export class ListCursor implements ListReader {
  readonly userId: bigint;
  readonly #owner: ListOwner;
  readonly #feeds: Feeds;
  readonly #epoch: string;
  /** What changed up to here has been taken; and what was read. */
  #revision: bigint;
  #seen: bigint;
  #page: ListPage | undefined;
  #isDue = true;
  #isLooking = false;
  /** Whether it came from a cursor, and hasn't been given all that it missed. */
  #isCatchingUp: boolean;
  #pauseMs: number;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(owner: ListOwner, feeds: Feeds, { listed, after }: ListStart) {
    this.userId = owner.userId;
    this.#owner = owner;
    this.#feeds = feeds;
    this.#epoch = listed.epoch;
    this.#revision = after;
    this.#seen = after;
    this.#isCatchingUp = after < listed.revision;
    this.#pauseMs = feeds.limits.listIntervalMs;
    feeds.followList(this, listed);
    // What has changed since the rooms were listed nobody has told of.
    this.#goOn();
  }

  get position(): ListPosition {
    return create(ListCursorSchema, { revision: this.#revision, epoch: this.#epoch });
  }

  get isCatchingUp(): boolean {
    return this.#isCatchingUp;
  }

  wake(revision?: bigint): void {
    if (this.#isClosed || (revision !== undefined && revision <= this.#seen)) return;
    this.#isDue = true;
    this.#goOn();
  }

  end(reason: unknown): void {
    this.#owner.end(reason);
  }

  /** What the reader is told of the page that was read, if there is one. */
  take(): readonly Event[] {
    const page = this.#page;
    if (!page) return [];
    this.#page = undefined;
    this.#revision = page.revision;
    this.#isCatchingUp &&= !page.isWhole;
    this.#goOn();
    return [
      ...page.left.map((roomId) => ({ case: "roomLeft", value: { roomId } }) as const),
      ...page.rooms.map((value) => ({ case: "roomChanged", value }) as const),
    ].map((event) => create(EventSchema, { event }));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#feeds.releaseList(this);
  }

  /** Looks if that is due. What happens in the same turn is told together, and so is what it wakes for. */
  #goOn(): void {
    if (!this.#isDue || this.#isLooking || this.#page || this.#pause !== undefined || this.#isClosed) return;
    this.#isLooking = true;
    queueMicrotask(() => void this.#look());
  }

  async #look(): Promise<void> {
    this.#isDue = false;
    try {
      const page = await this.#feeds.lists.read({ userId: this.userId, after: this.#revision });
      this.#pauseMs = this.#feeds.limits.listIntervalMs;
      if (!this.#isClosed) this.#hear(page);
    } catch {
      this.#isDue = true;
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      if (!this.#isClosed) this.#rest();
    }
    this.#isLooking = false;
  }

  #hear(page: ListPage): void {
    if (page.epoch !== this.#epoch || page.revision < this.#revision) return this.end(anotherDatabase());
    this.#seen = page.revision;
    if (page.isWhole) this.#rest();
    else this.#isDue = true;
    if (page.rooms.length + page.left.length === 0 && !this.#isCatchingUp) {
      this.#revision = page.revision;
      return;
    }
    this.#page = page;
    this.#owner.lookAtList();
  }

  /** Leaves out what changes meanwhile, and looks for it afterwards. */
  #rest(): void {
    const goOn = () => {
      this.#pause = undefined;
      this.#goOn();
    };
    this.#pause = setTimeout(goOn, this.#pauseMs);
  }
}
