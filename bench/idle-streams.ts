import type { Child } from "./child.ts";
import { sleep } from "./harness.ts";
import type { Connect, Readers } from "./processes/readers.ts";
import { type Service, settledMemory, startReaders } from "./services.ts";

/** Their code is compiled by then. */
const FIRST_STREAMS = 200;

export interface Watched {
  /** Microseconds of server CPU per second. */
  readonly cpu: number;
  /** Requests to the database per second. */
  readonly requests: number;
  /** Messages to each stream, heartbeats among them. */
  readonly messages: number;
}

/** A server, started with --expose-gc, and its many open streams. */
export class IdleStreams implements AsyncDisposable {
  readonly service: Service;
  readonly readers: Child<Readers>;
  readonly connectMs: number;
  readonly #count: number;
  readonly #empty: number;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    service: Service,
    readers: Child<Readers>,
    numbers: { connectMs: number; count: number; empty: number },
    resources: AsyncDisposableStack,
  ) {
    this.service = service;
    this.readers = readers;
    this.connectMs = numbers.connectMs;
    this.#count = numbers.count;
    this.#empty = numbers.empty;
    this.#resources = resources;
  }

  /** The service ends with the streams. */
  static async open(service: Service, streams: Omit<Connect, "url">): Promise<IdleStreams> {
    await using stack = new AsyncDisposableStack();
    stack.use(service as AsyncDisposable);
    const readers = stack.use(startReaders());
    const url = await urlOf(service, streams);
    await readers.call.connect({ ...streams, url, count: FIRST_STREAMS });
    await readers.call.disconnect();
    const empty = await settledMemory(service);
    const connectMs = await readers.call.connect({ ...streams, url });
    return new IdleStreams(service, readers, { connectMs, count: streams.count, empty }, stack.move());
  }

  async watch(seconds: number): Promise<Watched> {
    const before = await this.#numbers();
    await sleep(seconds * 1_000);
    const after = await this.#numbers();
    return {
      cpu: (after.cpu - before.cpu) / seconds,
      requests: (after.requests - before.requests) / seconds,
      messages: (after.messages - before.messages) / this.#count,
    };
  }

  /** Bytes that each stream holds. */
  async memoryOfEach(): Promise<number> {
    return ((await settledMemory(this.service)) - this.#empty) / this.#count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #numbers() {
    const { cpuMicros: cpu } = await this.service.call.usage();
    return { cpu, requests: await this.service.call.databaseRequests(), messages: await this.readers.call.received() };
  }
}

function urlOf(service: Service, { protocol }: Omit<Connect, "url">): Promise<string> {
  return protocol === "grpc" ? service.call.http2Url() : service.call.url();
}
