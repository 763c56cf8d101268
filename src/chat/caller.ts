/** Who makes a call. */
export interface Caller {
  /**
   * - `trusted`: a backend that is believed whatever it says (AUTH=trust); it acts for any user.
   * - `service`: a backend with a key, or with a service's token; it acts for any user.
   * - `user`: the user whom a token names.
   * - `viewer`: somebody whose token is for rooms to read, and for nothing else; perhaps of a user.
   */
  readonly kind: "trusted" | "service" | "user" | "viewer";
  /** The user of a token, or the one for whom a backend acts by the header roomlog-user; 0 if there is none. */
  readonly userId: bigint;
  /** Rooms that the caller may read without being a member. */
  readonly views: readonly ViewedRoom[];
  /** Tells the caller from others of its kind, for logs and limits. */
  readonly name: string;
  /** When its token was issued and when it expires, in milliseconds since 1970; not set for who has no token. */
  readonly issuedAt?: number;
  readonly expiresAt?: number;
}

/** A room that a token lets its holder read. */
export interface ViewedRoom {
  readonly id: bigint;
  readonly key: string;
}
