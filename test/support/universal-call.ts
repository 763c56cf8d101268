import { create, type DescMessage, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  encodeEnvelopes,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { StreamEventsReqSchema, StreamMessageReqSchema } from "../../gen/chat_pb.ts";

export type StreamMethod = "StreamMessage" | "StreamEvents";

/** A call of StreamMessage or StreamEvents, as a client of any protocol sends it. */
export function streamRequest(
  contentType: string,
  {
    method = "StreamMessage",
    roomIds = [1n],
    afterSeq = {},
    header = {},
    signal = new AbortController().signal,
  }: {
    readonly method?: StreamMethod;
    readonly roomIds?: bigint[];
    /** Cursors; in StreamEvents those of the members are at the beginning. */
    readonly afterSeq?: Record<string, bigint>;
    readonly header?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): UniversalServerRequest {
  const isJson = contentType.includes("json");
  const encode = <D extends DescMessage>(schema: D, message: MessageShape<D>) =>
    isJson ? new TextEncoder().encode(toJsonString(schema, message)) : toBinary(schema, message);
  const after = Object.fromEntries(Object.entries(afterSeq).map(([roomId, seq]) => [roomId, { seq }]));
  const data =
    method === "StreamMessage"
      ? encode(StreamMessageReqSchema, create(StreamMessageReqSchema, { roomIds, userId: 1n, afterSeq }))
      : encode(StreamEventsReqSchema, create(StreamEventsReqSchema, { roomIds, userId: 1n, after }));
  return {
    httpVersion: "2",
    method: "POST",
    url: `https://localhost/chat_grpc.ChatService/${method}`,
    header: new Headers({ "content-type": contentType, "x-request-id": "same", ...header }),
    body: (async function* () {
      yield encodeEnvelopes({ flags: 0, data });
    })(),
    signal,
  };
}

/** Reads a response's body, as far as a test wants it. */
export class BodyReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #bytes = new Uint8Array(0);

  constructor({ body }: UniversalServerResponse) {
    this.#iterator = body![Symbol.asyncIterator]();
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Complete envelopes read so far; whatever follows the messages (an end of stream) is one too. */
  get envelopes(): number {
    const view = new DataView(this.#bytes.buffer);
    let count = 0;
    for (let end = 0; end + 5 <= view.byteLength; ) {
      end += 5 + view.getUint32(end + 1);
      if (end <= view.byteLength) count++;
    }
    return count;
  }

  /** The next chunk, or undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#iterator.next();
    if (done) return undefined;
    const bytes = new Uint8Array(this.#bytes.length + value.length);
    bytes.set(this.#bytes);
    bytes.set(value, this.#bytes.length);
    this.#bytes = bytes;
    return value;
  }

  async readEnvelopes(count: number): Promise<void> {
    while (this.envelopes < count && (await this.next()));
  }

  async readToEnd(): Promise<void> {
    while (await this.next());
  }

  return() {
    return this.#iterator.return!();
  }
}
