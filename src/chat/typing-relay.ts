import { create } from "@bufbuild/protobuf";
import type { Typing } from "../../gen/chat_pb.ts";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { TYPING_INTERVAL_MS, TYPING_MEMBERS } from "./limits.ts";

/** Passes on who is typing, at a bounded rate for each member, and forgets it. */
export class TypingRelay {
  readonly #publisher: Publisher;
  /** When each member's typing was last passed on, the longest ago first. */
  readonly #passed = new Map<string, number>();

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  pass(typing: Typing, memberSeq: bigint): void {
    const now = Date.now();
    const member = `${typing.roomId}/${typing.userId}`;
    if (now - (this.#passed.get(member) ?? 0) < TYPING_INTERVAL_MS) return;
    this.#passed.delete(member);
    this.#passed.set(member, now);
    for (const [oldest, at] of this.#passed) {
      if (this.#passed.size <= TYPING_MEMBERS && now - at < TYPING_INTERVAL_MS) break;
      this.#passed.delete(oldest);
    }
    this.#publisher.publish(create(NewsSchema, { roomId: typing.roomId, memberSeq, typing: [typing] }));
  }
}
