import type { OutgoingHttpHeaders } from "node:http";
import { findStamp, type Peer, STAMPED_BODY, USER, writeStamp } from "./bytes.ts";

/** How senders speak: Connect over HTTP/1.1, gRPC over cleartext HTTP/2, or as another maker's server wants it. */
export type SendProtocol = "json" | "grpc" | Peer;

export interface Target {
  readonly url: string;
  /** JSON unless it says so. */
  readonly protocol?: SendProtocol;
  readonly rooms: readonly bigint[];
  readonly connections: number;
  /** Senders of a connection, where the protocol lets them share one. */
  readonly sendersOfAConnection?: number;
  /** Whether sends carry a client_message_id, as the contract advises. */
  readonly ids: boolean;
  /** A text with a stamp, if not the usual one. */
  readonly body?: string;
  /** On top of those that the protocol needs. */
  readonly headers?: OutgoingHttpHeaders;
}

/** Whoever sends one message after another. */
export interface Sender {
  /** Resolves when the message is answered well; `due` is the moment that is written into it, in microseconds. */
  send(due: number): Promise<void>;
  close(): void;
}

/** The id of a message, before it gets one of its own. */
const ID = "00000000-0000-4000-8000-000000000000";

/** What a send says, as JSON has it. */
export function sendOf({ ids, body = STAMPED_BODY }: Target, room: bigint) {
  return { roomId: `${room}`, userId: `${USER}`, body, ...(ids && { clientMessageId: ID }) };
}

let lastId = Date.now() * 1_000;

/** The bytes of a send, written once; each message only fills in its moment and its id. */
export class Template {
  readonly #bytes: Buffer;
  readonly #stampAt: number;
  readonly #idAt: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#stampAt = findStamp(bytes);
    this.#idAt = bytes.indexOf(ID);
  }

  /** Valid until the next one is asked for. */
  next(due: number): Buffer {
    writeStamp(this.#bytes, this.#stampAt, due);
    if (this.#idAt !== -1) this.#bytes.write(String(++lastId).slice(-12), this.#idAt + 24, "latin1");
    return this.#bytes;
  }
}
