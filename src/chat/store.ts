import type { ConnectError } from "@connectrpc/connect";
import type {
  CreateRoomReq,
  Cursor,
  GetRoomReq,
  IsMemberReq,
  ListMembersReq,
  ListMembersRes,
  ListMessagesReq,
  ListMessagesRes,
  ListRoomsReq,
  ListRoomsRes,
  Member,
  Message,
  Room,
} from "../../gen/chat_pb.ts";
import type { Change, News, ReadMark } from "../../gen/room/room_pb.ts";
import type { ViewedRoom } from "./caller.ts";

/** A change to apply to a room, named for the RPC that asks for it. */
export type RoomChange = Exclude<Change["change"], { case: undefined }>;

/** What the RPCs that change a room return. */
export interface Answers {
  sendMessage: Message;
  editMessage: Message;
  deleteMessage: Message;
  addMember: Member;
  removeMember: Member;
  transferOwnership: Room;
  setRole: Member;
  markRead: Member;
}

/** What came of a transaction: an answer or a refusal for each change, in their order, and what readers have to know. */
export interface Commit {
  readonly outcomes: readonly (Answers[keyof Answers] | ConnectError)[];
  /** Of each room whose logs have grown, its changes in the order of their numbers. */
  readonly news: readonly News[];
  readonly reads: readonly ReadMark[];
}

/** How far a room's logs go, or how far a reader has come in them: a cursor's two numbers. */
export type Position = Pick<Cursor, "seq" | "memberSeq">;

/**
 * How a room is read: by a user as its member, or by right, whoever its members are, as services and holders of a view do.
 */
export type Reading = "member" | "right";

/** A user's membership of a room. Removed and added again, a user has another one. */
export interface Membership {
  readonly roomId: bigint;
  /** 0 for who reads the room by right. */
  readonly id: bigint;
  readonly readMessageId: bigint;
  /** The newest changes of the room, in the same snapshot. */
  readonly head: Position;
  /** The oldest change that is kept of the room's messages. */
  readonly firstSeq: bigint;
}

/** A user's memberships, the epoch of the numbers in them, and the database's newest revision, in the same snapshot. */
export interface Memberships {
  readonly epoch: string;
  readonly revision: bigint;
  readonly of: readonly Membership[];
}

/** A place in a room's logs, to be read on from. */
export interface LogPlace {
  readonly roomId: bigint;
  readonly after: Position;
}

/** What a room's logs have after a place. */
export interface LogPage {
  /** The changes, and the room's member_seq at the head. */
  readonly news: News;
  /** The read positions by user id, if the page reaches the head of a room that tells its members of one another's. */
  readonly reads?: Readonly<Record<string, bigint>> | undefined;
  /** The newest changes of the room, in the same snapshot; a page that doesn't reach them is followed by another. */
  readonly head: Position;
  readonly firstSeq: bigint;
}

/** How much a page of logs may have. */
export interface PageSize {
  /** Changes of either log. */
  readonly changes: number;
  /** Bytes of the texts of all messages; one message is given even if it has more. */
  readonly bytes: number;
}

/** Rooms whose logs or records have changed, in the order of their revisions. */
export interface ChangedRooms {
  readonly epoch: string;
  /** Up to where the list goes; the newest revision of the database, if it is whole. */
  readonly revision: bigint;
  readonly rooms: readonly { readonly roomId: bigint; readonly head: Position }[];
  readonly isWhole: boolean;
}

/**
 * The truth: rooms, members and logs.
 *
 * - S1 A committed send has seq = head + 1 of its room, assigned in the same transaction that checks that the sender is
 *   a member and that client_message_id is new. Sends of one commit are numbered in the order given. Edits and
 *   deletions take the next seq likewise, beginnings and ends of memberships the next member_seq.
 * - S2 commit() resolves once its changes survive a crash; change n + 1 of a room is never visible before change n.
 * - S3 readLogs() gives for each place the changes after it, ascending, as many as the page's size allows, each message
 *   and member once, in its latest state; all from one snapshot. A page has no messages before it has all changes of the
 *   members up to its snapshot: whoever follows the pages knows of the end of a membership before any later message.
 * - S4 A send whose client_message_id is known (room, sender, id) gets the first message, with no time window;
 *   ALREADY_EXISTS if the body differs from what was sent. Other changes that are there already change nothing.
 * - S5 One room per post, one membership per room and user: ALREADY_EXISTS otherwise. A room and its first member
 *   appear together. A room has so many members at most, and a user so many rooms: RESOURCE_EXHAUSTED.
 * - S6 A room that doesn't exist and one that the user is not a member of get the same NOT_FOUND, at the same cost.
 * - S7 When the database can't be reached, is locked or too slow, a call rejects with UNAVAILABLE; the next call that
 *   can be served is served. A commit that was answered with UNAVAILABLE may have happened; it happened at most once,
 *   and not later than its deadline.
 * - S8 Every commit gives each room whose logs or record it changes the next revision of the database, which grows over
 *   all rooms. Read positions are no such change.
 * - S9 Ids and numbers are never given twice in an epoch, whatever is deleted.
 * - S10 Who asks for a change has the right to it in the same transaction: as the sender, the author, the owner, or a
 *   moderator. An actor or user 0 is a service that acts for itself, and may what the owner may.
 */
export interface ChatStore extends AsyncDisposable {
  createRoom(req: CreateRoomReq): Promise<Room>;
  /** Commits all changes in one transaction; one that is refused doesn't hinder the others. */
  commit(changes: readonly RoomChange[]): Promise<Commit>;

  /** A page for each place, in their order; none where there is no such room. Equal places get the same page. */
  readLogs(places: readonly LogPlace[], size: PageSize): Promise<readonly (LogPage | undefined)[]>;
  /**
   * The user's memberships of those of the rooms that exist and have the user as a member; and of those `byRight` that exist,
   * without one.
   */
  memberships(userId: bigint, roomIds: readonly bigint[], byRight?: readonly bigint[]): Promise<Memberships>;
  /** The rooms that changed after a revision, perhaps only as many as make a page; only of those `among`, if given. */
  changedRooms(after: bigint, among?: readonly bigint[]): Promise<ChangedRooms>;

  getRoom(req: GetRoomReq, reading?: Reading): Promise<Room>;
  listRooms(req: ListRoomsReq): Promise<ListRoomsRes>;
  listMessages(req: ListMessagesReq, reading?: Reading): Promise<ListMessagesRes>;
  listMembers(req: ListMembersReq, reading?: Reading): Promise<ListMembersRes>;
  /** Rejects with NOT_FOUND if the actor is neither 0, nor the user, nor a member. */
  isMember(req: IsMemberReq): Promise<boolean>;
  /** Rooms by their keys: an id in decimal, or "post:7" for the room of post 7. Those that don't exist are left out. */
  roomsByKey(keys: readonly string[]): Promise<ReadonlyMap<string, ViewedRoom>>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
}
