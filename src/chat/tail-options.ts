import type { Event } from "../../gen/chat_pb.ts";
import type { ListStart } from "./list-cursor.ts";
import type { Memberships, Position } from "./store.ts";

/** Who follows what, from where. */
export interface TailOptions {
  readonly userId: bigint;
  readonly memberships: Memberships;
  /** Where to start, by room; a room that isn't in there starts at its head. */
  readonly from: ReadonlyMap<bigint, Position>;
  /** Where to start in the list of the user's rooms, if that is followed. */
  readonly list?: ListStart | undefined;
  /** Set if the user is here as long as it follows the rooms; and whether it is told who is. */
  readonly visit?: { readonly watches: boolean } | undefined;
  /** What the reader has to be told first. */
  readonly opening?: readonly Event[];
  /** How often it is told where it is, in milliseconds; never, if it isn't given. */
  readonly heartbeatMs?: number | undefined;
  /** Whether it ends with NOT_FOUND when a membership of the reader ends, because it can't tell. */
  readonly endsWhenRemoved?: boolean;
}
