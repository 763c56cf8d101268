import { Code, ConnectError } from "@connectrpc/connect";
import type { Message } from "../../gen/chat_pb.ts";
import type { Batch, Subscriber } from "./broadcaster.ts";
import { Inbox } from "./inbox.ts";
import { HEAD_CHECK_MS, PAGE_MESSAGES } from "./limits.ts";
import type { ChatStore, Positions } from "./store.ts";

/** Where a tail gets its changes from: the log is the truth, the subscription only says when to look. */
export interface Source {
  readonly store: Pick<ChatStore, "changesAfter">;
  readonly subscriber: Subscriber;
}

/**
 * Follows rooms from their cursors on.
 *
 * - T1 The first thing it yields is empty: the tail is live, and whatever is committed from here on will be yielded.
 * - T2 Each room's changes come in seq order, none missing, none twice, whatever the subscriber loses, doubles, delays
 *   or reorders. There is no order between rooms.
 * - T3 It holds at most two inboxes and a page of messages, however slowly it is read: an item, and what arrives while
 *   the reader has it.
 * - T4 It ends by throwing: the signal's reason, what the store threw, or UNAVAILABLE when it is as old as it may get.
 *   Ended or left, it leaves nothing behind.
 *
 * A change that follows its room's cursor is passed on as it arrives. In every other case (the start, a gap, a full
 * inbox, a broken link, and every `headCheckMs` on suspicion) the log is read after the cursor.
 */
export async function* tail(
  source: Source,
  from: Positions,
  signal: AbortSignal,
  headCheckMs = HEAD_CHECK_MS,
  maxAgeMs?: number,
): AsyncGenerator<readonly Batch[], never> {
  signal.throwIfAborted();
  const cursors = new Map(from);
  const inbox = new Inbox();
  const leave = () => inbox.close(signal.reason);
  signal.addEventListener("abort", leave);
  // Not all streams at the same moment: ±25 %.
  const suspicion = setInterval(() => inbox.miss(), headCheckMs * (0.75 + Math.random() / 2));
  const retirement = maxAgeMs === undefined ? undefined : setTimeout(() => inbox.close(tooOld()), maxAgeMs);
  try {
    await using _subscription = await source.subscriber.subscribe(cursors.keys(), inbox);
    yield [];
    let inDoubt = new Set(cursors.keys());
    for (;;) {
      const news = inDoubt.size > 0 ? inbox.take() : await inbox.next();
      const changes: Batch[] = [];
      for (const batch of news.batches) {
        const roomId = batch[0].roomId;
        const cursor = cursors.get(roomId)!;
        if (batch[0].seq > cursor + 1n) inDoubt.add(roomId);
        else if (batch.at(-1)!.seq > cursor) {
          changes.push(batch[0].seq > cursor ? batch : (batch.filter((message) => message.seq > cursor) as [Message]));
          cursors.set(roomId, batch.at(-1)!.seq);
        }
      }
      if (news.missed) inDoubt = new Set(cursors.keys());
      if (inDoubt.size > 0) {
        const limit = Math.ceil(PAGE_MESSAGES / inDoubt.size);
        const after = new Map([...inDoubt].map((roomId) => [roomId, cursors.get(roomId)!]));
        const pages = Map.groupBy(await source.store.changesAfter(after, limit), (message) => message.roomId);
        for (const [roomId, page] of pages) {
          changes.push(page as [Message]);
          cursors.set(roomId, page.at(-1)!.seq);
        }
        for (const roomId of inDoubt) if ((pages.get(roomId)?.length ?? 0) < limit) inDoubt.delete(roomId);
      }
      if (changes.length > 0) yield changes;
    }
  } finally {
    clearInterval(suspicion);
    clearTimeout(retirement);
    signal.removeEventListener("abort", leave);
  }
}

function tooOld(): ConnectError {
  return new ConnectError("the stream has reached its maximum age; resume from your cursors", Code.Unavailable);
}
