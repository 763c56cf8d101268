import type { News } from "../../gen/room/room_pb.ts";
import type { Listener } from "../../src/chat/broadcaster.ts";

/** A listener that keeps what it hears. */
export class Heard implements Listener {
  readonly news: News[] = [];
  /** How often it was told that it missed something. */
  misses = 0;
  #changed = Promise.withResolvers<void>();

  hear(news: News): void {
    this.news.push(news);
    this.#wake();
  }

  hearHead(): void {}

  miss(): void {
    this.misses++;
    this.#wake();
  }

  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) await this.#changed.promise;
  }

  /** Waits until it has heard all of the news, or was told that it missed something since it has been asked. */
  async all(expected: readonly News[]): Promise<void> {
    const before = this.misses;
    const due = new Set(expected.flatMap(keysOf));
    await this.until(() => {
      for (const key of this.news.flatMap(keysOf)) due.delete(key);
      return due.size === 0 || this.misses > before;
    });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function keysOf({ roomId, messages }: News): string[] {
  return messages.map(({ seq }) => `${roomId}/${seq}`);
}
