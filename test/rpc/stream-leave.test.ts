import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import type { Memberships } from "../../src/chat/store.ts";
import { fetchRpc } from "../../src/http/fetch-rpc.ts";
import { Codec } from "../../src/rpc/codec.ts";
import type { StreamRpc } from "../../src/rpc/rpc.ts";
import { envelope } from "../node/raw.ts";
import { connects, ours, type Pipeline } from "../support/pipelines.ts";
import { nextTurn, StreamSetup } from "../support/stream-setup.ts";
import { BodyReader, streamRequest } from "../support/universal-call.ts";

const CONTENT_TYPE = "application/connect+json";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What adapters do, one after the other, when a client has left. */
const ways = [["return"], ["abort"], ["abort", "return"], ["return", "abort"]] as const;

const moments: [string, (body: BodyReader, setup: StreamSetup) => Promise<unknown>][] = [
  ["before the body was ever read", async () => {}],
  ["after the headers", (body) => body.next()],
  [
    "while it waits for changes",
    async (body) => {
      await body.next();
      void body.next().catch(() => {});
      await nextTurn();
    },
  ],
  [
    "between two chunks",
    async (body, setup) => {
      setup.commit(1n);
      await body.readEnvelopes(1);
    },
  ],
  [
    "with changes on the way",
    async (body, setup) => {
      await body.next();
      setup.commit(1n);
      void body.next().catch(() => {});
    },
  ],
];

describe.each(moments)("a client that leaves %s releases the tail at once", (_, until) => {
  test.each(ways.map((way) => [way.join(", then "), way] as const))("by %s", async (_, way) => {
    const setup = new StreamSetup();
    const { signal, abort } = abortable();
    const request = streamRequest(CONTENT_TYPE, { signal, header: { "connect-timeout-ms": "3600000" } });
    const body = new BodyReader(await setup.handler(request));
    await until(body, setup);
    expect(setup.broadcaster.size).toBe(1);
    for (const step of way) {
      if (step === "abort") abort();
      else void body.return();
    }
    await nextTurn();
    setup.expectNothingLeft();
    const { byteLength } = body.bytes;
    await body.readToEnd();
    expect(body.bytes.byteLength, "nothing more comes").toBe(byteLength);
  });
});

describe("a client that leaves", () => {
  test("by cancelling a fetch response, releases the tail at once", async () => {
    const setup = new StreamSetup();
    const response = await fetchStream(setup);
    await response.body!.cancel();
    await nextTurn();
    setup.expectNothingLeft();
  });

  test("[P7] or by taking nothing of one for long, releases the tail", async () => {
    const setup = new StreamSetup();
    const { body } = await fetchStream(setup);
    const reader = body!.getReader();
    setup.commit(1n);
    await reader.read();
    const next = reader.read();
    await vi.advanceTimersByTimeAsync(2 * LIMITS.stallMs);
    expect(setup.broadcaster.size, "while it waits for changes").toBe(1);
    setup.commit(1n);
    await next;
    setup.commit(1n);
    await vi.advanceTimersByTimeAsync(LIMITS.stallMs + 1);
    setup.expectNothingLeft();
  });

  test("[P7] or by never reading one, releases the tail", async () => {
    const setup = new StreamSetup();
    const { body } = await fetchStream(setup);
    await vi.advanceTimersByTimeAsync(2 * LIMITS.stallMs);
    expect(setup.broadcaster.size, "while there is nothing to read").toBe(1);
    setup.commit(1n);
    await vi.advanceTimersByTimeAsync(LIMITS.stallMs + 1);
    setup.expectNothingLeft();
    await expect(body!.getReader().read()).rejects.toThrow("takes nothing");
  });

  test.each(["it waits for changes", "something waits for it"])(
    "by aborting a fetch request while %s, releases the tail",
    async (when) => {
      const setup = new StreamSetup();
      const { signal, abort } = abortable();
      const reader = (await fetchStream(setup, signal)).body!.getReader();
      setup.commit(1n);
      await reader.read();
      const next = when === "it waits for changes" ? reader.read() : undefined;
      await nextTurn();
      abort();
      await nextTurn();
      setup.expectNothingLeft();
      expect(await (next ?? reader.read())).toMatchObject({ done: true });
    },
  );

  test("by aborting a fetch request before it is answered, releases the tail", async () => {
    const setup = new StreamSetup();
    await fetchStream(setup, AbortSignal.abort());
    await nextTurn();
    setup.expectNothingLeft();
  });

  test.each<[string, Pipeline]>([
    ["ours", ours],
    ["Connect's own pipeline", connects()],
  ])("before there is a response, leaves nothing behind: %s", async (_, pipeline) => {
    const setup = new StreamSetup(pipeline);
    const { signal, abort } = abortable();
    const { promise, resolve } = Promise.withResolvers<Memberships>();
    setup.memberships = () => promise;
    void setup.handler(streamRequest(CONTENT_TYPE, { signal }));
    await nextTurn();
    abort();
    resolve(await setup.log.memberships(1n, [1n]));
    await nextTurn();
    setup.expectNothingLeft();
  });

  test("before it is heard, leaves nothing behind", async () => {
    const setup = new StreamSetup();
    await setup.handler(streamRequest(CONTENT_TYPE, { signal: AbortSignal.abort() }));
    setup.expectNothingLeft();
  });

  test("while the stream subscribes, leaves nothing behind", async () => {
    const setup = new StreamSetup();
    const { signal, abort } = abortable();
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscribe = setup.broadcaster.subscribe.bind(setup.broadcaster);
    setup.broadcaster.subscribe = (rooms, inbox) => promise.then(() => subscribe(rooms, inbox));
    void setup.handler(streamRequest(CONTENT_TYPE, { signal }));
    await nextTurn();
    abort();
    resolve();
    await nextTurn();
    setup.expectNothingLeft();
  });
});

/** StreamMessage as Workers serve it. */
function fetchStream({ rpcs, invoke }: StreamSetup, signal = new AbortController().signal): Promise<Response> {
  const codec = new Codec(invoke, LIMITS);
  const rpc = rpcs.find(({ method }) => method.name === "StreamMessage") as StreamRpc;
  const request = new Request("https://localhost/chat_grpc.ChatService/StreamMessage", {
    method: "POST",
    headers: { "content-type": CONTENT_TYPE },
    body: envelope(Buffer.from('{"roomIds":["1"],"userId":"1"}')),
  });
  Object.defineProperty(request, "signal", { value: signal }); // one that is aborted can't be read any more
  return fetchRpc({ respond: (call) => codec.respond(rpc, call) }, request, LIMITS);
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
