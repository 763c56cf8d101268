import type { News } from "../../gen/room/room_pb.ts";
import type { Publisher, Subscriber } from "./broadcaster.ts";
import type { Inbox } from "./inbox.ts";

/** Publisher and subscribers in one process. */
export class MemoryBroadcaster implements Publisher, Subscriber {
  readonly #inboxes = new Map<bigint, Set<Inbox>>();

  publish(news: News): void {
    for (const inbox of this.#inboxes.get(news.roomId) ?? []) inbox.push(news);
  }

  async subscribe(roomIds: Iterable<bigint>, inbox: Inbox): Promise<AsyncDisposable> {
    const rooms = [...roomIds];
    for (const room of rooms) {
      const readers = this.#inboxes.get(room);
      if (readers) readers.add(inbox);
      else this.#inboxes.set(room, new Set([inbox]));
    }
    return {
      [Symbol.asyncDispose]: async () => {
        for (const room of rooms.splice(0)) {
          const readers = this.#inboxes.get(room);
          if (readers?.delete(inbox) && readers.size === 0) this.#inboxes.delete(room);
        }
      },
    };
  }

  /** Rooms that somebody follows. */
  get size(): number {
    return this.#inboxes.size;
  }
}
