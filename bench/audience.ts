import type { Child } from "./child.ts";
import type { Readers } from "./processes/readers.ts";

/** Readers of rooms, so many of each, who note when messages reach them. Nothing else may count their messages. */
export class Audience {
  readonly #readers: Child<Readers>;
  readonly #readersOfARoom: number;
  #received = 0;

  private constructor(readers: Child<Readers>, readersOfARoom: number) {
    this.#readers = readers;
    this.#readersOfARoom = readersOfARoom;
  }

  static async connect(
    readers: Child<Readers>,
    { url, rooms, readersOfARoom }: { url: string; rooms: readonly bigint[]; readersOfARoom: number },
  ): Promise<Audience> {
    const count = rooms.length * readersOfARoom;
    await readers.call.connect({ url, protocol: "json", rooms, spread: true, count, stamped: true });
    return new Audience(readers, readersOfARoom);
  }

  /** Microseconds from the moment each message was due until each reader had it, when all have all that was sent. */
  async delaysOf(sent: number): Promise<Float64Array> {
    this.#received += sent * this.#readersOfARoom;
    await this.#readers.call.until(this.#received);
    return this.#readers.call.takeDelays();
  }
}
