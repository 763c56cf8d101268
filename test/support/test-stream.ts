import { type Client, ConnectError } from "@connectrpc/connect";
import type { ChatService, Message } from "../../gen/chat_pb.ts";

type ChatClient = Client<typeof ChatService>;

/** A running StreamMessage, which collects what it receives. */
export class TestStream implements AsyncDisposable {
  readonly received: Message[] = [];
  /** Resolves when the response headers are there; rejects if the call ends without. */
  readonly live: Promise<Headers>;
  /** Resolves when the stream has ended, with its error, if it had one. */
  readonly ended: Promise<ConnectError | undefined>;
  readonly #abort = new AbortController();
  #arrived = Promise.withResolvers<void>();

  constructor(client: ChatClient, request: Parameters<ChatClient["streamMessage"]>[0], options?: { timeoutMs?: number }) {
    const live = Promise.withResolvers<Headers>();
    this.live = live.promise;
    this.live.catch(() => {});
    const messages = client.streamMessage(request, { ...options, signal: this.#abort.signal, onHeader: live.resolve });
    this.ended = (async () => {
      try {
        for await (const message of messages) {
          this.received.push(message);
          this.#arrived.resolve();
          this.#arrived = Promise.withResolvers();
        }
        return undefined;
      } catch (e) {
        live.reject(e);
        return ConnectError.from(e);
      } finally {
        this.#arrived.resolve();
      }
    })();
  }

  /** The first `count` messages, once they are there. */
  async take(count: number): Promise<Message[]> {
    const ended = this.ended.then((error) => Promise.reject(error ?? new Error("the stream ended")));
    ended.catch(() => {});
    while (this.received.length < count) await Promise.race([this.#arrived.promise, ended]);
    return this.received.slice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }
}
