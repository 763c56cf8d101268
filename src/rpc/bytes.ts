import { Code, ConnectError } from "@connectrpc/connect";
import { limitReached } from "../chat/errors.ts";
import type { Limits } from "../chat/limits.ts";

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Bytes as they arrive, of which there may be so many. They are copied: a chunk of one byte may hold a large buffer. */
export class BoundedBytes {
  byteLength = 0;
  readonly #maxBytes: number;
  #buffer = new Uint8Array();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Refuses right away what is said to be more. */
  expect(byteLength: number): void {
    if (byteLength > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }

  add(chunk: Uint8Array): void {
    const start = this.byteLength;
    this.byteLength += chunk.byteLength;
    this.expect(this.byteLength);
    if (this.byteLength > this.#buffer.byteLength) {
      const larger = new Uint8Array(start === 0 ? chunk.byteLength : 2 * this.byteLength);
      larger.set(this.#buffer.subarray(0, start));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, start);
  }

  whole(): Uint8Array {
    return this.#buffer.subarray(0, this.byteLength);
  }
}

/** The bytes of a request's body as they arrive, which count among those of all requests. */
export class ArrivingBody extends BoundedBytes implements Disposable {
  readonly #all: ArrivingBytes;
  /** Its share of them, with a chunk that was refused. */
  #counted = 0;

  constructor(all: ArrivingBytes, maxBytes: number) {
    super(maxBytes);
    this.#all = all;
  }

  override add(chunk: Uint8Array): void {
    this.#counted += chunk.byteLength;
    this.#all.add(chunk.byteLength);
    super.add(chunk);
  }

  [Symbol.dispose](): void {
    this.#all.remove(this.#counted);
  }
}

/** How many bytes of requests have arrived that are not there as a whole. */
export class ArrivingBytes {
  readonly #limits: Limits;
  #count = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  add(count: number): void {
    this.#count += count;
    if (this.#count <= this.#limits.arrivingBytes) return;
    throw new ConnectError("too many requests arrive at once; try again in a second", Code.Unavailable);
  }

  remove(count: number): void {
    this.#count -= count;
  }
}

export function tooLarge(maxBytes: number): ConnectError {
  return limitReached("requestBytes", `a request has at most ${maxBytes} bytes`);
}
