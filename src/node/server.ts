import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";

/** What HTTP/2 clients send first; no HTTP/1.1 request can begin like that. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** How long a client may take to say anything, and to send the whole of a request, in milliseconds. */
const FIRST_BYTES_MS = 10_000;
const REQUEST_MS = 30_000;
/** An HTTP/2 connection without a call is closed after this time. */
const IDLE_SESSION_MS = 5 * 60_000;
/** When the operating system starts to probe a silent connection, which is how vanished machines are noticed. */
const KEEPALIVE_PROBE_MS = 30_000;
/** At a shutdown, how long a client may take to hang up after its last call is done. */
const HANG_UP_MS = 1_000;

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * One TCP port for HTTP/1.1 and for cleartext HTTP/2 with prior knowledge, told apart by the first bytes. None of the
 * timeouts touches a response that is under way, however long it is silent.
 */
export class Server {
  readonly #http1;
  readonly #http2;
  readonly #serveHttp1: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  /** Sockets that have not said yet which protocol they speak. */
  readonly #silent = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(listener: (request: NodeRequest, response: NodeResponse) => void) {
    this.#http1 = createHttp1Server(
      {
        headersTimeout: FIRST_BYTES_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: FIRST_BYTES_MS / 2,
        keepAlive: true,
        keepAliveInitialDelay: KEEPALIVE_PROBE_MS,
      },
      listener,
    );
    this.#http2 = createHttp2Server({ settings: { maxConcurrentStreams: 250 } }, (request, response) => {
      request.stream.setTimeout(REQUEST_MS, () => request.stream.close());
      request.once("end", () => request.stream.setTimeout(0));
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

  /** Accepts no more connections, and resolves when the calls under way are done; after `graceMs` they are cut off. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http1.close(() => resolve()));
    for (const socket of this.#silent) socket.destroy();
    for (const socket of this.#sockets) {
      socket.once("finish", () => setTimeout(() => socket.destroy(), HANG_UP_MS).unref());
    }
    for (const session of this.#sessions) session.close();
    // A kept-alive connection becomes idle only when its last response is done.
    const idle = setInterval(() => this.#http1.closeIdleConnections(), 50);
    const grace = setTimeout(() => this.#sockets.forEach((socket) => socket.destroy()), graceMs);
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
        this.#http2.emit("connection", socket);
      } else {
        this.#serveHttp1.call(this.#http1, socket);
        socket.resume();
      }
    };
    socket.on("readable", read).on("error", drop).setTimeout(FIRST_BYTES_MS, drop);
  }

  #keepSession(session: ServerHttp2Session): void {
    let calls = 0;
    this.#sessions.add(session);
    session.on("stream", (stream) => {
      calls++;
      stream.once("close", () => calls--);
    });
    session.setTimeout(IDLE_SESSION_MS, () => calls === 0 && session.close());
    session.once("close", () => this.#sessions.delete(session));
    session.on("error", () => session.destroy());
  }
}
