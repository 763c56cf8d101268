/**
 * Every bound that keeps a caller from making the process grow, with its default. An operator sets another by the
 * environment: `LIMIT_OPEN_STREAMS` for openStreams. The shape of a request (lengths, rooms per stream) is bounded in
 * the contract, proto/chat.proto.
 */
export const LIMITS = {
  /** Bytes of one request message, also when it arrives compressed. */
  requestBytes: 64 * 1024,
  /** Bytes of requests that have not arrived as a whole, of all callers together. */
  arrivingBytes: 64 * 1024 * 1024,
  /** Bytes of a refused request that are read and thrown away, so that its client gets to read why. */
  discardedBytes: 256 * 1024,
  /** Bytes of a request's headers. */
  headerBytes: 16 * 1024,
  /** The longest deadline a caller may set, in milliseconds. A stream without a deadline lives until an end ends it. */
  deadlineMs: 24 * 60 * 60 * 1000,
  /** Streams that are open in the process. */
  openStreams: 20_000,
  /** Streams of those who need no token: of the server's health, and reflection. */
  publicStreams: 1_000,
  /** Rule violations that one error tells. */
  violations: 10,
  /** Bytes of an error's text. With its details it has to fit the 8 KiB that gRPC clients take of trailers. */
  errorTextBytes: 1024,

  /** Changes that may wait for their commit, and the characters of text they may have together. */
  waitingChanges: 10_000,
  waitingCharacters: 16_000_000,
  /**
   * Changes that share one commit, and the characters of text they may have together: sqld takes 5 MB for a value, and
   * a character takes up to 6 bytes in JSON. A Durable Object's own SQLite takes 300,000 characters at most.
   */
  commitChanges: 512,
  commitCharacters: 750_000,
  /**
   * Bytes that the newest changes of a followed room may take in memory, and those of all rooms together. A reader that
   * is further behind reads the log.
   */
  feedBytes: 128 * 1024,
  allFeedsBytes: 64 * 1024 * 1024,
  /** Changes in a page of a room's log, and the bytes of their texts; in JSON a byte may take six. */
  logPageChanges: 128,
  logPageBytes: 16 * 1024,
  /** Rooms of one reader whose logs are read at a time. */
  readerPages: 4,
  /** Pages that one request to the database reads, for all readers, and such requests at a time. */
  logReadPages: 64,
  logReads: 4,
  /** Changes in a page of the log of all rooms, and the bytes of their texts; a stream of everything holds two pages. */
  allPageChanges: 1_000,
  allPageBytes: 256 * 1024,
  /** Bytes of the texts in a page of messages or rooms. A page that would have more ends early. */
  pageBytes: 32 * 1024,
  /** Bytes of the texts of rooms that are asked for by id or key. An answer that would have more leaves out the last ones. */
  namedRoomsBytes: 128 * 1024,
  /**
   * Rooms in a page of a list that is followed; lists that one request to the database looks through, for all readers, and
   * such requests at a time.
   */
  listPageRooms: 100,
  listReadPages: 16,
  listReads: 1,
  /**
   * Rooms of followed lists that the process remembers, of each user apart; a list beyond it is looked at whenever any room
   * changes. One takes 82 bytes.
   */
  listedRooms: 5_000_000,
  /** A list that changes is looked at once in this time, in milliseconds. */
  listIntervalMs: 250,

  /** Of a user's typing in a room, what repeats the last sooner is not passed on; in milliseconds. */
  typingIntervalMs: 1_000,
  /** A room's read positions are told together, at most once in this time, in milliseconds. */
  readsIntervalMs: 1_000,
  /** Members whose last typing a room's host remembers; beyond it, the oldest are forgotten. */
  typingMembers: 10_000,

  /** A user's sends, edits, deletions, reactions and pins, and how many of them at once. */
  sendsPerSecond: 5,
  sendsBurst: 20,
  /** Those in one room, as the room's host counts them. */
  roomSendsPerSecond: 5,
  roomSendsBurst: 20,
  /** Rooms that a user opens, or deletes. */
  roomsPerMinute: 10,
  roomsBurst: 20,
  /** Members whom a user adds, removes, mutes, bans, or gives a role; and changes of a room's record. */
  membersPerMinute: 60,
  membersBurst: 100,
  /** A user's typing and read marks. */
  signalsPerSecond: 10,
  signalsBurst: 50,
  /** What a user reads: pages, answers, streams that are opened. */
  pagesPerSecond: 20,
  pagesBurst: 100,
  /** What the holders of one token without a user read. */
  viewPagesPerSecond: 100,
  viewPagesBurst: 500,
  /** Calls of a service, or of all where AUTH=trust. */
  serviceCallsPerSecond: 100_000,
  serviceCallsBurst: 100_000,
  /** Streams of a user at a time, and those with one token without a user. Services have openStreams. */
  userStreams: 20,
  viewStreams: 1_000,
  /** Callers, or callers in rooms, of whom such a count is kept. */
  quotaKeys: 100_000,

  /** Tokens that are remembered as verified; others are verified again. */
  verifiedTokens: 10_000,
  /** Users whose tokens were revoked, as they are remembered; beyond it, tokens as old as the forgotten count as revoked too. */
  revokedUsers: 100_000,
  /** Users for whom backends act, as the header roomlog-user names them, whose ids are remembered. */
  namedUsers: 10_000,

  /** Members of a room, and rooms of a user. */
  roomMembers: 100_000,
  userRooms: 10_000,
  /** Messages of a room that are pinned. */
  pinnedMessages: 50,

  /** How long a request to the database may take, in milliseconds, before its callers get UNAVAILABLE. */
  databaseMs: 5_000,
  /** Requests that only read, at a time, to a database that is a server; others wait. */
  databaseReads: 16,
  /** How long a migration of the schema may take, in milliseconds. */
  migrationMs: 60 * 60_000,

  /** Connections of the process, and those among them from one address. */
  connections: 20_000,
  addressConnections: 10_000,
  /** For a client to say anything, and to finish the headers of a request, in milliseconds. */
  headersMs: 10_000,
  /** For the whole of a request, in milliseconds. */
  requestMs: 30_000,
  /** How long a client may take nothing of what waits for it, in milliseconds. */
  stallMs: 30_000,
  /** How long an HTTP/2 connection without a call is kept, in milliseconds. */
  idleSessionMs: 5 * 60_000,
  /**
   * Requests of an HTTP/1.1 connection that may wait for the answers before theirs; most clients wait for each. One more
   * is refused, and the connection closed.
   */
  pipelinedRequests: 16,
  /**
   * Calls of an HTTP/2 connection at a time. Clients are promised half of it: Node counts calls that have ended until it
   * has tidied them up, and refuses what is beyond.
   */
  connectionCalls: 500,
  /** Calls of an HTTP/2 connection that its client may reset at once, and per second from then on. */
  resets: 2_000,
  resetsPerSecond: 200,
  /**
   * Bytes of answers that wait for one HTTP/2 connection. A call under way counts as a page; beyond it, further calls
   * wait until the client has taken some.
   */
  waitingAnswerBytes: 2 * 1024 * 1024,
};

export type Limits = Readonly<Record<keyof typeof LIMITS, number>>;

/** How often a reader of events gets a heartbeat, in milliseconds, if it chooses no other interval. */
export const HEARTBEAT_MS = 15_000;

/**
 * How often a process asks the database which rooms have changed, in milliseconds: so long a change that was committed
 * through another process may take to its readers.
 */
export const HEAD_WATCH_MS = 250;

/** Different reactions to a message, and users that it names for each. */
export const MESSAGE_REACTIONS = 20;
export const REACTION_USERS = 50;

/** How long others show that somebody is typing, in milliseconds. */
export const TYPING_MS = 6_000;

/** Members up to which a room tells them of one another's read positions. */
export const SHARED_READS_MEMBERS = 100;
