import type { Limits } from "../chat/limits.ts";
import { shownError } from "./errors.ts";
import type { OpenStream } from "./open-stream.ts";
import type { Protocol } from "./protocol.ts";

/** The body of a stream's response: what the stream has to tell, encoded, until it ends; then the protocol's end. */
export class StreamBody implements AsyncIterable<Uint8Array> {
  /** Whether HTTP's trailers follow it. */
  readonly hasTrailers: boolean;
  /** What they say; known at its end. */
  trailers: Readonly<Record<string, string>> | undefined;
  readonly #stream: OpenStream;
  readonly #isJson: boolean;
  readonly #protocol: Protocol;
  readonly #limits: Limits;
  #isFirst = true;
  #isDone = false;

  constructor(stream: OpenStream, isJson: boolean, protocol: Protocol, limits: Limits) {
    this.hasTrailers = protocol.needsTrailers;
    this.#stream = stream;
    this.#isJson = isJson;
    this.#protocol = protocol;
    this.#limits = limits;
  }

  /** The client has left; nobody hears how the stream ends. */
  leave(): void {
    this.#isDone = true;
    this.#stream.leave();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.leave();
        return { value: undefined, done: true };
      },
    };
  }

  /** The first chunk comes at once, even if it is empty: a transport sends the headers with it. */
  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.#isDone) {
      try {
        const bytes = this.#stream.view.encode(await this.#stream.next(), this.#isJson);
        if (bytes.byteLength === 0 && !this.#isFirst) continue;
        this.#isFirst = false;
        return { value: bytes, done: false };
      } catch (reason) {
        if (this.#isDone) break;
        this.#isDone = true;
        this.#stream.end(reason);
        const { bytes, trailers } = this.#protocol.end!(shownError(reason, this.#limits.errorTextBytes));
        this.trailers = trailers;
        if (bytes.byteLength > 0) return { value: bytes, done: false };
      }
    }
    return { value: undefined, done: true };
  }
}
