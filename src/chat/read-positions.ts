import { create } from "@bufbuild/protobuf";
import { ReadMovedSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "./limits.ts";

type Positions = Record<string, bigint>;

/** The read positions of a small room's members, as far as they are known. Of a large room none are kept. */
export class ReadPositions {
  readonly #roomId: bigint;
  /** Not set if the room is large. */
  #byUser: Positions | undefined = {};
  #memberSeq = 0n;
  #all: News | undefined;
  /** Whether the database has told them. Until then, these are what was heard. */
  isKnown = false;

  constructor(roomId: bigint) {
    this.#roomId = roomId;
  }

  /** Whether the room is large, as far as is known. */
  get arePrivate(): boolean {
    return this.#byUser === undefined;
  }

  /** All of them, if there are any to tell. */
  get all(): News | undefined {
    if (!this.isKnown || !this.#byUser || Object.keys(this.#byUser).length === 0) return undefined;
    this.#all ??= this.#toNews(this.#byUser);
    return this.#all;
  }

  /**
   * Takes what the database has of those who are members by now; none, if the room is large. What was heard and is
   * further stays. Returns what had moved on: at first, of what was heard.
   */
  replace(byUser: Positions | undefined, memberSeq: bigint): News | undefined {
    const heard = this.#byUser ?? {};
    const wasKnown = this.isKnown;
    this.isKnown = true;
    this.#memberSeq = memberSeq;
    if (!byUser) {
      this.#set(undefined);
      return undefined;
    }
    const ahead = this.#ahead(byUser);
    const moved = Object.entries(ahead).filter(([user]) => wasKnown || heard[user] !== undefined);
    this.#set({ ...heard, ...ahead });
    return moved.length > 0 ? this.#toNews(Object.fromEntries(moved)) : undefined;
  }

  /** News without the positions that are behind what is known, as rumours that overtake each other may be. */
  newOf(news: News): News {
    if (!news.reads || !this.#byUser) return news;
    const readMessageIds = this.#ahead(news.reads.readMessageIds);
    const count = Object.keys(readMessageIds).length;
    if (count === Object.keys(news.reads.readMessageIds).length) return news;
    const reads = count > 0 ? create(ReadMovedSchema, { roomId: this.#roomId, readMessageIds }) : undefined;
    return create(NewsSchema, { ...news, reads });
  }

  /** Moves on with the news of the room. */
  follow({ members, memberSeq, reads, readsArePrivate }: News): void {
    if (members.length > 0) this.#memberSeq = memberSeq;
    if (!this.#byUser || (members.length === 0 && !reads)) return;
    if (readsArePrivate) return this.#set(undefined);
    const next = { ...this.#byUser, ...reads?.readMessageIds };
    for (const { userId, removedAt, readMessageId } of members) {
      if (removedAt) delete next[`${userId}`];
      else if (readMessageId > 0n) next[`${userId}`] = readMessageId;
    }
    this.#set(Object.keys(next).length > SHARED_READS_MEMBERS ? undefined : next);
  }

  #ahead(positions: Positions): Positions {
    const known = this.#byUser ?? {};
    return Object.fromEntries(Object.entries(positions).filter(([user, id]) => id > (known[user] ?? 0n)));
  }

  #set(byUser: Positions | undefined): void {
    this.#byUser = byUser;
    this.#all = undefined;
  }

  #toNews(readMessageIds: Positions): News {
    const roomId = this.#roomId;
    return create(NewsSchema, { roomId, memberSeq: this.#memberSeq, reads: { roomId, readMessageIds } });
  }
}
