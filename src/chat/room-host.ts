import type { Message, SendMessageReq } from "../../gen/chat_pb.ts";

/**
 * The one place where a room's changes are applied: this process, or on Workers the room's Durable Object.
 *
 * - H1 A change that is answered is durable, and was published to the room's readers.
 * - H2 Changes of a room are published in the order of their seq.
 */
export interface RoomHost {
  /** Rejects with the reasons of ChatStore.commit(), and with UNAVAILABLE when too many sends wait. */
  send(req: SendMessageReq): Promise<Message>;
}
