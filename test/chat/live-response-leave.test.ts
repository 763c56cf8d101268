import { universalServerResponseToFetch } from "@connectrpc/connect/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withLiveResponses } from "../../src/chat/live-response.ts";
import type { Reader } from "../../src/chat/store.ts";
import { nextTurn, ordinary, type Pipeline, StreamSetup } from "../support/stream-setup.ts";
import { BodyReader, streamRequest } from "../support/universal-call.ts";

const CONTENT_TYPE = "application/connect+json";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What adapters do, one after the other, when a client has left. */
const ways = [["return"], ["throw"], ["abort"], ["abort", "return"], ["return", "abort"], ["throw", "return"]] as const;

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
      else if (step === "return") void body.return();
      else void body.throw(new Error("write failed"));
    }
    await nextTurn();
    setup.expectNothingLeft();
    if (way.some((step) => step !== "abort")) expect(await body.next(), "the body has ended").toBeUndefined();
  });
});

describe("a client that leaves", () => {
  test("by cancelling a fetch response, releases the tail at once", async () => {
    const setup = new StreamSetup();
    const response = universalServerResponseToFetch(await setup.handler(streamRequest(CONTENT_TYPE)));
    await response.body!.cancel();
    await nextTurn();
    setup.expectNothingLeft();
  });

  test.each<[string, Pipeline]>([
    ["a live response", withLiveResponses],
    ["Connect's own pipeline", ordinary],
  ])("before there is a response, leaves nothing behind in %s", async (_, pipeline) => {
    const setup = new StreamSetup(pipeline);
    const { signal, abort } = abortable();
    const { promise, resolve } = Promise.withResolvers<Reader[]>();
    setup.readersAtHead = () => promise;
    void setup.handler(streamRequest(CONTENT_TYPE, { signal }));
    await nextTurn();
    abort();
    resolve([{ roomId: 1n, membershipId: 1n, cursor: { seq: 0n, memberSeq: 0n } }]);
    await nextTurn();
    setup.expectNothingLeft();
  });

  test("before it is heard, leaves nothing behind", async () => {
    const setup = new StreamSetup();
    const response = await setup.handler(streamRequest(CONTENT_TYPE, { signal: AbortSignal.abort() }));
    expect(response.status).toBe(200);
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

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
