import type { RoomSummary } from "../../gen/chat_pb.ts";

/** The rooms that a user is a member of, in a snapshot with this newest revision. */
export interface ListedRooms {
  readonly epoch: string;
  readonly revision: bigint;
  readonly roomIds: readonly bigint[];
}

/** A place in a user's list, to be read on from: a revision of the database. */
export interface ListPlace {
  readonly userId: bigint;
  readonly after: bigint;
}

/** What a user's list shows of the rooms that changed after a place, in the order of their revisions. */
export interface ListPage {
  readonly epoch: string;
  /** Up to where the page goes; the newest revision of the database, if it is whole. */
  readonly revision: bigint;
  readonly rooms: readonly RoomSummary[];
  /** Rooms whose member the user was, and isn't any more. */
  readonly left: readonly bigint[];
  readonly isWhole: boolean;
}
