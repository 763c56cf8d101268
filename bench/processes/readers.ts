import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { nowMicros, type Peer, type Protocol, readSeq, readStamp } from "../bytes.ts";
import { serveParent } from "../child.ts";
import { sleep } from "../harness.ts";
import { sharedCall, sharedConnection } from "../shared-streams.ts";
import { openSocket } from "../socket.ts";
import { websocketCall } from "../websocket.ts";
import { type CallOptions, type StreamEvents, streamCall } from "../wire.ts";

export interface Connect extends Omit<CallOptions, "protocol"> {
  readonly protocol: Protocol | Peer;
  readonly url: string;
  readonly count: number;
  /** Rooms follow one another: reader i follows rooms[i % rooms.length] alone. */
  readonly spread?: boolean;
  /** Streams that share an HTTP/2 connection; else each has a connection of its own. */
  readonly streamsOfAConnection?: number;
  /** Calls that may wait for their headers at a time. */
  readonly opening?: number;
  /** Whether a message in JSON that does not follow the one before it is a failure. */
  readonly ordered?: boolean;
  /** Whether messages carry the moment they were to be sent. */
  readonly stamped?: boolean;
}

const connections = new Set<Socket | ClientHttp2Session>();
/** Messages of each stream that is open, in the order of opening. */
let counts: number[] = [];
let received = 0;
let delays: number[] = [];
let failure: string | undefined;

/** Resolves when the stream has its headers; `connection` is the one it shares, if it does. */
function open(options: Connect, connection?: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = counts.push(0) - 1;
    let last = NaN;
    const events: StreamEvents = {
      opened: resolve,
      message(payload) {
        received++;
        counts[stream]!++;
        if (options.ordered) {
          const seq = readSeq(payload);
          if (seq !== last + 1 && !Number.isNaN(last)) events.ended(`message ${seq} came after ${last}`);
          last = seq;
        }
        if (options.stamped) delays.push(nowMicros() - readStamp(payload));
      },
      ended(reason) {
        if (!connections.has(connection ?? socket)) return;
        failure ??= reason;
        reject(new Error(reason));
      },
    };
    if (connection) return sharedCall(connection, options, events);
    const socket: Socket = openStream(options, events);
    connections.add(socket);
  });
}

function openStream(options: Connect, events: StreamEvents): Socket {
  const { protocol, rooms } = options;
  const call =
    protocol === "ws" || protocol === "socket-io"
      ? websocketCall(protocol, events, rooms[0])
      : streamCall({ ...options, protocol }, events);
  const socket = openSocket(options.url, {
    receive: (bytes) => call.receive(bytes, (reply) => socket.write(reply)),
    ended: events.ended,
  });
  socket.on("connect", () => socket.write(call.request));
  return socket;
}

/** Gives out a connection so many times, and then the next one. */
function shareConnections({ url, streamsOfAConnection }: Connect): () => ClientHttp2Session | undefined {
  let given = 0;
  let connection: ClientHttp2Session | undefined;
  return () => {
    if (streamsOfAConnection !== undefined && given++ % streamsOfAConnection === 0) {
      connection = sharedConnection(url, (reason) => (failure ??= reason));
      connections.add(connection);
    }
    return connection;
  };
}

const methods = {
  /** Opens the streams and resolves, with the milliseconds it took, when all have their headers. */
  async connect(options: Connect) {
    const start = performance.now();
    const nextConnection = shareConnections(options);
    let next = 0;
    const worker = async () => {
      while (next < options.count) {
        const i = next++;
        const rooms = options.spread ? [options.rooms[i % options.rooms.length]!] : options.rooms;
        await open({ ...options, rooms }, nextConnection());
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
    if (failure || received < count)
      throw new Error(`${received} of ${count} messages received; ${failure ?? "no failure"}`);
    return received;
  },

  /** Of all open streams, what the one with the fewest messages has, and the one with the most. */
  fewestAndMost(): readonly [number, number] {
    return [counts.reduce((a, b) => Math.min(a, b)), counts.reduce((a, b) => Math.max(a, b))];
  },

  /** Microseconds from the moment a message was to be sent until it was received, since the last call. */
  takeDelays() {
    const taken = Float64Array.from(delays);
    delays = [];
    return taken;
  },

  disconnect() {
    const all = [...connections];
    connections.clear();
    counts = [];
    for (const connection of all) connection.destroy();
    failure = undefined;
  },
};
export type Readers = typeof methods;

serveParent(methods);
