import type { Subscriber } from "./broadcaster.ts";
import type { ChangedMembers } from "./changed-rooms.ts";
import { anotherDatabase } from "./errors.ts";
import { type HeadListener, HeadWatch } from "./head-watch.ts";
import { HEAD_WATCH_MS, LIMITS, type Limits } from "./limits.ts";
import type { ListedRooms } from "./list-page.ts";
import { type ListReader, Lists } from "./lists.ts";
import { LogReader } from "./log-reader.ts";
import type { PresenceBoard } from "./presence.ts";
import { FIRST_LOOK, type FollowedRoom, RoomFeed } from "./room-feed.ts";
import type { ChatStore, Memberships, Position } from "./store.ts";

/** What feeds stand on. */
export interface FeedParts {
  readonly store: Pick<ChatStore, "readLogs" | "changedRooms" | "changedLists">;
  readonly subscriber: Subscriber;
  readonly presence?: PresenceBoard;
  readonly limits?: Limits;
  /** How often to look for changes that nobody told of, in milliseconds. */
  readonly watchMs?: number;
  /**
   * Set where feeds belong to one stream: how often its list looks whether anything was committed at all, in milliseconds.
   * Otherwise one look at all rooms that changed serves all lists.
   */
  readonly listWatchMs?: number;
}

interface Followed {
  readonly feed: RoomFeed;
  readonly subscription: Promise<AsyncDisposable>;
  followers: number;
}

/** The rooms that a process follows: one feed for each, as long as it has a follower. */
export class Feeds implements HeadListener {
  readonly log: LogReader;
  readonly lists: Lists;
  readonly limits: Limits;
  /** Where readers say that they are here. */
  readonly presence: PresenceBoard | undefined;
  readonly #subscriber: Subscriber;
  readonly #watch: HeadWatch;
  readonly #listWatch: HeadWatch | undefined;
  readonly #followed = new Map<bigint, Followed>();
  /** Feeds that keep news, those that have been silent for longest first. */
  readonly #kept = new Set<RoomFeed>();
  #bytes = 0;

  constructor({ store, subscriber, presence, limits = LIMITS, watchMs = HEAD_WATCH_MS, listWatchMs }: FeedParts) {
    this.presence = presence;
    this.log = new LogReader(store, limits);
    this.limits = limits;
    this.#subscriber = subscriber;
    this.#watch = new HeadWatch(store, this, watchMs);
    this.lists = new Lists(store, limits);
    if (listWatchMs !== undefined) this.#listWatch = new HeadWatch(store, this.#listListener(), listWatchMs);
  }

  get watchesAll(): boolean {
    return this.#listWatch === undefined && this.lists.size > 0;
  }

  /** Rooms that somebody follows. */
  get size(): number {
    return this.#followed.size;
  }

  roomIds(): Iterable<bigint> {
    return this.#followed.keys();
  }

  /**
   * Follows the rooms of memberships: what is committed once this has resolved, their feeds will hear of. Those of
   * `withReads` find out where the members have read to by now.
   */
  async follow({ epoch, revision, of }: Memberships, withReads: ReadonlySet<bigint>): Promise<FollowedRoom[]> {
    if (of.length > 0) this.#watch.start(epoch, revision);
    const followed = of.map(({ roomId, head }) => {
      const isNew = !this.#followed.has(roomId);
      const followed = this.#follow(roomId, head);
      if (!withReads.has(roomId)) return { ...followed, look: undefined };
      return { ...followed, look: isNew ? FIRST_LOOK : followed.feed.look() };
    });
    const opened = await Promise.allSettled(followed.map(({ subscription }) => subscription));
    const failure = opened.find((each) => each.status === "rejected");
    const isOld = followed.some(({ feed }) => this.#followed.get(feed.roomId)?.feed !== feed);
    if (failure || isOld) {
      for (const { feed } of followed) this.release(feed);
      throw failure ? failure.reason : anotherDatabase();
    }
    return followed.map(({ feed, look }) => ({ feed, look }));
  }

  /** Ends one following of a room. */
  release(feed: RoomFeed): void {
    const followed = this.#followed.get(feed.roomId);
    if (followed?.feed === feed && --followed.followers === 0) this.#close(followed);
  }

  /** Has a reader of a list woken when something in it may have changed since its rooms were listed. */
  followList(reader: ListReader, listed: ListedRooms): void {
    this.lists.follow(reader, listed);
    (this.#listWatch ?? this.#watch).start(listed.epoch, listed.revision);
  }

  releaseList(reader: ListReader): void {
    this.lists.release(reader);
    if (this.lists.size === 0) this.#listWatch?.stop();
    this.#stopIfIdle();
  }

  hearHead(roomId: bigint, head: Position, revision: bigint): void {
    this.#followed.get(roomId)?.feed.hearHead(head);
    this.lists.hearRoom(roomId, revision);
  }

  hearMembers(members: ChangedMembers): void {
    if (members === "too many") return this.lists.wakeAll();
    for (const { userId, revision } of members) this.lists.hearUser(userId, revision);
  }

  hearDeleted(roomId: bigint): void {
    this.#followed.get(roomId)?.feed.hearDeleted();
  }

  /** No feed is of use any more, neither to its readers nor to those who are about to follow it. */
  hearReset(): void {
    const all = [...this.#followed.values()];
    for (const { feed } of all) for (const reader of [...feed.readers]) reader.end(anotherDatabase());
    for (const followed of all) this.#close(followed);
    this.lists.end(anotherDatabase());
  }

  #follow(roomId: bigint, head: Position): Followed {
    const known = this.#followed.get(roomId);
    if (known) {
      known.followers++;
      known.feed.hearHead(head);
      return known;
    }
    const feed = new RoomFeed(roomId, head, {
      log: this.log,
      maxBytes: this.limits.feedBytes,
      onResize: (feed, bytes) => this.#resize(feed, bytes),
    });
    const subscription = this.#subscriber.subscribe(roomId, feed);
    const followed = { feed, subscription, followers: 1 };
    this.#followed.set(roomId, followed);
    // What was committed since the head was read, and before the subscription, nobody has told of.
    subscription.then(() => feed.miss()).catch(() => {});
    return followed;
  }

  #close({ feed, subscription }: Followed): void {
    if (this.#followed.get(feed.roomId)?.feed !== feed) return;
    this.#followed.delete(feed.roomId);
    feed.close();
    this.#kept.delete(feed);
    this.#stopIfIdle();
    void subscription.then((subscription) => subscription[Symbol.asyncDispose]()).catch(() => {});
  }

  #stopIfIdle(): void {
    if (this.#followed.size === 0 && !this.watchesAll) this.#watch.stop();
  }

  /** Looks at nothing but the newest revision, and has the lists find out what it was. */
  #listListener(): HeadListener {
    return {
      roomIds: () => [],
      size: 0,
      watchesAll: false,
      hearHead() {},
      hearDeleted() {},
      hearMembers() {},
      hearRevision: () => this.lists.wakeAll(),
      hearReset: () => this.lists.end(anotherDatabase()),
    };
  }

  #resize(feed: RoomFeed, bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) return;
    this.#kept.delete(feed);
    this.#kept.add(feed);
    for (const silent of this.#kept) {
      if (this.#bytes <= this.limits.allFeedsBytes) break;
      this.#kept.delete(silent);
      silent.trim(0);
    }
  }
}
