/**
 * Every bound that keeps a caller from making the process grow. The shape of a request (lengths, rooms per stream) is
 * bounded in the contract, proto/chat.proto.
 */

/** Bytes of one request message. */
export const REQUEST_BYTES = 64 * 1024;

/** The longest deadline a caller may set, in milliseconds. A stream without a deadline lives until an end ends it. */
export const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** Sends that may wait for their commit; one more is refused with UNAVAILABLE. */
export const WAITING_SENDS = 10_000;

/** Sends that share one commit, and the characters of text they may have together. */
export const COMMIT_SENDS = 512;
export const COMMIT_CHARACTERS = 1_000_000;

/**
 * Messages that wait for one reader. When more arrive, all are dropped and the reader reads the log instead. Holds two
 * full commits, so that a burst alone makes nobody read.
 */
export const INBOX_MESSAGES = 2 * COMMIT_SENDS;

/** Messages read from the log at a time, for one reader. */
export const PAGE_MESSAGES = 128;

/** How often a stream looks for messages whose notification was lost, in milliseconds. */
export const HEAD_CHECK_MS = 15_000;

/** How long a request to the database may take, in milliseconds, before its callers get UNAVAILABLE. */
export const DATABASE_TIMEOUT_MS = 5_000;
