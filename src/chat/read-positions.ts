import { create } from "@bufbuild/protobuf";
import { type ReadMoved, ReadMovedSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { SHARED_READS_MEMBERS } from "./limits.ts";

/**
 * How far a member has read. Of two positions of a user the one of the newer membership, which has the greater id, is the
 * newer, and of one and the same membership that with the greater revision.
 */
export interface ReadPosition {
  readonly memberId: bigint;
  readonly messageId: bigint;
  readonly revision: bigint;
}

type Positions = Readonly<Record<string, ReadPosition>>;

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
   * newer stays. Returns what had moved on: at first, of what was heard.
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
    const newer = this.#newer(byUser);
    const moved = Object.entries(newer).filter(([user, { messageId }]) => {
      const known = heard[user];
      return known ? known.messageId !== messageId : wasKnown;
    });
    this.#set({ ...heard, ...newer });
    return moved.length > 0 ? this.#toNews(Object.fromEntries(moved)) : undefined;
  }

  /** News without the positions that are behind what is known, as rumours that overtake each other may be. */
  newOf(news: News): News {
    if (!news.reads || !this.#byUser) return news;
    const told = positionsIn(news);
    const newer = this.#newer(told);
    const count = Object.keys(newer).length;
    if (count === Object.keys(told).length) return news;
    const reads = count > 0 ? readsOf(this.#roomId, newer) : { reads: undefined };
    return create(NewsSchema, { ...news, ...reads });
  }

  /** Moves on with the news of the room. */
  follow(news: News): void {
    const { members, room, memberSeq, reads, readsArePrivate } = news;
    if (members.length > 0 || room) this.#memberSeq = memberSeq;
    if (!this.#byUser || (members.length === 0 && !reads)) return;
    if (readsArePrivate) return this.#set(undefined);
    const next = { ...this.#byUser, ...positionsIn(news) };
    for (const { id, userId, removedAt, readMessageId } of members) {
      const known = next[`${userId}`];
      // A change that isn't the beginning, such as of a role, has not moved it.
      const isKnown = known !== undefined && known.memberId >= id;
      if (removedAt) delete next[`${userId}`];
      else if (!isKnown && readMessageId > 0n) {
        next[`${userId}`] = { memberId: id, messageId: readMessageId, revision: 0n };
      }
    }
    this.#set(Object.keys(next).length > SHARED_READS_MEMBERS ? undefined : next);
  }

  #newer(positions: Positions): Positions {
    const known = this.#byUser ?? {};
    return Object.fromEntries(Object.entries(positions).filter(([user, position]) => isNewer(position, known[user])));
  }

  #set(byUser: Positions | undefined): void {
    this.#byUser = byUser;
    this.#all = undefined;
  }

  #toNews(positions: Positions): News {
    const roomId = this.#roomId;
    return create(NewsSchema, { roomId, memberSeq: this.#memberSeq, ...readsOf(roomId, positions) });
  }
}

/** Whether a position of a user is the newer one. */
export function isNewer(position: ReadPosition, known: ReadPosition | undefined): boolean {
  if (!known || position.memberId > known.memberId) return true;
  return position.memberId === known.memberId && position.revision > known.revision;
}

/** What news tell of read positions. */
export function positionsIn({ reads, readRevisions, readMemberIds }: News): Positions {
  return Object.fromEntries(
    Object.entries(reads?.readMessageIds ?? {}).map(([user, messageId]) => {
      return [user, { messageId, memberId: readMemberIds[user] ?? 0n, revision: readRevisions[user] ?? 0n }];
    }),
  );
}

/** Read positions, as news have them. */
export function readsOf(
  roomId: bigint,
  positions: Positions,
): Pick<News, "readRevisions" | "readMemberIds"> & { reads: ReadMoved } {
  const each = (numberOf: (position: ReadPosition) => bigint) => {
    return Object.fromEntries(Object.entries(positions).map(([user, position]) => [user, numberOf(position)]));
  };
  return {
    reads: create(ReadMovedSchema, { roomId, readMessageIds: each(({ messageId }) => messageId) }),
    readRevisions: each(({ revision }) => revision),
    readMemberIds: each(({ memberId }) => memberId),
  };
}
