import { once } from "node:events";
import type { Socket } from "node:net";
import type { Sender } from "./sender.ts";
import { openSocket } from "./socket.ts";

/** A kept-alive connection that carries one call at a time. */
export abstract class SocketSender implements Sender {
  readonly #socket: Socket;
  #answered: PromiseWithResolvers<void> | undefined;

  constructor(url: string) {
    this.#socket = openSocket(url, {
      receive: (bytes) => this.receive(bytes),
      ended: (reason) => this.answer(reason),
    });
  }

  /** Resolves when it can send. */
  async open(): Promise<this> {
    await once(this.#socket, "connect");
    return this;
  }

  abstract send(due: number): Promise<void>;

  close(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  protected abstract receive(bytes: Buffer): void;

  protected write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Writes, and waits for {@link answer}. */
  protected call(bytes: Buffer): Promise<void> {
    this.#answered = Promise.withResolvers();
    this.write(bytes);
    return this.#answered.promise;
  }

  /** Ends the call under way, if there is one. */
  protected answer(failure?: string): void {
    const answered = this.#answered;
    this.#answered = undefined;
    if (failure === undefined) answered?.resolve();
    else answered?.reject(new Error(failure));
  }
}
