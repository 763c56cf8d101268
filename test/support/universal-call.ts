import { type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import {
  encodeEnvelopes,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ChatService, StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import type { Subscriber } from "../../src/chat/broadcaster.ts";
import { chatService } from "../../src/chat/service.ts";
import type { ChatStore } from "../../src/chat/store.ts";

/** What StreamMessage needs of the parts of the service. */
export interface StreamParts {
  readonly store: Pick<ChatStore, "changesAfter" | "headsFor">;
  readonly subscriber: Subscriber;
}

/** Connect's handler of StreamMessage for all protocols. */
export function streamHandler({ store, subscriber }: StreamParts, options: ConnectRouterOptions = {}): UniversalHandler {
  const { streamMessage } = chatService({
    store: store as ChatStore,
    subscriber,
    rooms: { send: () => Promise.reject(new Error("only streams here")) },
  });
  const router = createConnectRouter(options).service(ChatService, { streamMessage });
  return router.handlers.find(({ method }) => method.name === "StreamMessage")!;
}

export function streamRequest(
  contentType: string,
  { roomIds = [1n], afterSeq = {}, header = {}, signal = new AbortController().signal }: {
    readonly roomIds?: bigint[];
    readonly afterSeq?: Record<string, bigint>;
    readonly header?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): UniversalServerRequest {
  const req = create(StreamMessageReqSchema, { roomIds, userId: 1n, afterSeq });
  const data = contentType.includes("json")
    ? new TextEncoder().encode(toJsonString(StreamMessageReqSchema, req))
    : toBinary(StreamMessageReqSchema, req);
  return {
    httpVersion: "2",
    method: "POST",
    url: "https://localhost/chat_grpc.ChatService/StreamMessage",
    header: new Headers({ "content-type": contentType, ...header }),
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

  throw(reason: unknown) {
    return this.#iterator.throw!(reason);
  }
}
