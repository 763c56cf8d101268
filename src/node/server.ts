import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from "node:http";
import {
  constants,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What HTTP/2 clients send first; no HTTP/1.1 request can begin like that. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Timeouts, in milliseconds. None of them touches a response that is under way, however long it is silent. */
const TIMEOUTS = {
  /** For a client to say anything, and to finish the headers of a request. */
  firstBytes: 10_000,
  /** For the whole of a request. */
  request: 30_000,
  /** For an HTTP/2 connection without a call. */
  idleSession: 5 * 60_000,
  /** For a client to learn that the server shuts down, and then to hang up after its last call. */
  hangUp: 1_000,
};

/** Requests of an HTTP/1.1 connection that may wait for each other's answers; most clients wait for each answer. */
const PIPELINED_REQUESTS = 16;

/** When the operating system starts to probe a silent connection, which is how vanished machines are noticed. */
const KEEPALIVE_PROBE_MS = 30_000;

/** In a GOAWAY: no new streams, please, but those on their way are served. */
const MAX_STREAM_ID = 2 ** 31 - 1;

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * One TCP port for HTTP/1.1 and for cleartext HTTP/2 with prior knowledge, told apart by the first bytes.
 */
export class Server {
  readonly #http1;
  readonly #http2;
  readonly #serveHttp1: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  /** Sockets that have not said yet which protocol they speak. */
  readonly #silent = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #unanswered = new WeakMap<Socket, number>();
  readonly #timeouts: typeof TIMEOUTS;
  #closing = false;

  constructor(listener: (request: NodeRequest, response: NodeResponse) => void, timeouts = TIMEOUTS) {
    this.#timeouts = timeouts;
    this.#http1 = createHttp1Server(
      {
        headersTimeout: timeouts.firstBytes,
        requestTimeout: timeouts.request,
        connectionsCheckingInterval: timeouts.firstBytes / 2,
        keepAlive: true,
        keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
      },
      (request, response) => {
        if (this.#closing) response.setHeader("connection", "close");
        if (this.#queue(request.socket, response)) listener(request, response);
      },
    );
    this.#http2 = createHttp2Server({ settings: { maxConcurrentStreams: 250 } }, (request, response) => {
      const tooSlow = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), timeouts.request);
      request.once("end", () => clearTimeout(tooSlow)).once("close", () => clearTimeout(tooSlow));
      // Without this, the part that arrived of a request that is reset would pass for the whole.
      const reset = () => request.readableEnded || request.destroy(new Error("the client has reset the request"));
      request.once("aborted", reset).on("error", () => {});
      listener(request, response);
    });
    this.#http2.on("session", (session) => this.#keepSession(session));

    // The HTTP/1.1 server owns the port; its connections are looked at before they become HTTP/1.1.
    this.#serveHttp1 = this.#http1.listeners("connection")[0] as (socket: Socket) => void;
    this.#http1.removeAllListeners("connection").on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      this.#silent.add(socket);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.#silent.delete(socket);
      });
      this.#sniff(socket);
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
    this.#closing = true;
    // Unlike http's own close(), this one leaves idle connections alone.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#http1, () => resolve()));
    for (const session of this.#sessions) session.goaway(constants.NGHTTP2_NO_ERROR, MAX_STREAM_ID);
    const grace = setTimeout(() => this.#sockets.forEach((socket) => socket.destroy()), graceMs);
    await Promise.race([closed, sleep(this.#timeouts.hangUp, undefined, { ref: false })]);

    for (const socket of this.#silent) socket.destroy();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#sockets) {
      socket.once("finish", () => setTimeout(() => socket.destroy(), this.#timeouts.hangUp).unref());
    }
    // An HTTP/1.1 connection becomes idle only when its last response is done.
    const idle = setInterval(() => this.#http1.closeIdleConnections(), 50);
    await closed;
    clearInterval(idle);
    clearTimeout(grace);
  }

  #sniff(socket: Socket): void {
    let head = Buffer.alloc(0);
    const drop = () => socket.destroy();
    const read = () => {
      for (let chunk: Buffer | null; (chunk = socket.read()); ) head = Buffer.concat([head, chunk]);
      if (head.length === 0) return;
      const known = Math.min(head.length, HTTP2_PREFACE.length);
      const isHttp2 = head.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known));
      if (isHttp2 && known < HTTP2_PREFACE.length) return;
      socket.off("readable", read).off("error", drop).off("timeout", drop).setTimeout(0);
      this.#silent.delete(socket);
      socket.unshift(head);
      if (isHttp2) {
        socket.allowHalfOpen = false; // else a client that only closed its connection, as a killed one does, stays
        socket.setMaxListeners(0); // its streams may all wait for it to drain
        this.#http2.emit("connection", socket);
      } else {
        this.#serveHttp1.call(this.#http1, socket);
        socket.resume();
      }
    };
    socket.on("readable", read).on("error", drop).setTimeout(this.#timeouts.firstBytes, drop);
  }

  /** Hangs up on who sends request after request without taking the answers, which would all be kept for it. */
  #queue(socket: Socket, response: ServerResponse): boolean {
    const unanswered = () => this.#unanswered.get(socket) ?? 0;
    if (unanswered() === PIPELINED_REQUESTS) {
      socket.destroy();
      return false;
    }
    this.#unanswered.set(socket, unanswered() + 1);
    response.once("close", () => this.#unanswered.set(socket, unanswered() - 1));
    return true;
  }

  #keepSession(session: ServerHttp2Session): void {
    let calls = 0;
    this.#sessions.add(session);
    if (this.#closing) session.close();
    session.on("stream", (stream) => {
      calls++;
      stream.once("close", () => calls--);
    });
    session.setTimeout(this.#timeouts.idleSession, () => calls === 0 && session.close());
    session.once("close", () => this.#sessions.delete(session));
    session.on("error", () => session.destroy());
  }
}
