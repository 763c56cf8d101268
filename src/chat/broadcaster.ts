import type { News } from "../../gen/room/room_pb.ts";
import type { Position } from "./store.ts";

/**
 * A rumour of what was committed: it may be lost, doubled, late or out of order, since whoever hears it checks every
 * number and reads the log when in doubt. News are shared by all who hear them, so nobody modifies them.
 *
 * - B1 publish() never waits for a listener and never fails because of one.
 * - B2 What is published after subscribe() resolved is heard by the listener, or it is told that it missed something.
 * - B3 News of other rooms are not heard.
 * - B4 Disposing a subscription ends it; twice is fine.
 * - B5 A link that broke is restored by the broadcaster, which then tells the listener that it missed something.
 */
export interface Publisher {
  publish(news: News): void;
}

/** The reading end of the rumour; the rules are those of {@link Publisher}. */
export interface Subscriber {
  subscribe(roomId: bigint, listener: Listener): Promise<AsyncDisposable>;
}

/** Whoever hears of a room. */
export interface Listener {
  hear(news: News): void;
  /** The room has got at least so far. */
  hearHead(head: Position): void;
  /** Something may have been lost on the way here. */
  miss(): void;
}
