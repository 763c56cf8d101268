import { create } from "@bufbuild/protobuf";
import type { Typing } from "../../gen/chat_pb.ts";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { LIMITS, type Limits } from "./limits.ts";

/** Passes on who is typing, and who has stopped, and forgets it: what repeats the last, at a bounded rate for each member. */
export class TypingRelay {
  readonly #publisher: Publisher;
  readonly #limits: Limits;
  /** What was last passed on of each member, the longest ago first. */
  readonly #passed = new Map<string, { readonly at: number; readonly stopped: boolean }>();

  constructor(publisher: Publisher, limits: Limits = LIMITS) {
    this.#publisher = publisher;
    this.#limits = limits;
  }

  pass(typing: Typing, memberSeq: bigint): void {
    const { typingIntervalMs, typingMembers } = this.#limits;
    const { roomId, userId, stopped } = typing;
    const now = performance.now();
    const member = `${roomId}/${userId}`;
    const last = this.#passed.get(member);
    if (last && last.stopped === stopped && now - last.at < typingIntervalMs) return;
    this.#passed.delete(member);
    this.#passed.set(member, { at: now, stopped });
    for (const [oldest, { at }] of this.#passed) {
      if (this.#passed.size <= typingMembers && now - at < typingIntervalMs) break;
      this.#passed.delete(oldest);
    }
    this.#publisher.publish(create(NewsSchema, { roomId, memberSeq, typing: [typing] }));
  }
}
