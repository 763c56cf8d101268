import type { Message } from "@bufbuild/protobuf";
import type { Limits } from "../chat/limits.ts";
import { shownError } from "./errors.ts";
import type { OpenStream } from "./open-stream.ts";
import type { Protocol } from "./protocol.ts";

/** Where the bytes of a stream's response go. */
export interface Sink {
  /** Hands bytes over; the first are perhaps none, and the response begins all the same. False: wait for drained(). */
  write(bytes: Uint8Array): boolean;
  /** Resolves when the client has taken what waits for it, or has gone. */
  drained(): Promise<void>;
}

/** The body of a stream's response: what the stream has to tell, encoded, until it ends; then the protocol's end. */
export class StreamBody {
  /** Whether HTTP's trailers follow it. */
  readonly hasTrailers: boolean;
  /** What they say; known at its end. */
  trailers: Readonly<Record<string, string>> | undefined;
  readonly #stream: OpenStream;
  readonly #isJson: boolean;
  readonly #protocol: Protocol;
  readonly #limits: Limits;
  #hasLeft = false;

  constructor(stream: OpenStream, isJson: boolean, protocol: Protocol, limits: Limits) {
    this.hasTrailers = protocol.needsTrailers;
    this.#stream = stream;
    this.#isJson = isJson;
    this.#protocol = protocol;
    this.#limits = limits;
  }

  /** The client has left; nobody hears how the stream ends. */
  leave(): void {
    this.#hasLeft = true;
    this.#stream.leave();
  }

  /** Writes the body; resolves at its end. */
  async pipe(sink: Sink): Promise<void> {
    const { view } = this.#stream;
    let isFull = false;
    const push = (item: Message) => {
      const bytes = view.encode([item], this.#isJson);
      if (bytes.byteLength > 0) isFull = !sink.write(bytes);
      return !isFull;
    };
    try {
      isFull = !sink.write(view.encode(await this.#stream.next(), this.#isJson));
      for (;;) {
        if (isFull) await sink.drained();
        isFull = false;
        const bytes = view.encode(await this.#stream.next(push), this.#isJson);
        if (bytes.byteLength > 0) isFull = !sink.write(bytes);
      }
    } catch (reason) {
      this.#stream.end(reason);
      if (this.#hasLeft) return;
      const { bytes, trailers } = this.#protocol.end!(shownError(reason, this.#limits.errorTextBytes));
      this.trailers = trailers;
      if (bytes.byteLength > 0) sink.write(bytes);
    }
  }
}
