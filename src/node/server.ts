import type { Server as Http1Server, IncomingMessage } from "node:http";
import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "../chat/limits.ts";
import { Connections, hangUp } from "./connections.ts";
import { sniff } from "./sniff.ts";

/** For a client to learn that the server shuts down, and then to hang up after its last call; in milliseconds. */
const HANG_UP_MS = 1_000;

/** In a GOAWAY: no new streams, please, but those on their way are served. */
const MAX_STREAM_ID = 2 ** 31 - 1;

/** One TCP port for HTTP/1.1 and, if there is a server for it, for cleartext HTTP/2 with prior knowledge. */
export class Server {
  readonly #http1: Http1Server;
  readonly #http2: Http2Server | undefined;
  readonly #connections: Connections;
  /** Sockets that have not said yet which protocol they speak. */
  readonly #silent = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #isClosing = false;

  constructor(http1: Http1Server, http2: Http2Server | undefined, limits: Limits) {
    this.#http1 = http1;
    this.#http2 = http2;
    this.#connections = new Connections(limits);
    http1.prependListener("request", (_: IncomingMessage, response) => {
      if (this.#isClosing) response.setHeader("connection", "close");
    });
    http2?.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      if (this.#isClosing) session.close();
    });

    // The HTTP/1.1 server owns the port; its connections are looked at before they become HTTP/1.1.
    const serveHttp1 = http1.listeners("connection")[0] as (socket: Socket) => void;
    http1.removeAllListeners("connection").on("connection", (socket: Socket) => {
      if (!this.#connections.admit(socket)) return;
      this.#silent.add(socket);
      socket.once("close", () => this.#silent.delete(socket));
      sniff(socket, limits.headersMs, (isHttp2) => {
        this.#silent.delete(socket);
        if (isHttp2) this.#serveHttp2(socket);
        else {
          serveHttp1.call(http1, socket);
          socket.resume();
        }
      });
    });
  }

  /** Resolves with the port, once connections are accepted. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#http1.once("error", reject);
      this.#http1.listen(port, host, () => resolve());
    });
    return (this.#http1.address() as AddressInfo).port;
  }

  /**
   * Accepts no more connections, and resolves when the calls under way are done; after `graceMs` they are cut off.
   * Clients learn of it with their next answer, or with GOAWAY. Hanging up on them comes a moment later, since a request
   * may be on its way.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    // Unlike http's own close(), this one leaves idle connections alone.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#http1, () => resolve()));
    for (const session of this.#sessions) session.goaway(constants.NGHTTP2_NO_ERROR, MAX_STREAM_ID);
    const grace = setTimeout(() => [...this.#connections].forEach((socket) => socket.destroy()), graceMs);
    await Promise.race([closed, sleep(HANG_UP_MS, undefined, { ref: false })]);

    for (const socket of this.#silent) socket.destroy();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#connections) {
      socket.once("finish", () => setTimeout(() => socket.destroy(), HANG_UP_MS).unref());
    }
    // An HTTP/1.1 connection becomes idle only when its last response is done.
    const idle = setInterval(() => this.#http1.closeIdleConnections(), 50);
    await closed;
    clearInterval(idle);
    clearTimeout(grace);
  }

  #serveHttp2(socket: Socket): void {
    if (!this.#http2) {
      return hangUp(socket, "HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\n\r\nuse HTTP/1.1 here\n");
    }
    socket.allowHalfOpen = false; // else a client that only closed its connection, as a killed one does, stays
    socket.setMaxListeners(0); // its streams may all wait for it to drain
    this.#http2.emit("connection", socket);
  }
}
