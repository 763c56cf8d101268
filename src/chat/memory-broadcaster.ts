import type { News } from "../../gen/room/room_pb.ts";
import type { Listener, Publisher, Subscriber } from "./broadcaster.ts";

interface Subscription {
  readonly listener: Listener;
}

/** Publisher and subscribers in one process. */
export class MemoryBroadcaster implements Publisher, Subscriber {
  readonly #rooms = new Map<bigint, Set<Subscription>>();

  publish(news: News): void {
    for (const { listener } of this.#rooms.get(news.roomId) ?? []) {
      try {
        listener.hear(news);
      } catch {
        // A listener that fails is its own affair: the publisher is about to answer others.
        listener.miss();
      }
    }
  }

  async subscribe(roomId: bigint, listener: Listener): Promise<AsyncDisposable> {
    const subscription = { listener };
    const room = this.#rooms.get(roomId) ?? new Set();
    this.#rooms.set(roomId, room.add(subscription));
    return {
      [Symbol.asyncDispose]: async () => {
        if (room.delete(subscription) && room.size === 0) this.#rooms.delete(roomId);
      },
    };
  }

  /** Rooms that somebody follows. */
  get size(): number {
    return this.#rooms.size;
  }
}
