import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { Codec } from "../../src/rpc/codec.ts";
import type { StreamRpc } from "../../src/rpc/rpc.ts";
import type { StreamBody } from "../../src/rpc/stream-body.ts";
import { nextTurn, StreamSetup } from "../support/stream-setup.ts";
import { type StreamMethod, streamRequest } from "../support/universal-call.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A transport that takes so many writes until it is full, and keeps them. */
class Transport {
  readonly written: Uint8Array[] = [];
  room = Number.POSITIVE_INFINITY;
  ended: unknown;
  readonly body: StreamBody;
  #drained = Promise.withResolvers<void>();

  constructor(body: StreamBody) {
    this.body = body;
    const write = (bytes: Uint8Array) => {
      this.written.push(bytes);
      return --this.room > 0;
    };
    const drained = () => {
      this.#drained = Promise.withResolvers();
      return this.#drained.promise;
    };
    this.ended = body.pipe({ write, drained });
  }

  drain(room = Number.POSITIVE_INFINITY): Promise<void> {
    this.room = room;
    this.#drained.resolve();
    return nextTurn() as Promise<void>;
  }

  /** The seqs of the messages in what was written last. */
  get last(): string[] {
    return [...new TextDecoder().decode(this.written.at(-1)).matchAll(/"seq":"(\d+)"/g)].map(([, seq]) => seq!);
  }
}

async function open(setup: StreamSetup, method: StreamMethod = "StreamMessage"): Promise<StreamBody> {
  const rpc = setup.rpcs.find(({ method: { name } }) => name === method) as StreamRpc;
  const { header, body } = streamRequest("application/connect+json", { method });
  const answer = await new Codec(setup.invoke, LIMITS).respond(rpc, {
    httpMethod: "POST",
    query: "",
    header: (name) => header.get(name) ?? undefined,
    hasTrailers: true,
    receive: async (arriving) => {
      for await (const chunk of body as AsyncIterable<Uint8Array>) arriving.add(chunk);
    },
  });
  return answer.body as StreamBody;
}

async function piped(setup: StreamSetup, method?: StreamMethod): Promise<Transport> {
  const transport = new Transport(await open(setup, method));
  await nextTurn();
  return transport;
}

test("the first write comes at once, though there may be nothing to say yet", async () => {
  const setup = new StreamSetup();
  expect((await piped(setup)).written).toEqual([new Uint8Array()]);
  const [first] = (await piped(setup, "StreamEvents")).written;
  expect(new TextDecoder().decode(first)).toContain("caughtUp");
});

test("bytes are written in the very call that tells of news, and are the same for all streams", async () => {
  const setup = new StreamSetup();
  const transports = [await piped(setup), await piped(setup), await piped(setup)];
  for (const seq of ["1", "2"]) {
    setup.commit(1n);
    for (const { last } of transports) expect(last).toEqual([seq]);
    for (const { written } of transports) expect(written.at(-1)).toBe(transports[0]!.written.at(-1));
  }
});

test("what a stream's readers don't see is not written", async () => {
  const setup = new StreamSetup();
  const { written } = await piped(setup);
  setup.broadcaster.publish(setup.log.typing(1n, 2n));
  setup.change(1n, { kind: "remove", userId: 2n });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toHaveLength(1);
});

test("a transport that is full is left alone until it has drained, and then gets what has come in one write", async () => {
  const setup = new StreamSetup();
  const transport = await piped(setup);
  transport.room = 1;
  for (let i = 0; i < 4; i++) setup.commit(1n);
  await nextTurn();
  expect(transport.last).toEqual(["1"]);
  await transport.drain(1);
  expect(transport.last).toEqual(["2", "3", "4"]);
  setup.commit(1n);
  await nextTurn();
  expect(transport.written, "it is full again").toHaveLength(3);
  await transport.drain();
  setup.commit(1n);
  expect(transport.last).toEqual(["6"]);
});

test("the end is written after what came before it, also to a transport that was full", async () => {
  const setup = new StreamSetup();
  const transport = await piped(setup);
  transport.room = 1;
  setup.commit(1n);
  await nextTurn();
  setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
  await nextTurn();
  setup.expectNothingLeft();
  expect(transport.last).toEqual(["1"]);
  await transport.drain();
  await transport.ended;
  expect(new TextDecoder().decode(transport.written.at(-1))).toContain('"message":"bye"');
});

test("to a client that has left nothing is written, and the pipe ends", async () => {
  const setup = new StreamSetup();
  const transport = await piped(setup);
  transport.body.leave();
  setup.commit(1n);
  await transport.ended;
  expect(transport.written).toHaveLength(1);
  setup.expectNothingLeft();
});

test("a transport that throws ends its own stream alone", async () => {
  const setup = new StreamSetup();
  const well = await piped(setup);
  let writes = 0;
  const write = () => {
    if (writes++ > 0) throw new Error("write after end");
    return true;
  };
  const ended = (await open(setup)).pipe({ write, drained: async () => {} });
  ended.catch(() => {});
  await nextTurn();
  setup.commit(1n);
  await expect(ended).rejects.toThrow("write after end");
  setup.commit(1n);
  expect(well.last).toEqual(["2"]);
  expect(setup.openStreams.size).toBe(1);
});
