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
import type { Change, MemberChange, News } from "../../gen/room/room_pb.ts";

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
  markRead: Member;
}

/** What came of a transaction: an answer or a refusal for each change, in their order, and what readers have to know. */
export interface Commit {
  readonly outcomes: readonly (Answers[keyof Answers] | ConnectError)[];
  readonly news: readonly News[];
}

/** A cursor's two numbers. */
export type Position = Pick<Cursor, "seq" | "memberSeq">;

/** A reader of a room, by a membership. Removed and added again, a user has another one. */
export interface Reader {
  readonly roomId: bigint;
  readonly membershipId: bigint;
  readonly cursor: Position;
  /** The member_seq up to which it knew the members before it began to read; its cursor's, if not given. */
  readonly knownMembers?: bigint;
}

/** What a room's logs have after a reader's cursor. */
export interface LogPage {
  readonly messages: readonly Message[];
  readonly members: readonly MemberChange[];
  /** The newest changes of the room, in the same snapshot; a page that doesn't reach them is followed by another. */
  readonly head: Position;
}

/** How much one read of logs may give. */
export interface PageSize {
  /** Changes of either log of a room. */
  readonly changes: number;
  /** Bytes of the texts of all its messages; one message is given even if it has more. */
  readonly bytes: number;
}

/**
 * The truth: rooms, members and logs.
 *
 * - S1 A committed send has seq = head + 1 of its room, assigned in the same transaction that checks that the sender is
 *   a member and that client_message_id is new. Sends of one commit are numbered in the order given. Edits and
 *   deletions take the next seq likewise, changes of members the next member_seq.
 * - S2 commit() resolves once its changes survive a crash; change n + 1 of a room is never visible before change n.
 * - S3 readLogs() gives each reader the changes after its cursor, ascending, as many as the page's size allows, each
 *   message and member once, in its latest state; all from one snapshot. Rooms may share a page such that some get
 *   nothing yet. A reader whose membership has ended gets nothing.
 * - S4 A send whose client_message_id is known (room, sender, id) gets the first message, with no time window;
 *   ALREADY_EXISTS if the body differs from what was sent. Other changes that are there already change nothing.
 * - S5 One room per post, one membership per room and user: ALREADY_EXISTS otherwise. A room and its first member
 *   appear together.
 * - S6 A room that doesn't exist and one that the user is not a member of get the same NOT_FOUND.
 * - S7 When the database can't be reached, is locked or too slow, a call rejects with UNAVAILABLE; the next call that
 *   can be served is served. A commit that was answered with UNAVAILABLE may have happened; it happened at most once.
 */
export interface ChatStore extends AsyncDisposable {
  createRoom(req: CreateRoomReq): Promise<Room>;
  /** Commits all changes in one transaction; one that is refused doesn't hinder the others. */
  commit(changes: readonly RoomChange[]): Promise<Commit>;

  /** The pages by room; rooms whose reader has lost its membership are left out. */
  readLogs(readers: readonly Reader[], size: PageSize): Promise<ReadonlyMap<bigint, LogPage>>;
  /** A reader at the head of each of those of the rooms that exist and have the user as a member. */
  readersAtHead(userId: bigint, roomIds: readonly bigint[]): Promise<Reader[]>;

  getRoom(req: GetRoomReq): Promise<Room>;
  listRooms(req: ListRoomsReq): Promise<ListRoomsRes>;
  listMessages(req: ListMessagesReq): Promise<ListMessagesRes>;
  listMembers(req: ListMembersReq): Promise<ListMembersRes>;
  isMember(req: IsMemberReq): Promise<boolean>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
}
