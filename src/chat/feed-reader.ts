import type { News } from "../../gen/room/room_pb.ts";

/** A reader of a room. What it does with what it is told never fails. */
export interface FeedReader {
  /** News were added, which have the feed's newest number. */
  hear(news: News): void;
  /** The read positions of the room's members are known. */
  hearReads(): void;
  /** Whether it is to be told who is here. */
  readonly watches: boolean;
  hearPresence(): void;
  /** The room is deleted: what the feed has is the last of it. */
  hearDeleted(): void;
  /** Nothing is told any more, for a reason. */
  end(reason: unknown): void;
}
