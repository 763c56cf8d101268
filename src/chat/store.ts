import type { AddMemberReq, CreateRoomReq, Member, Message, Room, SendMessageReq } from "../../gen/chat_pb.ts";
import type { ConnectError } from "@connectrpc/connect";

/** A room's id → the seq of a change of it: of a reader's last one (its cursor), or of the newest (its head). */
export type Positions = ReadonlyMap<bigint, bigint>;

/**
 * The truth: rooms, members and logs.
 *
 * - S1 A committed send has seq = head + 1 of its room, assigned in the same transaction that checks that the sender is
 *   a member and that client_message_id is new. Sends of one commit are numbered in the order given.
 * - S2 commit() resolves once its messages survive a crash; change n + 1 of a room is never visible before change n.
 * - S3 changesAfter() gives each room's changes with seq > its cursor, ascending, at most `limit` a room.
 * - S4 A send whose client_message_id is known (room, sender, id) gets the first message, with no time window;
 *   ALREADY_EXISTS if the body differs.
 * - S5 One room per post, one membership per room and user: ALREADY_EXISTS otherwise. A room and its first member
 *   appear together.
 * - S6 A send to a room that doesn't exist and one by a non-member get the same NOT_FOUND.
 * - S7 When the database can't be reached, is locked or too slow, a call rejects with UNAVAILABLE; the next call that
 *   can be served is served. A commit that was answered with UNAVAILABLE may have happened; it happened at most once.
 */
export interface ChatStore extends AsyncDisposable {
  createRoom(req: CreateRoomReq): Promise<Room>;
  addMember(req: AddMemberReq): Promise<Member>;
  /** Commits all sends in one transaction; the answers are in the order of the sends. */
  commit(sends: readonly SendMessageReq[]): Promise<Outcome[]>;
  changesAfter(cursors: Positions, limit: number): Promise<Message[]>;
  /** The newest seq (0: none yet) of those of the rooms that exist and have the user as a member. */
  headsFor(userId: bigint, roomIds: readonly bigint[]): Promise<Positions>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
}

/** What became of one send: the message, with `isNew` false for a retry of an earlier send; or the reason against it. */
export type Outcome = { message: Message; isNew: boolean } | ConnectError;
