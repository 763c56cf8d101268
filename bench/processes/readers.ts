import { connect, type Socket } from "node:net";
import { nowMicros, readStamp } from "../bytes.ts";
import { serveParent } from "../child.ts";
import { sleep } from "../harness.ts";
import { type CallOptions, streamCall } from "../wire.ts";

interface Connect extends CallOptions {
  readonly url: string;
  readonly count: number;
  /** Rooms follow one another: reader i follows rooms[i % rooms.length] alone. */
  readonly spread?: boolean;
  /** Calls that may wait for their headers at a time. */
  readonly opening?: number;
  /** Whether messages carry the moment they were to be sent. */
  readonly stamped?: boolean;
}

const sockets = new Set<Socket>();
// Bytes are used up before the next read, so all sockets share it.
const buffer = Buffer.alloc(256 * 1024);
let received = 0;
let delays: number[] = [];
let failure: string | undefined;

function open(options: Connect): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      if (!sockets.has(socket)) return;
      failure ??= reason;
      reject(new Error(reason));
    };
    const call = streamCall(options, {
      opened: resolve,
      message(payload) {
        received++;
        if (options.stamped) delays.push(nowMicros() - readStamp(payload));
      },
      ended: fail,
    });
    const { hostname, port } = new URL(options.url);
    const socket: Socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback(length, bytes) {
          call.receive(bytes.subarray(0, length) as Buffer, (reply) => socket.write(reply));
          return true;
        },
      },
    });
    sockets.add(socket);
    socket.on("connect", () => socket.write(call.request));
    socket.on("error", (e) => fail(e.message));
    socket.on("close", () => fail("the connection was closed"));
  });
}

const methods = {
  /** Opens the streams and resolves, with the milliseconds it took, when all have their headers. */
  async connect(options: Connect) {
    const start = performance.now();
    let next = 0;
    const worker = async () => {
      while (next < options.count) {
        const i = next++;
        await open(options.spread ? { ...options, rooms: [options.rooms[i % options.rooms.length]!] } : options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(options.opening ?? 100, options.count) }, worker));
    return performance.now() - start;
  },

  received: () => received,

  /** Waits until so many messages were received in all, and answers with how many it were. */
  async until(count: number) {
    const deadline = performance.now() + 30_000;
    while (received < count && !failure && performance.now() < deadline) await sleep(5);
    if (received < count) throw new Error(`${received} of ${count} messages received; ${failure ?? "no failure"}`);
    return received;
  },

  /** Microseconds from the moment a message was to be sent until it was received, since the last call. */
  takeDelays() {
    const taken = Float64Array.from(delays);
    delays = [];
    return taken;
  },

  disconnect() {
    const all = [...sockets];
    sockets.clear();
    for (const socket of all) socket.destroy();
    failure = undefined;
  },
};
export type Readers = typeof methods;

serveParent(methods);
