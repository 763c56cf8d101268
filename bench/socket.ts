import { connect, type Socket } from "node:net";

// Bytes are used up before the next read, so all sockets of a process share it.
const buffer = Buffer.alloc(256 * 1024);

export interface SocketEvents {
  receive(bytes: Buffer): void;
  /** Comes more than once. */
  ended(reason: string): void;
}

export function openSocket(url: string, events: SocketEvents): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer,
      callback(length, bytes) {
        events.receive(bytes.subarray(0, length) as Buffer);
        return true;
      },
    },
  });
  socket.on("error", (e) => events.ended(e.message));
  return socket.on("close", () => events.ended("the connection was closed"));
}
