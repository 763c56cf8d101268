import { create } from "@bufbuild/protobuf";
import type { Typing } from "../../gen/chat_pb.ts";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { LIMITS, type Limits } from "./limits.ts";

/** Passes on who is typing, and who has stopped, at a bounded rate for each member, and forgets it. */
export class TypingRelay {
  readonly #publisher: Publisher;
  readonly #limits: Limits;
  /** When each member's typing, and each one's end, was last passed on, the longest ago first. */
  readonly #passed = new Map<string, number>();

  constructor(publisher: Publisher, limits: Limits = LIMITS) {
    this.#publisher = publisher;
    this.#limits = limits;
  }

  pass(typing: Typing, memberSeq: bigint): void {
    const { typingIntervalMs, typingMembers } = this.#limits;
    const now = performance.now();
    const start = `${typing.roomId}/${typing.userId}`;
    const stop = `${start}/stopped`;
    const key = typing.stopped ? stop : start;
    if (now - (this.#passed.get(key) ?? -Infinity) < typingIntervalMs) return;
    this.#passed.delete(key);
    this.#passed.set(key, now);
    if (typing.stopped) this.#passed.delete(start); // who begins again is told of at once
    for (const [oldest, at] of this.#passed) {
      if (this.#passed.size <= typingMembers && now - at < typingIntervalMs) break;
      this.#passed.delete(oldest);
    }
    this.#publisher.publish(create(NewsSchema, { roomId: typing.roomId, memberSeq, typing: [typing] }));
  }
}
