/** Splits a stream of bytes into units; `take` says how many bytes from `at` are one whole unit, or 0. */
export class Splitter {
  #rest: Buffer = Buffer.alloc(0);
  readonly #take: (bytes: Buffer, at: number) => number;

  constructor(take: (bytes: Buffer, at: number) => number) {
    this.#take = take;
  }

  push(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (let length = 1; length > 0 && at < all.length; at += length) length = this.#take(all, at);
    // A copy, since the socket's buffer is used again.
    this.#rest = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
  }
}
