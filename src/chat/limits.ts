/**
 * Every bound that keeps a caller from making the process grow. The shape of a request (lengths, rooms per stream) is
 * bounded in the contract, proto/chat.proto.
 */

/** Bytes of one request message. */
export const REQUEST_BYTES = 64 * 1024;

/** The longest deadline a caller may set, in milliseconds. A stream without a deadline lives until an end ends it. */
export const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** Changes that may wait for their commit; one more is refused with UNAVAILABLE. */
export const WAITING_CHANGES = 10_000;

/**
 * Changes that share one commit, and the characters of text they may have together: sqld takes 5 MB for a value, and a
 * character takes up to 6 bytes in JSON.
 */
export const COMMIT_CHANGES = 512;
export const COMMIT_CHARACTERS = 750_000;

/** Changes that wait for one reader. When more arrive, all are dropped and the reader reads the log instead. */
export const INBOX_CHANGES = 256;

/** Changes read from the log at a time, for one reader. */
export const PAGE_CHANGES = 128;

/**
 * How often a stream looks for changes whose notification was lost, and sends a heartbeat, in milliseconds; the readers
 * of events may choose another interval.
 */
export const HEARTBEAT_MS = 15_000;

/** Of a user's typing in a room, what comes sooner after the last is not passed on; in milliseconds. */
export const TYPING_INTERVAL_MS = 1_000;
/** How long others show that somebody is typing, in milliseconds. */
export const TYPING_MS = 6_000;
/** Members whose last typing a room's host remembers; beyond it, the oldest are forgotten. */
export const TYPING_MEMBERS = 10_000;

/** How long a request to the database may take, in milliseconds, before its callers get UNAVAILABLE. */
export const DATABASE_TIMEOUT_MS = 5_000;
