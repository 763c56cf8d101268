import type { JsonObject } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type {
  AddMembersRes,
  CreateRoomReq,
  Cursor,
  DeleteRoomRes,
  GetRoomReq,
  GetRoomsRes,
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
  SearchMessagesReq,
  SearchMessagesRes,
  StreamAllRes,
} from "../../gen/chat_pb.ts";
import type { Change, Erased, News, ReadMark } from "../../gen/room/room_pb.ts";
import type { ViewedRoom } from "./caller.ts";
import type { ChangePlace } from "./change-place.ts";
import type { ChangedRooms } from "./changed-rooms.ts";
import type { ListedRooms, ListPage, ListPlace } from "./list-page.ts";
import type { ReadPosition } from "./read-positions.ts";

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
  updateRoom: Room;
  deleteRoom: DeleteRoomRes;
  eraseRoom: Erased;
  addMembers: AddMembersRes;
  setMute: Member;
  setBan: Member;
  setReaction: Message;
  setPin: Message;
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

/** A room to open. */
export interface NewRoom {
  readonly key: string;
  /** Who is to own it; 0 is nobody, until somebody is added. */
  readonly userId: bigint;
  readonly name: string;
  readonly data?: JsonObject | undefined;
}

/** A room that was opened, or was there before, with those of some users who were its members by then. */
export interface EnsuredRoom {
  readonly room: Room;
  readonly isNew: boolean;
  readonly members: readonly Member[];
}

/** Rooms by id, and by key. */
export interface RoomNames {
  readonly ids: readonly bigint[];
  readonly keys: readonly string[];
}

/**
 * How a room is read: by a user as its member, or by right, whoever its members are, as services and holders of a view do.
 */
export type Reading = "member" | "right";

/** A user's membership of a room. Removed and added again, a user has another one. */
export interface Membership {
  readonly roomId: bigint;
  /** 0 for who reads the room by right. */
  readonly id: bigint;
  /** How far the user has read; not set for who has read nothing, and has marked nothing. */
  readonly read: ReadPosition | undefined;
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
  readonly reads?: Readonly<Record<string, ReadPosition>> | undefined;
  /** The newest changes of the room, in the same snapshot; a page that doesn't reach them is followed by another. */
  readonly head: Position;
  readonly firstSeq: bigint;
}

/** How much a page of logs, or of a list, may have. */
export interface PageSize {
  /** Changes of either log, or rooms of a list. */
  readonly changes: number;
  /** Bytes of the texts of all messages, and of rooms' records; one is given even if it has more. */
  readonly bytes: number;
}

/** A change, where it lies in the log of all rooms. */
export interface PlacedChange {
  readonly place: ChangePlace;
  /** What was changed, as it is now. */
  readonly change: Exclude<StreamAllRes["event"], { case: undefined | "upToDate" }>;
}

/** What the log of all rooms has after a place. */
export interface Changes {
  readonly epoch: string;
  /** The newest revision of the database, in the same snapshot. */
  readonly revision: bigint;
  /** In the order of their places. */
  readonly changes: readonly PlacedChange[];
  /** Whether there is nothing after them. */
  readonly isWhole: boolean;
}

/**
 * The truth: rooms, members and logs.
 *
 * - S1 A committed send has seq = head + 1 of its room, assigned in the same transaction that checks that the sender is
 *   a member and that client_message_id is new. Sends of one commit are numbered in the order given. Edits and
 *   deletions take the next seq likewise, beginnings and ends of memberships the next member_seq. So do changes of the
 *   room's record, among them its owner's: the membership that changes the owner comes first. A new room's record has 0.
 * - S2 commit() resolves once its changes survive a crash; change n + 1 of a room is never visible before change n.
 * - S3 readLogs() gives for each place the changes after it, ascending, as many as the page's size allows, each message
 *   and member, and the record, once, in its latest state; all from one snapshot. A page has no messages before it has all changes of the
 *   members up to its snapshot: whoever follows the pages knows of the end of a membership before any later message.
 * - S4 A send whose client_message_id is known (room, sender, id) gets the first message, with no time window;
 *   ALREADY_EXISTS if the body or the data differ from what was sent. Other changes that are there already change nothing.
 * - S5 One room per key, one membership per room and user: ALREADY_EXISTS otherwise. A room and its first member
 *   appear together. A room has so many members at most, and a user so many rooms: RESOURCE_EXHAUSTED.
 * - S6 A room that doesn't exist and one that the user is not a member of get the same NOT_FOUND, at the same cost.
 * - S7 When the database can't be reached, is locked or too slow, a call rejects with UNAVAILABLE; the next call that
 *   can be served is served. A commit that was answered with UNAVAILABLE may have happened; it happened at most once,
 *   and not later than its deadline.
 * - S8 Every change takes the next revision of the database, which grows over all rooms: of one commit, those of a room
 *   the same. A room has the revision of the latest change of its logs or record, so do its record, each message and each
 *   membership. A read position changes only the membership.
 * - S9 Ids and numbers are never given twice in an epoch, whatever is deleted.
 * - S10 Who asks for a change has the right to it in the same transaction: as the sender, the author, the owner, or a
 *   moderator. An actor or user 0 is a service that acts for itself, and may what the owner may.
 * - S11 A deletion takes the next revision, and frees the key; from then on nobody finds the room, and its news are that it
 *   is deleted. Steps of eraseRoom, each as short as any change, end its memberships and erase its messages with all that
 *   belongs to them; until there is nothing left, it is among unerasedRooms(). Deleting again is no change.
 * - S12 ensureRoom() opens a room unless its key has one, whoever else does so at the same time. Users whom addMembers can't
 *   add are told, and don't hinder the others; members stay as they are.
 * - S13 A reader, who is muted, and, in a frozen room, who is neither owner nor moderator, neither sends nor edits: PERMISSION_DENIED,
 *   by the clock of the commit. In a slow room a member waits after a message that was sent while it was slow, for as long
 *   as the room says by then: RESOURCE_EXHAUSTED; of those of one commit the first is taken. What a service says is held
 *   back by none of it, and is the service's alone to edit.
 * - S14 A ban ends a membership, takes the next member_seq, as its lifting does, and keeps the user from being added. Its
 *   time is in the answer of setBan, in the list of the banned, which moderators read, and in changes(), and nowhere else.
 * - S15 A reply belongs to the thread of what it replies to. The message that a thread began with counts its replies: with new
 *   ones of a commit it takes the next seq after the sends, and with the end of one, the seq after that.
 * - S16 Data is read as it was answered. Mentions are of members at the commit: FAILED_PRECONDITION otherwise. A deletion
 *   takes all of it.
 * - S17 changes() gives what lies after a place of the log of all rooms: each message, membership, record and deletion of a
 *   room once, in its latest state, at the place of its latest change; all from one snapshot, and as many as the page's
 *   size allows. Whoever reads on from the place of any of them misses nothing, whatever is committed meanwhile.
 * - S18 searchMessages() finds the messages that the reader may read and that have all words of the query, as they are
 *   now, of those which the index has come to; the newest first, none twice. What is deleted is not found any more.
 * - S19 A reaction and a pin are changes of their message, as far as they change anything. A message tells of each of its
 *   reactions how many users have it, and the first of them by name; it has so many different ones at most. What is
 *   deleted has neither.
 * - S20 changedLists() gives for each place the rooms of the user that have changed after it, or whose membership has, each
 *   once, as the user sees it, and those that the user has left since, but none for a ban after that or its lifting; all
 *   from one snapshot, as many as the page's size allows. Whoever follows the pages has in the end what listRooms() gives.
 */
export interface ChatStore extends AsyncDisposable {
  /** If the post has a room, only who reads it, be it as its member or by right, is told its id. */
  createRoom(req: CreateRoomReq, reading?: Reading): Promise<Room>;
  /** Rejects with NOT_FOUND if the room is there, and the user, unless it is 0, is not a member. */
  ensureRoom(room: NewRoom, userIds: readonly bigint[]): Promise<EnsuredRoom>;
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
  changes(after: ChangePlace, size: PageSize): Promise<Changes>;

  /** The rooms of a user, for who is about to follow them. */
  listedRooms(userId: bigint): Promise<ListedRooms>;
  /** What changed in the lists of users, a page for each place, in their order. */
  changedLists(places: readonly ListPlace[], size: PageSize): Promise<readonly ListPage[]>;

  getRoom(req: GetRoomReq, reading?: Reading): Promise<Room>;
  /**
   * Each room once, by id: of those asked for the user's own, and all of those `byRight`. They are as many as an
   * answer may have, and the first one in any case.
   */
  getRooms(userId: bigint, rooms: RoomNames, byRight: RoomNames): Promise<GetRoomsRes>;
  listRooms(req: ListRoomsReq): Promise<ListRoomsRes>;
  listMessages(req: ListMessagesReq, reading?: Reading): Promise<ListMessagesRes>;
  listMembers(req: ListMembersReq, reading?: Reading): Promise<ListMembersRes>;
  /** Of one room, or of all rooms of a user. */
  searchMessages(req: SearchMessagesReq, reading?: Reading): Promise<SearchMessagesRes>;
  /** Rejects with NOT_FOUND if the actor is neither 0, nor the user, nor a member. */
  isMember(req: IsMemberReq): Promise<boolean>;
  /** Rooms by their ids in decimal, or by their keys. Those that don't exist are left out. */
  roomsByKey(keys: readonly string[]): Promise<ReadonlyMap<string, ViewedRoom>>;
  /** Some of the rooms that are deleted, and not yet erased. */
  unerasedRooms(): Promise<readonly bigint[]>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
}
