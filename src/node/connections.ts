import type { Socket } from "node:net";
import type { Limits } from "../chat/limits.ts";

/** The connections that are open, of which there may be so many, also from one address. */
export class Connections {
  readonly #limits: Limits;
  readonly #open = new Set<Socket>();
  readonly #ofAddress = new Map<string, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether there is room for it; if not, it is told so and closed. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    const count = this.#ofAddress.get(address) ?? 0;
    const { connections, addressConnections } = this.#limits;
    if (this.#open.size >= connections || count >= addressConnections) {
      hangUp(socket, FULL);
      return false;
    }
    this.#open.add(socket);
    this.#ofAddress.set(address, count + 1);
    socket.once("close", () => {
      this.#open.delete(socket);
      const left = this.#ofAddress.get(address)! - 1;
      if (left > 0) this.#ofAddress.set(address, left);
      else this.#ofAddress.delete(address);
    });
    return true;
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.#open.values();
  }
}

/** For a client to read why it is hung up on. */
const LAST_WORDS_MS = 1_000;

/** Says why, and closes the connection, whatever its client does. */
export function hangUp(socket: Socket, lastWords: string): void {
  socket
    .on("error", () => {})
    .resume()
    .end(lastWords);
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}

const WHY = "too many connections are open; try again in a while, or use fewer: HTTP/2 carries many calls on one\n";
const FULL = `HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: ${WHY.length}\r
retry-after: 5\r\nconnection: close\r\n\r\n${WHY}`;
