import { fromBinary } from "@bufbuild/protobuf";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";

/** Rooms whose newest news are remembered, and how long these may be. */
const REMEMBERED_ROOMS = 64;
const REMEMBERED_BYTES = 16_384;

interface Decoded {
  readonly frame: Uint8Array;
  readonly news: News;
}

/**
 * Decodes what rooms' objects tell. Each stream has a socket of its own, so one frame arrives as often as its room has
 * streams in this isolate: all of them get the same news, which are decoded once, and therefore encoded once.
 */
export class DecodedNews {
  /** The newest of each room, those of the room that has been silent for longest first. */
  readonly #newest = new Map<bigint, Decoded>();

  of(roomId: bigint, frame: Uint8Array): News {
    const known = this.#newest.get(roomId);
    if (known && areEqual(known.frame, frame)) return known.news;
    const news = fromBinary(NewsSchema, frame);
    this.#newest.delete(roomId);
    if (frame.byteLength <= REMEMBERED_BYTES) this.#newest.set(roomId, { frame, news });
    if (this.#newest.size > REMEMBERED_ROOMS) this.#newest.delete(this.#newest.keys().next().value!);
    return news;
  }
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
