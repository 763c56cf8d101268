import type { InStatement } from "@libsql/client";
import * as hrana from "@libsql/hrana-client";
import { isBusy, isRefusal } from "../codes.ts";
import { codeOf, readServerTime, type Written, writeBatch } from "./batch.ts";
import { byDeadline, OverloadError } from "./patience.ts";
import { ServerClock } from "./server-clock.ts";

/**
 * The subprotocols that this client speaks, and libSQL servers of the last years; without hrana3-protobuf, in which the
 * client loses a U+FEFF at the beginning of a text.
 */
const PROTOCOLS = ["hrana3", "hrana2"];

/**
 * One connection of the server's to its database, over a WebSocket of ours: a server that opens its database anew for
 * every write carries out a third as many.
 */
export class WriteStream {
  readonly opened = performance.now();
  readonly #socket: hrana.WebSocket;
  readonly #client: hrana.WsClient;
  readonly #stream: hrana.WsStream;
  readonly #clock = new ServerClock();

  private constructor(socket: hrana.WebSocket, authToken: string | undefined) {
    this.#socket = socket;
    this.#client = new hrana.WsClient(socket, authToken);
    this.#client.intMode = "bigint";
    this.#stream = this.#client.openStream();
  }

  static async open(url: string, authToken: string | undefined, deadline: number): Promise<WriteStream> {
    const socket = new hrana.WebSocket(url, PROTOCOLS);
    const opened = new WriteStream(socket, authToken);
    try {
      await byDeadline(deadline, opened.#client.getVersion()).catch((e: unknown) => {
        throw whyNotOpened(url, e);
      });
      opened.#clock.learn(await byDeadline(deadline, readServerTime(opened.#stream)));
      return opened;
    } catch (e) {
      opened.close();
      throw e;
    }
  }

  get isOpen(): boolean {
    return !this.#client.closed && !this.#stream.closed;
  }

  /** One write at a time. If what it rejects with leaves a doubt, the stream is closed. */
  async write(statements: readonly InStatement[], deadline: number): Promise<Written["rows"]> {
    try {
      const batch = writeBatch(this.#stream, statements, this.#clock.at(deadline));
      const { rows, serverTime } = await byDeadline(deadline, batch);
      this.#clock.learn(serverTime);
      return rows;
    } catch (e) {
      const code = codeOf(e);
      if (!isRefusal(code) && !isBusy(code)) this.close();
      throw e;
    }
  }

  close(): void {
    this.#client.close();
    // A server that hangs doesn't take part in closing.
    if ("terminate" in this.#socket) this.#socket.terminate();
  }
}

/** Said in its own words: the cause alone doesn't tell what it was about. */
function whyNotOpened(url: string, e: unknown): Error {
  const message = e instanceof Error ? e.message : `${e}`;
  if (/\b429\b/.test(message)) return new OverloadError("the server answers 429 (too many requests)");
  return new Error(`writes go over a WebSocket, which can't be opened at ${url}: ${message}`);
}
