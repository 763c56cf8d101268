import { create, type DescMessage, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { encodeEnvelopes } from "@connectrpc/connect/protocol";
import { type Event, EventSchema, MessageSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { TailItem } from "./tail.ts";

const utf8 = new TextEncoder();

/** What the readers of an RPC see of a tail's items, encoded once for all of them. */
export class View<Desc extends DescMessage> {
  readonly #schema: Desc;
  readonly messages: (item: TailItem) => readonly MessageShape<Desc>[];
  readonly #binary = new WeakMap<TailItem, Uint8Array>();
  readonly #json = new WeakMap<TailItem, Uint8Array>();

  constructor(schema: Desc, messages: (item: TailItem) => readonly MessageShape<Desc>[]) {
    this.#schema = schema;
    this.messages = messages;
  }

  /**
   * An item as enveloped messages (a flag byte, four bytes of length, the message), which are the same in Connect
   * streaming, gRPC-Web and gRPC.
   */
  encode(item: TailItem, json: boolean): Uint8Array {
    const known = json ? this.#json : this.#binary;
    let bytes = known.get(item);
    if (!bytes) {
      const data = (message: MessageShape<Desc>) =>
        json ? utf8.encode(toJsonString(this.#schema, message)) : toBinary(this.#schema, message);
      bytes = encodeEnvelopes(...this.messages(item).map((message) => ({ flags: 0, data: data(message) })));
      known.set(item, bytes);
    }
    return bytes;
  }
}

/** StreamEvents: everything. */
export const eventView = new View(EventSchema, (item) => (isNews(item) ? events(item) : [item]));

/** StreamMessage: what clients of the first contract understand. */
export const messageView = new View(MessageSchema, (item) => (isNews(item) ? item.messages : []));

function isNews(item: TailItem): item is News {
  return item.$typeName === NewsSchema.typeName;
}

function events({ messages, members, typing }: News): Event[] {
  return [
    ...members.map(({ member, isNew }) => {
      if (member!.removedAt) return { case: "memberRemoved", value: member! } as const;
      return { case: isNew ? "memberAdded" : "readMoved", value: member! } as const;
    }),
    ...messages.map((value) => ({ case: "message", value }) as const),
    ...typing.map((value) => ({ case: "typing", value }) as const),
  ].map((event) => create(EventSchema, { event }));
}
