import type { News } from "../../gen/room/room_pb.ts";
import type { Inbox } from "./inbox.ts";

/**
 * A rumour of what was committed: it may be lost, doubled, late or out of order, since readers check every number and
 * read the log when in doubt. News are shared by all readers, so nobody modifies them.
 *
 * - B1 publish() never waits for a reader and never fails because of one.
 * - B2 What is published after subscribe() resolved is pushed to the inbox, or the inbox is told that it missed
 *   something.
 * - B3 News of other rooms stay out of the inbox.
 * - B4 Disposing a subscription ends it; twice is fine.
 * - B5 A link that broke is restored by the broadcaster, which then tells the inbox that it missed something.
 */
export interface Publisher {
  publish(news: News): void;
}

/** The reader's end of the rumour; the rules are those of {@link Publisher}. */
export interface Subscriber {
  subscribe(roomIds: Iterable<bigint>, inbox: Inbox): Promise<AsyncDisposable>;
}
