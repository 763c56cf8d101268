import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** A server on the loopback interface whose WebSockets answer as a test wants; HTTP it answers with 404. */
export class FaultyWebSocketServer implements AsyncDisposable {
  readonly url: string;
  readonly #server;
  readonly #sockets;

  private constructor(server: ReturnType<typeof createServer>, onMessage: (socket: WebSocket, text: string) => void) {
    this.#server = server;
    this.#sockets = new WebSocketServer({ server, handleProtocols: () => "hrana2" });
    this.#sockets.on("connection", (socket) => socket.on("message", (data) => onMessage(socket, `${data}`)));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(onMessage: (socket: WebSocket, text: string) => void): Promise<FaultyWebSocketServer> {
    const server = createServer((_, res) => res.writeHead(404).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultyWebSocketServer(server, onMessage);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
