import type { UserPresence } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";

/** A stream of events that follows a room. */
export interface Visit {
  readonly roomId: bigint;
  /** Who is here by it; 0 is nobody, for a stream that reads by right. */
  readonly userId: bigint;
  /** Whether the stream is to be told who is here. */
  readonly watches: boolean;
}

/**
 * Who is here, a rumour that is in no log: a user is here as long as it has a visit, and for GRACE_MS after the last.
 *
 * - N1 While a visit of a room watches, who is here comes as news of the room: within 2 s of the first such visit, and
 *   from then on of every coming, and within 5 s of every going, however a visit ended; at most once a second. Of the news of
 *   a room the newest counts.
 * - N2 A user with several visits is here once, since the first of them, in whichever processes they are.
 * - N3 When a process is gone, its visits end for all others within 30 s.
 * - N4 enter() never waits and never fails, whatever becomes of the rumour. Disposing a visit ends it; twice is fine.
 */
export interface PresenceBoard {
  enter(visit: Visit): Disposable;
}

/** Who is here in a room. */
export interface Headcount {
  /** At most 100, those who came first. */
  readonly userIds: readonly bigint[];
  readonly count: number;
}

/** What is known of users in a room, and how many are here in all. */
export interface ListedPresence {
  readonly users: UserPresence[];
  readonly count: number;
}

/** Tells who is here in a room, whichever process they are in. */
export interface PresenceList {
  /** Of the first who are here; or of the members among `userIds`, in their order, if any are given. */
  list(roomId: bigint, userIds: readonly bigint[]): Promise<ListedPresence>;
}

/** A user in a room. */
export interface Place {
  readonly roomId: bigint;
  readonly userId: bigint;
}

/** A user who has come to a room, as a process tells the others. */
export interface Arrival extends Place {
  /** When, in milliseconds since 1970. */
  readonly cameAt: number;
}

/** What changed since a revision. */
export interface ChangedPresence {
  readonly revision: bigint;
  /** Rooms in which it did; not set if these are too many to tell, or no revision was given. */
  readonly roomIds: readonly bigint[] | undefined;
  /** Processes whose time is over, and which are not forgotten yet. */
  readonly gone: readonly bigint[];
}

/**
 * What processes tell one another of who is here.
 *
 * - N5 put() applies all, or nothing if the process is not known: its time was over, so that others may have forgotten
 *   who was here by it. It is known from a put() that says that it is new, and until its time is over after the last put().
 * - N6 here() counts those who are here by processes whose time isn't over; of a room that doesn't exist, nothing is told.
 * - N7 changed() tells of every change after a revision; that a process is gone, only until it is forgotten, from when on it
 *   is told as a change of its rooms.
 * - N8 Who has gone from a room, and isn't here by another process, was seen last when put() said so; with a process that is
 *   gone, when it was heard of last.
 */
export interface PresenceStore extends PresenceList {
  put(process: PresenceProcess, come: readonly Arrival[], gone: readonly Place[]): Promise<boolean>;
  here(roomIds: readonly bigint[]): Promise<readonly (Headcount & Pick<News, "roomId" | "memberSeq">)[]>;
  changed(after: bigint | undefined): Promise<ChangedPresence>;
  /** Forgets some of what processes have left that are gone. */
  sweep(): Promise<void>;
}

/** A process as others know it. */
export interface PresenceProcess {
  readonly id: bigint;
  readonly isNew: boolean;
}

/** Users that a room's presence tells. */
export const PRESENT_USERS = 100;

/** Presence of a room is told at most once in this time, and written to the database; in milliseconds. */
export const PRESENCE_MS = 1_000;

/**
 * How long a user counts as here after its last visit, in milliseconds: clients open a stream again that has ended by its
 * age, and pages are loaded anew, and meanwhile nobody is to be told that the user has gone.
 */
export const GRACE_MS = 3_000;

/** How long others believe what a process has told without hearing of it again, in milliseconds. */
export const PRESENCE_LEASE_MS = 20_000;
