import { Code, ConnectError, type ConnectRouterOptions, type Interceptor } from "@connectrpc/connect";
import {
  type UniversalHandler,
  type UniversalServerRequest,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withLiveResponses } from "../../src/chat/live-response.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import type { Positions } from "../../src/chat/store.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { BodyReader, streamHandler, streamRequest } from "../support/universal-call.ts";

const CONTENT_TYPES = [
  "application/connect+json",
  "application/connect+proto",
  "application/grpc-web+json",
  "application/grpc-web+proto",
  "application/grpc+json",
  "application/grpc+proto",
  "application/grpc",
];
const JSON_STREAM = CONTENT_TYPES[0]!;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Pipeline = (handler: UniversalHandler) => UniversalHandler;
const ordinary: Pipeline = (handler) => handler;

class Setup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly shutdown = new AbortController();
  readonly handler: UniversalHandler;
  /** Thrown by the next read of the log. */
  failure: unknown;
  headsFor = (userId: bigint, roomIds: readonly bigint[]) => this.log.headsFor(userId, roomIds);

  constructor(pipeline: Pipeline = withLiveResponses, options: ConnectRouterOptions = {}) {
    const store = {
      headsFor: (userId: bigint, roomIds: readonly bigint[]) => this.headsFor(userId, roomIds),
      changesAfter: async (cursors: Positions, limit: number) => {
        if (this.failure !== undefined) throw this.failure;
        return this.log.changesAfter(cursors, limit);
      },
    };
    const parts = { store, subscriber: this.broadcaster };
    this.handler = pipeline(streamHandler(parts, { shutdownSignal: this.shutdown.signal, ...options }));
  }

  commit(roomId: bigint, count = 1) {
    this.broadcaster.publish(this.log.append(roomId, count));
  }

  expectNothingLeft() {
    expect(this.broadcaster.size, "followed rooms").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
  }
}

/** All microtasks, and no time. */
const nextTurn = () => new Promise(setImmediate);

/** Everything a client sees of a stream that is long enough to have all there is in it. */
async function transcript(
  pipeline: Pipeline,
  contentType: string,
  end: (setup: Setup) => void,
  { options, header }: { options?: ConnectRouterOptions; header?: Record<string, string> } = {},
) {
  const setup = new Setup(pipeline, options);
  setup.log.append(1n, 200);
  const request = streamRequest(contentType, { roomIds: [1n, 2n], afterSeq: { 1: 5n, 2: 0n }, ...(header && { header }) });
  const response = await setup.handler(request);
  const body = new BodyReader(response);
  await body.readEnvelopes(195);
  setup.commit(1n);
  await body.readEnvelopes(196);
  setup.commit(2n, 3);
  await body.readEnvelopes(199);
  end(setup);
  await body.readToEnd();
  expect(body.envelopes).toBeGreaterThanOrEqual(199);
  setup.expectNothingLeft();
  return {
    status: response.status,
    header: [...response.header!],
    trailer: response.trailer && [...response.trailer],
    body: new TextDecoder("latin1").decode(body.bytes),
  };
}

const ends: [string, (setup: Setup) => void, string][] = [
  [
    "shutdown",
    ({ shutdown }) => shutdown.abort(new ConnectError("the server is going down – come back", Code.Unavailable)),
    "the server is going down",
  ],
  ["its deadline", () => vi.advanceTimersByTime(10_000), "the operation timed out"],
  [
    "a refusal of the store",
    (setup) => {
      setup.failure = new ConnectError("the database is away", Code.Unavailable, { "retry-after": "1" });
      vi.advanceTimersByTime(20_000);
    },
    "the database is away",
  ],
  [
    "a defect, which stays inside",
    (setup) => {
      setup.failure = new TypeError("cannot read properties of undefined");
      vi.advanceTimersByTime(20_000);
    },
    "internal error",
  ],
];

describe.each(CONTENT_TYPES)("a live response in %s is what Connect's own pipeline answers", (contentType) => {
  test.each(ends)("when the stream is ended by %s", async (why, end, text) => {
    const header: Record<string, string> =
      why === "its deadline" ? { "connect-timeout-ms": "9000", "grpc-timeout": "9S" } : {};
    const expected = await transcript(ordinary, contentType, end, { header });
    expect(JSON.stringify(expected).replaceAll("%20", " ")).toContain(text);
    expect(await transcript(withLiveResponses, contentType, end, { header })).toEqual(expected);
  });

  test("with headers and trailers that an interceptor adds", async () => {
    const interceptors: Interceptor[] = [
      (next) => async (req) => {
        const res = await next(req);
        res.header.set("x-request-id", "r1");
        res.trailer.set("x-cost", "7");
        return res;
      },
    ];
    const end = ends[0]![1];
    const expected = await transcript(ordinary, contentType, end, { options: { interceptors } });
    expect(expected.header).toContainEqual(["x-request-id", "r1"]);
    expect(JSON.stringify(expected)).toContain("x-cost");
    expect(await transcript(withLiveResponses, contentType, end, { options: { interceptors } })).toEqual(expected);
  });

  test("when nothing is sent before it ends", async () => {
    const [expected, live] = await Promise.all(
      [ordinary, withLiveResponses].map(async (pipeline) => {
        const setup = new Setup(pipeline);
        const response = setup.handler(streamRequest(contentType));
        await nextTurn();
        setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
        const body = new BodyReader(await response);
        await body.readToEnd();
        return { body: body.bytes, header: [...(await response).header!] };
      }),
    );
    expect(live).toEqual(expected);
  });

  test.each<[string, (setup: Setup) => UniversalServerRequest]>([
    ["a user who is not a member", (setup) => ((setup.headsFor = async () => new Map()), streamRequest(contentType))],
    ["a cursor beyond the head", () => streamRequest(contentType, { afterSeq: { 1: 1n } })],
    ["a cursor for another room", () => streamRequest(contentType, { afterSeq: { 2: 0n } })],
    [
      "a database that is away",
      (setup) => {
        setup.headsFor = () => Promise.reject(new ConnectError("try again", Code.Unavailable));
        return streamRequest(contentType);
      },
    ],
    [
      "a subscriber that fails",
      (setup) => {
        setup.broadcaster.subscribe = () => Promise.reject(new Error("no link"));
        return streamRequest(contentType);
      },
    ],
    ["a deadline that is no number", () => streamRequest(contentType, { header: { "connect-timeout-ms": "x", "grpc-timeout": "x" } })],
    ["a server that is going down already", (setup) => (setup.shutdown.abort(new ConnectError("bye", Code.Unavailable)), streamRequest(contentType))],
    ["a request of another method", () => ({ ...streamRequest(contentType), method: "GET" })],
    ["a request in another format", () => streamRequest("text/plain")],
    ["a request without a message", () => ({ ...streamRequest(contentType), body: (async function* () {})() })],
  ])("to %s", async (_, call) => {
    const [expected, live] = await Promise.all(
      [ordinary, withLiveResponses].map(async (pipeline) => {
        const setup = new Setup(pipeline);
        const { status, header, trailer, body } = await setup.handler(call(setup));
        const reader = body && new BodyReader({ status, body });
        await reader?.readToEnd();
        setup.expectNothingLeft();
        return { status, header: header && [...header], trailer: trailer && [...trailer], body: reader?.bytes };
      }),
    );
    expect(live).toEqual(expected);
  });
});

describe("a live response", () => {
  test.each(CONTENT_TYPES)("has its headers at once in a silent room, in %s", async (contentType) => {
    const setup = new Setup();
    const response = await setup.handler(streamRequest(contentType));
    expect(response.status).toBe(200);
    expect(response.header!.get("content-type")).toBe(contentType.replace(/grpc$/, "grpc+proto"));
    expect(await new BodyReader(response).next(), "what makes adapters send the headers").toEqual(new Uint8Array(0));
  });

  test("is live when it has its headers: what is committed then arrives, whenever the body is read", async () => {
    const setup = new Setup();
    const body = new BodyReader(await setup.handler(streamRequest(JSON_STREAM)));
    setup.log.append(1n, 2);
    setup.commit(1n);
    await body.readEnvelopes(3);
    expect(new TextDecoder().decode(body.bytes)).toMatch(/"seq":"1".*"seq":"2".*"seq":"3"/);
  });

  test("shares the bytes of a batch with all responses of the same format", async () => {
    const setup = new Setup();
    const formats = ["application/connect+proto", "application/grpc+proto", JSON_STREAM, "application/grpc-web+json"];
    const bodies = await Promise.all(
      formats.map(async (format) => {
        const body = new BodyReader(await setup.handler(streamRequest(format)));
        await body.next();
        return body;
      }),
    );
    const chunks = bodies.map((body) => body.next());
    await nextTurn();
    setup.commit(1n, 3);
    const [binary, binaryToo, json, jsonToo] = await Promise.all(chunks);
    expect(binaryToo).toBe(binary);
    expect(jsonToo).toBe(json);
    expect(json).not.toEqual(binary);
  });

  test("still tells why it ended when its reader was slow", async () => {
    const setup = new Setup();
    setup.log.append(1n, 300);
    const body = new BodyReader(await setup.handler(streamRequest(JSON_STREAM, { afterSeq: { 1: 0n } })));
    await body.readEnvelopes(1);
    setup.commit(1n);
    setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
    await nextTurn();
    setup.expectNothingLeft();
    await body.readToEnd();
    expect(new TextDecoder().decode(body.bytes)).toContain('{"error":{"code":"unavailable","message":"bye"}}');
  });

  test("leaves other kinds of methods to Connect", () => {
    const handler = { method: { methodKind: "unary" } } as UniversalHandler;
    expect(withLiveResponses(handler)).toBe(handler);
  });
});

describe("a client that leaves", () => {
  interface Client {
    readonly request: AbortController;
    readonly body: BodyReader;
  }
  const ways: Record<string, (client: Client) => void> = {
    "body.return()": ({ body }) => void body.return(),
    "body.throw()": ({ body }) => void body.throw(new Error("write failed")),
    "the request's signal": ({ request }) => request.abort(),
    "the signal, then return()": ({ request, body }) => (request.abort(), void body.return()),
    "return(), then the signal": ({ request, body }) => (void body.return(), request.abort()),
    "throw(), then return(), as Node's adapter": ({ body }) => (void body.throw(new Error("write failed")), void body.return()),
  };
  const moments: Record<string, (body: BodyReader, setup: Setup) => Promise<unknown>> = {
    "before the body was ever read": async () => {},
    "after the headers": (body) => body.next(),
    "while it waits for changes": async (body) => {
      await body.next();
      void body.next().catch(() => {});
      await nextTurn();
    },
    "between two chunks": async (body, setup) => {
      setup.commit(1n);
      await body.readEnvelopes(1);
    },
    "with changes on the way": async (body, setup) => {
      await body.next();
      setup.commit(1n);
      void body.next().catch(() => {});
    },
  };

  const cases = Object.keys(moments).flatMap((moment) => Object.keys(ways).map((way) => [moment, way] as const));
  test.each(cases)("%s, by %s, releases the tail at once", async (moment, way) => {
    const setup = new Setup();
    const request = new AbortController();
    const header = { "connect-timeout-ms": "3600000" };
    const response = await setup.handler(streamRequest(JSON_STREAM, { signal: request.signal, header }));
    const body = new BodyReader(response);
    await moments[moment]!(body, setup);
    expect(setup.broadcaster.size).toBe(1);
    ways[way]!({ request, body });
    await nextTurn();
    setup.expectNothingLeft();
  });

  test("by cancelling a fetch response, releases the tail at once", async () => {
    const setup = new Setup();
    const response = universalServerResponseToFetch(await setup.handler(streamRequest(JSON_STREAM)));
    await response.body!.cancel();
    await nextTurn();
    setup.expectNothingLeft();
  });

  test.each<[string, Pipeline]>([
    ["a live response", withLiveResponses],
    ["Connect's own pipeline", ordinary],
  ])("before there is a response, leaves nothing behind in %s", async (_, pipeline) => {
    const setup = new Setup(pipeline);
    const request = new AbortController();
    const { promise, resolve } = Promise.withResolvers<Positions>();
    setup.headsFor = () => promise;
    void setup.handler(streamRequest(JSON_STREAM, { signal: request.signal }));
    await nextTurn();
    request.abort();
    resolve(new Map([[1n, 0n]]));
    await nextTurn();
    setup.expectNothingLeft();
  });

  test("while the stream subscribes, leaves nothing behind", async () => {
    const setup = new Setup();
    const request = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscribe = setup.broadcaster.subscribe.bind(setup.broadcaster);
    setup.broadcaster.subscribe = (rooms, inbox) => promise.then(() => subscribe(rooms, inbox));
    void setup.handler(streamRequest(JSON_STREAM, { signal: request.signal }));
    await nextTurn();
    request.abort();
    resolve();
    await nextTurn();
    setup.expectNothingLeft();
  });
});
