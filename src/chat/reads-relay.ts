import { create } from "@bufbuild/protobuf";
import { NewsSchema, type ReadMark } from "../../gen/room/room_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { LIMITS, type Limits, SHARED_READS_MEMBERS } from "./limits.ts";
import { readsOf } from "./read-positions.ts";

/** Tells of the read positions of a room, the first at once, and what comes soon after it together. */
export class ReadsRelay {
  readonly #publisher: Publisher;
  readonly #limits: Limits;
  /** By room, what has come since it was told last; a room stays here until nothing has. */
  readonly #waiting = new Map<bigint, Map<bigint, ReadMark>>();

  constructor(publisher: Publisher, limits: Limits = LIMITS) {
    this.#publisher = publisher;
    this.#limits = limits;
  }

  pass(mark: ReadMark): void {
    const waiting = this.#waiting.get(mark.roomId);
    if (!waiting) return this.#tell([mark]);
    waiting.delete(mark.userId); // so that the newest mark is the last
    waiting.set(mark.userId, mark);
  }

  #tell(marks: readonly ReadMark[]): void {
    const { roomId, memberSeq, members } = marks.at(-1)!;
    this.#waiting.set(roomId, new Map());
    setTimeout(() => this.#tellWaiting(roomId), this.#limits.readsIntervalMs);
    const positions = Object.fromEntries(marks.map((mark) => [`${mark.userId}`, mark]));
    const readsArePrivate = members > SHARED_READS_MEMBERS;
    this.#publisher.publish(create(NewsSchema, { roomId, memberSeq, readsArePrivate, ...readsOf(roomId, positions) }));
  }

  #tellWaiting(roomId: bigint): void {
    const marks = [...this.#waiting.get(roomId)!.values()];
    this.#waiting.delete(roomId);
    if (marks.length > 0) this.#tell(marks);
  }
}
