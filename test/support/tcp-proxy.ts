import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Stands between a client and a server of the loopback interface, and cuts their connections when a test wants. */
export class TcpProxy implements AsyncDisposable {
  /** Called with what a client says, before it is passed on, and with what it is answered. */
  onRequest: (bytes: Buffer, cut: () => void) => void = () => {};
  onAnswer: (bytes: Buffer, cut: () => void) => void = () => {};
  /** From now on the server hears nothing more of the clients there are, not even that they leave. */
  silence: () => void;
  /** Connections so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    let silenced = 0;
    this.silence = () => (silenced = this.connections);
    this.#server = createServer((client) => {
      const number = ++this.connections;
      const isSilenced = () => number <= silenced;
      const server = connect(Number(target.port), target.hostname);
      const cut = () => {
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket
          .on("error", () => {})
          .on("close", () => {
            if (socket === server || !isSilenced()) cut();
            this.#sockets.delete(socket);
          });
      }
      client.on("data", (bytes) => {
        this.onRequest(bytes, cut);
        if (!server.destroyed && !isSilenced()) server.write(bytes);
      });
      server.on("data", (bytes) => {
        this.onAnswer(bytes, cut);
        if (!client.destroyed) client.write(bytes);
      });
    });
  }

  /** To the server of an http: URL. */
  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
