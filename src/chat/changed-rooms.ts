import type { Position } from "./store.ts";

/** Rooms whose logs or records have changed, in the order of their revisions. */
export interface ChangedRooms {
  readonly epoch: string;
  /** Up to where the list goes; the newest revision of the database, if it is whole. */
  readonly revision: bigint;
  readonly rooms: readonly { readonly roomId: bigint; readonly head: Position; readonly revision: bigint }[];
  /** Those that were deleted. */
  readonly deleted: readonly bigint[];
  /** Users whose memberships have changed, or who have read; not set where only some rooms were asked for. */
  readonly members?: ChangedMembers | undefined;
  readonly isWhole: boolean;
}

/** Users whose memberships changed, each with the revision of it; or so many that they aren't told. */
export type ChangedMembers = "too many" | readonly { readonly userId: bigint; readonly revision: bigint }[];
