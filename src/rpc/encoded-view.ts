import { type DescMessage, type Message, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { encodeEnvelopes } from "@connectrpc/connect/protocol";
import { concat } from "./bytes.ts";

const utf8 = new TextEncoder();

/**
 * What the readers of a stream see of its items, encoded once for all of them. A message in its envelope (a flag byte,
 * four bytes of length, the message) is the same in Connect streaming, gRPC-Web and gRPC.
 */
export class EncodedView<Item extends Message, Desc extends DescMessage> {
  readonly messages: (item: Item) => readonly MessageShape<Desc>[];
  readonly #schema: Desc;
  readonly #binary = new WeakMap<Item, Uint8Array>();
  readonly #json = new WeakMap<Item, Uint8Array>();

  constructor(schema: Desc, messages: (item: Item) => readonly MessageShape<Desc>[]) {
    this.#schema = schema;
    this.messages = messages;
  }

  encode(items: readonly Item[], isJson: boolean): Uint8Array {
    return concat(items.map((item) => this.#encode(item, isJson)));
  }

  #encode(item: Item, isJson: boolean): Uint8Array {
    const known = isJson ? this.#json : this.#binary;
    let bytes = known.get(item);
    if (!bytes) {
      const data = this.messages(item).map((message) => encode(this.#schema, message, isJson));
      bytes = encodeEnvelopes(...data.map((data) => ({ flags: 0, data })));
      known.set(item, bytes);
    }
    return bytes;
  }
}

export function encode<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  isJson: boolean,
): Uint8Array {
  return isJson ? utf8.encode(toJsonString(schema, message)) : toBinary(schema, message);
}
