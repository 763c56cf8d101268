import type { Profile } from "../../gen/chat_pb.ts";

/** Ids of users whose keys are no decimal numbers: from 2^52 on, beyond all numbers of products, to 2^53 − 1. */
export const FIRST_KEYED_USER = 2n ** 52n;
export const LAST_KEYED_USER = 2n ** 53n - 1n;

/** The last of them stands for all keys that nobody has, so that asking for one tells nothing of whether it is known. */
export const NOBODY = LAST_KEYED_USER;

/** What a token says of its user. Times are in milliseconds since 1970. */
export interface TokenUser {
  readonly key: string;
  /** Empty, if it says none. */
  readonly name: string;
  readonly picture: string;
  readonly issuedAt: number;
}

/** A user, as a token is looked at. */
export interface SignedIn {
  readonly userId: bigint;
  /** Tokens that were issued before this time don't count; 0 if all do. */
  readonly tokensFrom: number;
}

/** Users whose tokens were revoked, in the order of the revocations. */
export interface Revocations {
  /** Of the numbers, which are others once the database has been restored from a backup. */
  readonly epoch: string;
  /** Up to where the list goes. */
  readonly number: bigint;
  readonly of: readonly SignedIn[];
  readonly isWhole: boolean;
}

/**
 * Users: their keys, their profiles, and which of their tokens count.
 *
 * - U1 A key that is an int64 from 1 on in decimal, as numbers are written, is that user's id. Any other key gets an id
 *   from {@link FIRST_KEYED_USER} on when it is first used; the id never changes, and nobody else gets it. Decimal keys in
 *   that range are nobody's.
 * - U2 A profile is what the newest token with a name or a picture told, by the time of its issue, whatever the order in
 *   which tokens arrive. Tokens that don't count tell nothing.
 * - U3 Users see the profiles of those who share a room with them now, and their own.
 * - U4 The time from which on tokens count only moves forward. Each revocation takes the next number, 1, 2, 3, …, and
 *   revocations() gives all that were made after one of the same epoch, the newest of each user.
 * - U5 When the database can't be reached, calls reject with UNAVAILABLE.
 */
export interface UserStore {
  /** Takes note of the user of a token that counts. Rejects with INVALID_ARGUMENT if the key is nobody's. */
  signIn(user: TokenUser): Promise<SignedIn>;
  /** The id of a key; of one that is new only if it is to get one. */
  idOf(key: string, isToGetOne: boolean): Promise<bigint | undefined>;
  /** The ids of keys, in their order; one that is new gets one. Rejects with INVALID_ARGUMENT if one is nobody's. */
  idsOf(keys: readonly string[]): Promise<readonly bigint[]>;
  /** Profiles by user id: of all who are asked for, or of those whom a user may see. */
  profiles(userIds: readonly bigint[], keys: readonly string[], seenBy?: bigint): Promise<Profile[]>;
  /** Makes a user's tokens count from a time on, in milliseconds since 1970. */
  revokeTokens(userId: bigint, issuedBefore: number): Promise<void>;
  /** The revocations after a number; without one, none, and the newest number. */
  revocations(after?: bigint): Promise<Revocations>;
}

/** The id that a key is, if it is a number. */
export function numberOf(key: string): bigint | undefined {
  if (!/^[1-9]\d{0,18}$/.test(key)) return undefined;
  const id = BigInt(key);
  return id < 2n ** 63n ? id : undefined;
}

export function isKeyed(userId: bigint): boolean {
  return userId >= FIRST_KEYED_USER && userId <= LAST_KEYED_USER;
}
