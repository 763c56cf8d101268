import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { findStamp, nowMicros, SEND_PATH, STAMPED_BODY, USER, writeStamp } from "../bytes.ts";
import { serveParent } from "../child.ts";
import { sleep } from "../harness.ts";

interface Target {
  readonly url: string;
  readonly rooms: readonly bigint[];
  readonly connections: number;
  /** Whether sends carry a client_message_id, as the contract advises. */
  readonly ids: boolean;
}

const ID = "00000000-0000-4000-8000-000000000000";
const buffer = Buffer.alloc(64 * 1024);
let lastId = Date.now() * 1_000;

/** A kept-alive connection that carries one call at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #stampAt: number;
  readonly #idAt: number;
  #response = "";
  #answered: PromiseWithResolvers<void> | undefined;

  constructor({ url, ids }: Target, room: bigint) {
    const message = { roomId: `${room}`, userId: `${USER}`, body: STAMPED_BODY, ...(ids && { clientMessageId: ID }) };
    const body = JSON.stringify(message);
    this.#request = Buffer.from(
      `POST ${SEND_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    this.#stampAt = findStamp(this.#request);
    this.#idAt = ids ? this.#request.indexOf(ID) : -1;
    const { hostname, port } = new URL(url);
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length, bytes) => {
          this.#receive((bytes as Buffer).toString("latin1", 0, length));
          return true;
        },
      },
    });
    this.#socket.on("error", (e) => this.#answered?.reject(e));
    this.#socket.on("close", () => this.#answered?.reject(new Error("the connection was closed")));
  }

  async ready(): Promise<this> {
    await once(this.#socket, "connect");
    return this;
  }

  /** `due`: the moment that is written into the message, in microseconds. */
  send(due: number): Promise<void> {
    writeStamp(this.#request, this.#stampAt, due);
    if (this.#idAt !== -1) this.#request.write(String(++lastId).slice(-12), this.#idAt + 24, "latin1");
    this.#answered = Promise.withResolvers();
    this.#socket.write(this.#request);
    return this.#answered.promise;
  }

  close(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#response += text;
    const head = this.#response.indexOf("\r\n\r\n");
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(this.#response);
    if (!length || this.#response.length < head + 4 + Number(length[1])) return;
    const response = this.#response;
    this.#response = "";
    const answered = this.#answered!;
    this.#answered = undefined;
    if (response.startsWith("HTTP/1.1 200")) answered.resolve();
    else answered.reject(new Error(response));
  }
}

function open(target: Target): Promise<Connection[]> {
  const { connections, rooms } = target;
  return Promise.all(
    Array.from({ length: connections }, (_, i) => new Connection(target, rooms[i % rooms.length]!).ready()),
  );
}

const methods = {
  /** Each connection sends again as soon as it has its answer. */
  async closedLoop({ seconds, ...target }: Target & { seconds: number }) {
    const connections = await open(target);
    const start = nowMicros();
    const end = start + seconds * 1e6;
    let sent = 0;
    await Promise.all(
      connections.map(async (connection) => {
        for (let now = start; now < end; now = nowMicros(), sent++) await connection.send(now);
      }),
    );
    const perSecond = sent / ((nowMicros() - start) / 1e6);
    for (const connection of connections) connection.close();
    return { sent, perSecond };
  },

  /**
   * Sends at a rate, whatever the answers take. Delays count from the moment a call was due, so that a server that
   * stalls is charged for all that should have been sent meanwhile.
   */
  async openLoop({ perSecond, seconds, ...target }: Target & { perSecond: number; seconds: number }) {
    const connections = await open(target);
    const idle = [...connections];
    const due: number[] = [];
    const delays: number[] = [];
    const underWay = new Set<Promise<void>>();
    const count = Math.round(perSecond * seconds);
    const start = nowMicros() + 5_000;
    const send = (connection: Connection, at: number): void => {
      const call: Promise<void> = connection.send(at).then(() => {
        delays.push(nowMicros() - at);
        underWay.delete(call);
        const next = due.shift();
        if (next === undefined) idle.push(connection);
        else send(connection, next);
      });
      underWay.add(call);
    };
    for (let i = 0; i < count; ) {
      const now = nowMicros();
      for (; i < count; i++) {
        const at = start + (i * 1e6) / perSecond;
        if (at > now) break;
        const connection = idle.shift();
        if (connection) send(connection, at);
        else due.push(at);
      }
      await sleep(1);
    }
    while (underWay.size > 0) await Promise.all(underWay);
    for (const connection of connections) connection.close();
    return { sent: count, delays: Float64Array.from(delays) };
  },
};
export type Senders = typeof methods;

serveParent(methods);
