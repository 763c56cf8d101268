import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Publisher, Subscriber } from "../chat/broadcaster.ts";
import type { Inbox } from "../chat/inbox.ts";

/** Answered by the platform while the object sleeps. */
export const PING = "ping";
export const PONG = "pong";

/** How often a Worker asks whether its sockets still reach their objects, in milliseconds. */
const PING_MS = 20_000;
/** How long a socket may take to open. */
const DIAL_MS = 5_000;
/** Pauses between attempts to open a socket again: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** The object's end: hands news to every Worker with readers of the room. */
export class SocketPublisher implements Publisher {
  readonly #ctx: Pick<DurableObjectState, "getWebSockets">;

  constructor(ctx: Pick<DurableObjectState, "getWebSockets">) {
    this.#ctx = ctx;
  }

  publish(news: News): void {
    const frame = toBinary(NewsSchema, news);
    for (const socket of this.#ctx.getWebSockets()) {
      try {
        socket.send(frame);
      } catch {
        // This socket is closing; its Worker will dial again and read the log.
      }
    }
  }
}

/** The Worker's end: a socket for each room of a stream, opened again whenever it breaks. */
export class SocketSubscriber implements Subscriber {
  readonly #rooms: Cloudflare.Env["ROOMS"];

  constructor(rooms: Cloudflare.Env["ROOMS"]) {
    this.#rooms = rooms;
  }

  async subscribe(roomIds: Iterable<bigint>, inbox: Inbox): Promise<AsyncDisposable> {
    const links = [...roomIds].map((roomId) => new RoomLink(this.#rooms, roomId, inbox));
    const pings = setInterval(() => {
      for (const link of links) link.ping();
    }, PING_MS);
    await Promise.all(links.map((link) => link.dial()));
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(pings);
        for (const link of links) link.close();
      },
    };
  }
}

/** A socket to one room's object that is replaced when it breaks or falls silent, until it is closed. */
class RoomLink {
  readonly #rooms: Cloudflare.Env["ROOMS"];
  readonly #roomId: bigint;
  readonly #inbox: Inbox;
  #socket: WebSocket | undefined;
  #isAnswered = true;
  #pause = FIRST_PAUSE_MS;
  #redial: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(rooms: Cloudflare.Env["ROOMS"], roomId: bigint, inbox: Inbox) {
    this.#rooms = rooms;
    this.#roomId = roomId;
    this.#inbox = inbox;
  }

  /** Resolves when the first attempt has ended, either way: an object out of reach costs time, not messages. */
  async dial(): Promise<void> {
    const socket = await this.#open().catch(() => undefined);
    if (!socket || this.#isClosed) {
      socket?.close();
      this.#retry();
      return;
    }
    this.#socket = socket;
    this.#isAnswered = true;
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", () => this.#lose(socket));
    socket.addEventListener("error", () => this.#lose(socket));
  }

  ping(): void {
    const socket = this.#socket;
    if (!socket) return;
    try {
      if (!this.#isAnswered) throw new Error("the last ping was not answered");
      this.#isAnswered = false;
      socket.send(PING);
    } catch {
      this.#lose(socket);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#redial);
    this.#socket?.close();
  }

  async #open(): Promise<WebSocket> {
    // A stub that failed may be broken for good, so each attempt has its own.
    const object = this.#rooms.getByName(`${this.#roomId}`);
    // Not AbortSignal.timeout(), which would also close a socket that is open by then.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), DIAL_MS);
    const init = { headers: { upgrade: "websocket" }, signal: abort.signal };
    const { webSocket } = await object.fetch("https://room/", init).finally(() => clearTimeout(timer));
    if (!webSocket) throw new Error("the room object opened no socket");
    webSocket.binaryType = "arraybuffer";
    webSocket.accept();
    return webSocket;
  }

  #receive(data: unknown): void {
    if (data === PONG) {
      this.#isAnswered = true;
      this.#pause = FIRST_PAUSE_MS;
    } else if (data instanceof ArrayBuffer) {
      this.#inbox.push(fromBinary(NewsSchema, new Uint8Array(data)));
    }
  }

  #lose(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    try {
      socket.close();
    } catch {
      // It is closed already.
    }
    this.#retry();
  }

  #retry(): void {
    if (this.#isClosed) return;
    this.#redial = setTimeout(
      async () => {
        await this.dial();
        this.#inbox.miss();
      },
      this.#pause * (0.5 + Math.random() / 2),
    );
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }
}
