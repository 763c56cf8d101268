import { toBinary } from "@bufbuild/protobuf";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { Listener, Publisher, Subscriber } from "../chat/broadcaster.ts";
import { after, furthest, isBefore } from "../chat/position.ts";
import type { PresenceBoard, Visit } from "../chat/presence.ts";
import type { Position } from "../chat/store.ts";
import { DecodedNews } from "./decoded-news.ts";
import { dial } from "./dial.ts";
import { visitText } from "./room-presence.ts";

const PING = "ping";
const PONG = "pong";

/** How an object answers pings, by the platform while it sleeps: with how far its room has got, as far as it knows. */
function pong({ seq, memberSeq }: Position): WebSocketRequestResponsePair {
  return new WebSocketRequestResponsePair(PING, `${PONG} ${seq} ${memberSeq}`);
}

/** How often a Worker asks whether its sockets still reach their objects, in milliseconds. */
const PING_MS = 10_000;
/** Pauses between attempts to open a socket again: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** For all sockets of this isolate, whatever stream they belong to. */
const decodedNews = new DecodedNews();

/** The object's end: hands news to every Worker with readers of the room. */
export class SocketPublisher implements Publisher {
  readonly #ctx: Pick<DurableObjectState, "getWebSockets" | "setWebSocketAutoResponse">;
  #head: Position = { seq: 0n, memberSeq: 0n };

  constructor(ctx: Pick<DurableObjectState, "getWebSockets" | "setWebSocketAutoResponse">) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(pong(this.#head));
  }

  /** How far the room has got, as far as is known. */
  get head(): Position {
    return this.#head;
  }

  publish(news: News): void {
    const head = furthest(after(this.#head, news), { ...this.#head, memberSeq: news.memberSeq });
    if (isBefore(this.#head, head)) this.#ctx.setWebSocketAutoResponse(pong(head));
    this.#head = head;
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

/** The Worker's end: a socket for each room, opened again whenever it breaks. */
export class SocketSubscriber implements Subscriber, PresenceBoard {
  readonly #rooms: Cloudflare.Env["ROOMS"];
  readonly #links = new Set<RoomLink>();
  #pings: ReturnType<typeof setInterval> | undefined;

  constructor(rooms: Cloudflare.Env["ROOMS"]) {
    this.#rooms = rooms;
  }

  async subscribe(roomId: bigint, listener: Listener): Promise<AsyncDisposable> {
    const link = new RoomLink(this.#rooms, roomId, listener);
    this.#links.add(link);
    this.#pings ??= setInterval(() => this.#links.forEach((link) => link.ping()), PING_MS);
    await link.dial();
    return {
      [Symbol.asyncDispose]: async () => {
        link.close();
        this.#links.delete(link);
        if (this.#links.size > 0) return;
        clearInterval(this.#pings);
        this.#pings = undefined;
      },
    };
  }

  /** For who follows the room: the visit is told by the same socket, and ends with it. */
  enter(visit: Visit): Disposable {
    for (const link of this.#links) if (link.roomId === visit.roomId) link.enter(visit);
    return ENDS_WITH_THE_SOCKET;
  }
}

const ENDS_WITH_THE_SOCKET: Disposable = { [Symbol.dispose]() {} };

/** A socket to one room's object that is replaced when it breaks or falls silent, until it is closed. */
class RoomLink {
  readonly #rooms: Cloudflare.Env["ROOMS"];
  readonly roomId: bigint;
  readonly #listener: Listener;
  #socket: WebSocket | undefined;
  #visit: Visit | undefined;
  #isAnswered = true;
  #pause = FIRST_PAUSE_MS;
  #redial: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(rooms: Cloudflare.Env["ROOMS"], roomId: bigint, listener: Listener) {
    this.#rooms = rooms;
    this.roomId = roomId;
    this.#listener = listener;
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
    if (this.#visit) this.#tell(this.#visit);
  }

  /** Tells who the reader is, now and whenever the socket is opened again. */
  enter(visit: Visit): void {
    this.#visit = visit;
    this.#tell(visit);
  }

  ping(): void {
    const socket = this.#socket;
    if (!socket) return;
    if (!this.#isAnswered) return this.#lose(socket);
    this.#isAnswered = false;
    this.#send(PING);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#redial);
    this.#socket?.close();
  }

  #tell(visit: Visit): void {
    this.#send(visitText(visit));
  }

  #send(text: string): void {
    const socket = this.#socket;
    if (!socket) return;
    try {
      socket.send(text);
    } catch {
      this.#lose(socket);
    }
  }

  async #open(): Promise<WebSocket> {
    // A stub that failed may be broken for good, so each attempt has its own.
    const socket = await dial(this.#rooms.getByName(`${this.roomId}`));
    if (socket instanceof Response) throw new Error("the room object opened no socket");
    return socket;
  }

  #receive(data: unknown): void {
    if (typeof data === "string") {
      this.#isAnswered = true;
      this.#pause = FIRST_PAUSE_MS;
      const [, seq = 0, memberSeq = 0] = data.split(" ");
      this.#listener.hearHead({ seq: BigInt(seq), memberSeq: BigInt(memberSeq) });
    } else if (data instanceof ArrayBuffer) {
      this.#listener.hear(decodedNews.of(this.roomId, new Uint8Array(data)));
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
        this.#listener.miss();
      },
      this.#pause * (0.5 + Math.random() / 2),
    );
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }
}
