import { create } from "@bufbuild/protobuf";
import { type Event, EventSchema, type Message } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { TailItem } from "./room-cursor.ts";

/** What the readers of StreamMessage see of a tail's items: what clients of the first contract understand. */
export function messagesOf(item: TailItem): readonly Message[] {
  return isNews(item) ? item.messages : [];
}

/** What the readers of StreamEvents see of a tail's items: everything. */
export function eventsOf(item: TailItem): readonly Event[] {
  if (!isNews(item)) return [item];
  const { messages, members, typing, reads } = item;
  return [
    ...members.map((value) => ({ case: value.removedAt ? "memberRemoved" : "memberAdded", value }) as const),
    ...messages.map((value) => ({ case: "message", value }) as const),
    ...typing.map((value) => ({ case: "typing", value }) as const),
    ...(reads ? [{ case: "readMoved", value: reads } as const] : []),
  ].map((event) => create(EventSchema, { event }));
}

function isNews(item: TailItem): item is News {
  return item.$typeName === NewsSchema.typeName;
}
