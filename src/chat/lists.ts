import type { News } from "../../gen/room/room_pb.ts";
import { BatchedReads } from "./batched-reads.ts";
import type { Limits } from "./limits.ts";
import type { ListedRooms, ListPage, ListPlace } from "./list-page.ts";
import type { ChatStore } from "./store.ts";

/** Whoever follows the list of a user's rooms. */
export interface ListReader {
  readonly userId: bigint;
  /** Something in the list may have changed: at a revision, or just now. */
  wake(revision?: bigint): void;
  /** Nothing is told any more, for a reason. */
  end(reason: unknown): void;
}

/** A user whose list is followed, for all of its readers. */
interface ListedUser {
  readonly readers: Set<ListReader>;
  /** Of each room whose latest revision for the user is up to `revision`, whether the user is in it is known. */
  rooms: Set<bigint>;
  revision: bigint;
}

/** The lists that a process follows: which users are in which rooms, and so whom a change concerns. */
export class Lists {
  readonly #reads: BatchedReads<ListPlace, ListPage>;
  readonly #users = new Map<bigint, ListedUser>();
  readonly #byRoom = new Map<bigint, Set<ListedUser>>();
  /** Users of whom no rooms are remembered, since these would be too many: any change may concern them. */
  readonly #unlisted = new Set<ListedUser>();
  readonly #maxRooms: number;
  /** Rooms that are remembered, each once for every user. */
  #rooms = 0;

  constructor(store: Pick<ChatStore, "changedLists">, limits: Limits) {
    const { listReadPages, listReads, listPageRooms: changes, pageBytes: bytes } = limits;
    const read = (places: readonly ListPlace[]) => store.changedLists(places, { changes, bytes });
    this.#maxRooms = limits.listedRooms;
    this.#reads = new BatchedReads(read, { questions: listReadPages, reads: listReads });
  }

  /** Users whose lists are followed. */
  get size(): number {
    return this.#users.size;
  }

  /** From here on the reader is woken; what has changed since the rooms were listed, it has to look for itself. */
  follow(reader: ListReader, { roomIds, revision }: ListedRooms): void {
    let user = this.#users.get(reader.userId);
    if (!user) {
      user = { readers: new Set(), rooms: new Set(), revision: -1n };
      this.#users.set(reader.userId, user);
    }
    user.readers.add(reader);
    if (revision < user.revision) return;
    user.revision = revision;
    const listed = new Set(roomIds);
    for (const roomId of user.rooms) if (!listed.has(roomId)) this.#leave(user, roomId);
    for (const roomId of listed) this.#enter(user, roomId);
  }

  release(reader: ListReader): void {
    const user = this.#users.get(reader.userId);
    if (!user?.readers.delete(reader) || user.readers.size > 0) return;
    this.#forgetRooms(user);
    this.#unlisted.delete(user);
    this.#users.delete(reader.userId);
  }

  /** What changed in a user's list after a place. The user's rooms are known by it as well. */
  async read(place: ListPlace): Promise<ListPage> {
    const page = await this.#reads.ask(`${place.userId}/${place.after}`, place);
    const user = this.#users.get(place.userId);
    if (user && page.revision > user.revision) this.#learn(user, page);
    return page;
  }

  /** Something was committed in a room, or a read position moved. */
  hear(news: News): void {
    if (news.messages.length + news.members.length > 0 || news.room || news.isDeleted) this.hearRoom(news.roomId);
    for (const { userId } of news.members) this.hearUser(userId);
    for (const user of Object.keys(news.reads?.readMessageIds ?? {})) this.hearUser(BigInt(user));
  }

  hearRoom(roomId: bigint, revision?: bigint): void {
    for (const user of this.#byRoom.get(roomId) ?? []) wake(user, revision);
    for (const user of this.#unlisted) wake(user, revision);
  }

  hearUser(userId: bigint, revision?: bigint): void {
    const user = this.#users.get(userId);
    if (user) wake(user, revision);
  }

  wakeAll(): void {
    for (const user of this.#users.values()) wake(user);
  }

  end(reason: unknown): void {
    for (const { readers } of [...this.#users.values()]) for (const reader of [...readers]) reader.end(reason);
  }

  #learn(user: ListedUser, { revision, rooms, left }: ListPage): void {
    user.revision = revision;
    const added = rooms.map(({ room }) => room!.id).filter((roomId) => this.#enter(user, roomId));
    for (const roomId of left) this.#leave(user, roomId);
    // What happened in these rooms since the page was read nobody has been told of.
    if (added.length > 0) wake(user);
  }

  /** Whether the user was not known to be in the room before. */
  #enter(user: ListedUser, roomId: bigint): boolean {
    if (user.rooms.has(roomId) || this.#unlisted.has(user)) return false;
    if (this.#rooms >= this.#maxRooms) {
      this.#forgetRooms(user);
      this.#unlisted.add(user);
      return true;
    }
    user.rooms.add(roomId);
    this.#rooms++;
    const users = this.#byRoom.get(roomId) ?? new Set();
    this.#byRoom.set(roomId, users.add(user));
    return true;
  }

  #forgetRooms(user: ListedUser): void {
    for (const roomId of user.rooms) this.#leave(user, roomId);
  }

  #leave(user: ListedUser, roomId: bigint): void {
    if (user.rooms.delete(roomId)) this.#rooms--;
    const users = this.#byRoom.get(roomId);
    if (users?.delete(user) && users.size === 0) this.#byRoom.delete(roomId);
  }
}

/** Whether news are of a commit, or of a read position; those of who is typing, and who is here, are in no database's log. */
export function isOfCommit({ messages, members, reads, room, isDeleted }: News): boolean {
  return messages.length + members.length > 0 || reads !== undefined || room !== undefined || isDeleted;
}

function wake({ readers }: ListedUser, revision?: bigint): void {
  for (const reader of readers) reader.wake(revision);
}
