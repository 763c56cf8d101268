import { create } from "@bufbuild/protobuf";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import {
  type Headcount,
  PRESENCE_LEASE_MS,
  PRESENCE_MS,
  type PresenceBoard,
  type PresenceProcess,
  type PresenceStore,
  type Visit,
} from "./presence.ts";
import { Visitors } from "./visitors.ts";

/** How soon the first change is told, with those that come soon after it, in milliseconds. */
const GATHER_MS = 50;
/** How long before its time is over a process is heard of again, in milliseconds. */
const RENEW_MS = PRESENCE_LEASE_MS / 3;
/** Comings and goings that one transaction has, so that sends needn't wait for all of them. */
const WRITTEN_CHANGES = 1_000;
/** Rooms that one request reads. */
const READ_ROOMS = 200;
/** How far the pause grows while the database can't be reached, in milliseconds. */
const LONGEST_PAUSE_MS = 5_000;

interface Watched {
  visits: number;
  /** What was told last. */
  told: Headcount | undefined;
}

/**
 * Who is here in the processes of one database: each writes down who is here by it, together, and reads what has changed
 * in rooms that somebody watches. Where nobody does, it reads nothing.
 */
export class SharedPresence implements PresenceBoard, AsyncDisposable {
  readonly #store: PresenceStore;
  readonly #publisher: Publisher;
  readonly #visitors = new Visitors();
  readonly #watched = new Map<bigint, Watched>();
  /** Rooms to be read. */
  readonly #due = new Set<bigint>();
  #process = newProcess();
  /** All that changed up to here has been heard of; not set while nobody watches. */
  #revision: bigint | undefined;
  /** Processes that are known to be gone. */
  #gone: ReadonlySet<bigint> = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due, and when it was last, by performance.now(). */
  #dueAt = Number.POSITIVE_INFINITY;
  #ranAt = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #pauseMs = PRESENCE_MS;
  #run: Promise<void> | undefined;
  #isDisposed = false;

  constructor(store: PresenceStore, publisher: Publisher) {
    this.#store = store;
    this.#publisher = publisher;
  }

  enter({ roomId, userId, watches }: Visit): Disposable {
    if (userId > 0n) {
      this.#visitors.come(roomId, userId);
      this.#scheduleChanges();
    }
    if (watches) this.#watch(roomId);
    let hasLeft = false;
    return {
      [Symbol.dispose]: () => {
        if (hasLeft) return;
        hasLeft = true;
        if (watches) this.#unwatch(roomId);
        if (userId === 0n) return;
        this.#visitors.go(roomId, userId);
        this.#scheduleChanges();
      },
    };
  }

  /** Tells others who has gone, as far as that takes one write; of the rest they hear when the time of the process is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    await this.#run;
    this.#visitors.letGo(Number.POSITIVE_INFINITY);
    if (this.#visitors.changed > 0) await this.#write().catch(() => {});
  }

  #watch(roomId: bigint): void {
    const watched = this.#watched.get(roomId);
    if (watched) {
      watched.visits++;
      return;
    }
    this.#watched.set(roomId, { visits: 1, told: undefined });
    this.#due.add(roomId);
    this.#schedule(GATHER_MS);
  }

  #unwatch(roomId: bigint): void {
    if (--this.#watched.get(roomId)!.visits > 0) return;
    this.#watched.delete(roomId);
    this.#due.delete(roomId);
    if (this.#watched.size === 0) this.#revision = undefined;
  }

  /** Runs soon if others have to be told of somebody, or as soon as they have to. */
  #scheduleChanges(): void {
    const { changed, nextGoneAt } = this.#visitors;
    if (changed > 0) this.#schedule(GATHER_MS);
    if (nextGoneAt !== undefined) this.#schedule(nextGoneAt + GATHER_MS - performance.now());
  }

  /** Runs after so many milliseconds, unless it does so earlier; and not too soon after the last time. */
  #schedule(ms: number): void {
    const dueAt = Math.max(performance.now() + ms, this.#ranAt + this.#pauseMs);
    if (this.#isDisposed || this.#run || dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#ranAt = performance.now();
      this.#run = this.#tick().then(() => this.#rest());
    }, dueAt - performance.now());
  }

  async #tick(): Promise<void> {
    this.#visitors.letGo(performance.now());
    try {
      const isDue = this.#visitors.size > 0 && performance.now() - this.#writtenAt >= RENEW_MS;
      if (isDue && this.#visitors.changed === 0) await this.#write();
      else await this.#writeAll();
      if (isDue) await this.#store.sweep();
      if (this.#watched.size > 0) await this.#look();
      this.#pauseMs = PRESENCE_MS;
    } catch {
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    }
  }

  #rest(): void {
    this.#run = undefined;
    if (this.#watched.size > 0) this.#schedule(PRESENCE_MS);
    if (this.#visitors.size > 0) this.#schedule(this.#writtenAt + RENEW_MS - performance.now());
    this.#scheduleChanges();
  }

  /** Writes down who had come and gone when it began: others may come and go for ever. */
  async #writeAll(): Promise<void> {
    for (let left = this.#visitors.changed; left > 0 && !this.#isDisposed; left -= WRITTEN_CHANGES) await this.#write();
  }

  /** Writes down the first who have come and gone, and that the process is there. */
  async #write(): Promise<void> {
    const changes = this.#visitors.take(WRITTEN_CHANGES);
    let isKnown: boolean;
    try {
      isKnown = await this.#store.put(this.#process, changes.come, changes.gone);
    } catch (e) {
      this.#visitors.perhapsTold(changes);
      throw e;
    }
    if (!isKnown) return this.#beginAnew();
    this.#process = { id: this.#process.id, isNew: false };
    this.#writtenAt = performance.now();
    this.#visitors.told(changes);
  }

  /** The others may have forgotten this process, and know it by another number from now on. */
  #beginAnew(): void {
    this.#process = newProcess();
    this.#visitors.tellAnew();
  }

  /** Reads what has changed, and tells it. */
  async #look(): Promise<void> {
    const { revision, roomIds, gone } = await this.#store.changed(this.#revision);
    const isOther = this.#revision !== undefined && revision < this.#revision;
    const isLost = gone.some((id) => !this.#gone.has(id));
    for (const id of isOther || isLost || !roomIds ? this.#watched.keys() : roomIds) {
      if (this.#watched.has(id)) this.#due.add(id);
    }
    if (this.#watched.size > 0) this.#revision = revision;
    this.#gone = new Set(gone);
    await this.#readAll();
    if (gone.length > 0) await this.#store.sweep();
  }

  /** Reads and tells the rooms that were due when it began. */
  async #readAll(): Promise<void> {
    for (let left = this.#due.size; left > 0 && !this.#isDisposed; left -= READ_ROOMS) {
      const asked = [...this.#due.values().take(READ_ROOMS)];
      const rooms = asked.length > 0 ? await this.#store.here(asked) : [];
      for (const id of asked) this.#due.delete(id);
      for (const { roomId, memberSeq, userIds, count } of rooms) this.#tell(roomId, memberSeq, { userIds, count });
    }
  }

  #tell(roomId: bigint, memberSeq: bigint, here: Headcount): void {
    const watched = this.#watched.get(roomId);
    if (!watched || (watched.told && areEqual(watched.told, here))) return;
    watched.told = here;
    const { userIds, count } = here;
    this.#publisher.publish(
      create(NewsSchema, { roomId, memberSeq, presence: { roomId, userIds: [...userIds], count } }),
    );
  }
}

function newProcess(): PresenceProcess {
  return { id: crypto.getRandomValues(new BigUint64Array(1))[0]! >> 11n, isNew: true };
}

function areEqual(a: Headcount, b: Headcount): boolean {
  return (
    a.count === b.count && a.userIds.length === b.userIds.length && a.userIds.every((id, i) => id === b.userIds[i])
  );
}
