import { create } from "@bufbuild/protobuf";
import { type Event, EventSchema, type Member, type Message, type Room } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { memberChanges } from "./position.ts";
import type { TailItem } from "./room-cursor.ts";

/** What the readers of StreamMessage see of a tail's items: what clients of the first contract understand. */
export function messagesOf(item: TailItem): readonly Message[] {
  return isNews(item) ? item.messages : [];
}

/** What the readers of StreamEvents see of a tail's items: everything. */
export function eventsOf(item: TailItem): readonly Event[] {
  if (!isNews(item)) return [item];
  const { messages, typing, reads, presence } = item;
  return [
    ...memberChanges(item).map(eventOfChange),
    ...messages.map((value) => ({ case: "message", value }) as const),
    ...typing.map((value) => ({ case: "typing", value }) as const),
    ...(reads ? [{ case: "readMoved", value: reads } as const] : []),
    ...(presence ? [{ case: "presence", value: presence } as const] : []),
  ].map((event) => create(EventSchema, { event }));
}

function eventOfChange(value: Member | Room) {
  if (value.$typeName === "chat_grpc.Room") return { case: "roomUpdated", value } as const;
  return { case: value.removedAt ? "memberRemoved" : "memberAdded", value } as const;
}

function isNews(item: TailItem): item is News {
  return item.$typeName === NewsSchema.typeName;
}
