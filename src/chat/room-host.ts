import type { Typing } from "../../gen/chat_pb.ts";
import type { Answers, RoomChange } from "./store.ts";

/**
 * The one place where a room's changes are applied: this process, or on Workers the room's Durable Object.
 *
 * - H1 A change that is answered is durable, and was published to the room's readers; a read position soon is.
 * - H2 Changes of a room are published in the order of their seq and member_seq.
 */
export interface RoomHost {
  /**
   * Rejects with the reasons of ChatStore.commit(), and with UNAVAILABLE when too many changes wait. A user who sends too
   * often to the room gets RESOURCE_EXHAUSTED, if the change is of a user's own and not of a backend.
   */
  apply<C extends RoomChange["case"]>(
    change: Extract<RoomChange, { case: C }>,
    isOfUser?: boolean,
  ): Promise<Answers[C]>;
  /** Tells the room's readers that a member types; `memberSeq` is that of the room when it was a member. */
  type(typing: Typing, memberSeq: bigint): Promise<void>;
}
