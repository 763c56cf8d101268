import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { connects, ours, type Pipeline } from "../support/pipelines.ts";
import { nextTurn, StreamSetup } from "../support/stream-setup.ts";
import { BodyReader, type StreamMethod, streamRequest } from "../support/universal-call.ts";

const CONTENT_TYPES = [
  "application/connect+json",
  "application/connect+proto",
  "application/grpc-web+json",
  "application/grpc-web+proto",
  "application/grpc+json",
  "application/grpc+proto",
  "application/grpc",
];
const METHODS: StreamMethod[] = ["StreamMessage", "StreamEvents"];
const FORMATS = METHODS.flatMap((method) => CONTENT_TYPES.map((contentType) => [method, contentType] as const));
const JSON_STREAM = CONTENT_TYPES[0]!;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Everything a client sees of a stream that is long enough to have all there is in it. */
async function transcript(
  pipeline: Pipeline,
  method: StreamMethod,
  contentType: string,
  end: (setup: StreamSetup) => void,
  header: Record<string, string> = {},
) {
  const setup = new StreamSetup(pipeline);
  setup.log.append(1n, 200);
  setup.log.change(2n, { kind: "send" }, { kind: "read", userId: 2n });
  const request = streamRequest(contentType, {
    method,
    roomIds: [1n, 2n],
    afterSeq: { 1: 5n, 2: 0n },
    header,
  });
  const response = await setup.handler(request);
  const body = new BodyReader(response);
  const isEvents = method === "StreamEvents";
  const read = (messages: number, others: number) => body.readEnvelopes(messages + (isEvents ? others : 0));
  await read(196, 11); // caught_up, the members of two rooms, a read position, and caught_up
  setup.commit(1n);
  await read(197, 11);
  setup.commit(2n, 3);
  await read(200, 11);
  setup.commit(1n, 2);
  setup.commit(2n);
  setup.commit(1n);
  await read(204, 11);
  setup.change(2n, { kind: "read", userId: 3n }, { kind: "remove", userId: 2n });
  setup.broadcaster.publish(setup.log.typing(2n, 3n));
  setup.change(2n, { kind: "add", userId: 7n }, { kind: "edit", nth: 0 });
  await read(205, 15);
  end(setup);
  await body.readToEnd();
  expect(body.envelopes).toBeGreaterThanOrEqual(isEvents ? 220 : 205);
  setup.expectNothingLeft();
  return {
    status: response.status,
    header: ofProtocol(response.header!),
    trailer: response.trailer && [...response.trailer],
    body: new TextDecoder("latin1").decode(body.bytes),
  };
}

/** So many changes at once: readers that are busy have to read the log. */
const MORE_THAN_A_FEED_KEEPS = LIMITS.feedBytes / 1024;

const OWN_HEADERS = ["cache-control", "x-accel-buffering", "x-request-id"];

/** A response's headers without those that only the server has. */
function ofProtocol(header: Headers): [string, string][] {
  return [...header].filter(([name]) => !OWN_HEADERS.includes(name));
}

const ends: [string, (setup: StreamSetup) => void, string][] = [
  [
    "shutdown",
    ({ shutdown }) => shutdown.abort(new ConnectError("the server is going down – come back", Code.Unavailable)),
    "the server is going down",
  ],
  ["its deadline", () => vi.advanceTimersByTime(10_000), "the operation timed out"],
  [
    "a refusal of the store",
    (setup) => {
      const refusal = new ConnectError("the database is away", Code.Unavailable, { "retry-after": "1" });
      setup.readLogs = () => Promise.reject(refusal);
      setup.commit(1n, MORE_THAN_A_FEED_KEEPS);
    },
    "the database is away",
  ],
  [
    "a defect, which stays inside",
    (setup) => {
      setup.readLogs = () => Promise.reject(new TypeError("cannot read properties of undefined"));
      setup.commit(1n, MORE_THAN_A_FEED_KEEPS);
    },
    "internal error",
  ],
  [
    "the end of a membership",
    (setup) => {
      setup.change(2n, { kind: "send" }, { kind: "remove", userId: 1n });
      // The readers of events go on with the other room.
      void nextTurn().then(() => setup.shutdown.abort(new ConnectError("bye", Code.Unavailable)));
    },
    "",
  ],
];

describe.each(FORMATS)("a stream of %s in %s is what Connect's own pipeline answers", (method, contentType) => {
  const request = (options: Parameters<typeof streamRequest>[1] = {}) => {
    return streamRequest(contentType, { method, ...options });
  };

  test.each(ends)("when the stream is ended by %s", async (why, end, text) => {
    const header: Record<string, string> =
      why === "its deadline" ? { "connect-timeout-ms": "9000", "grpc-timeout": "9S" } : {};
    const expected = await transcript(connects(), method, contentType, end, header);
    expect(JSON.stringify(expected).replaceAll("%20", " ")).toContain(text);
    expect(await transcript(ours, method, contentType, end, header)).toEqual(expected);
  });

  test("when nothing is sent before it ends", async () => {
    const [expected, live] = await Promise.all(
      [connects(), ours].map(async (pipeline) => {
        const setup = new StreamSetup(pipeline);
        const response = setup.handler(request());
        await nextTurn();
        setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
        const body = new BodyReader(await response);
        await body.readToEnd();
        return { body: body.bytes, header: ofProtocol((await response).header!) };
      }),
    );
    expect(live).toEqual(expected);
  });

  test("to a cursor beyond the head", async () => {
    const answers: unknown[] = [];
    for (const pipeline of [connects(), ours]) {
      const setup = new StreamSetup(pipeline);
      const response = await setup.handler(request({ afterSeq: { 1: 1n } }));
      const body = new BodyReader(response);
      // Messages: the refusal. Events: caught_up and reset, and it goes on.
      await body.readEnvelopes(method === "StreamEvents" ? 2 : 1);
      setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
      await body.readToEnd();
      await nextTurn();
      setup.expectNothingLeft();
      answers.push({ status: response.status, header: ofProtocol(response.header!), body: body.bytes });
    }
    const [expected, live] = answers;
    expect(live).toEqual(expected);
  });

  test.each<[string, (setup: StreamSetup) => UniversalServerRequest]>([
    [
      "a user who is not a member",
      (setup) => {
        setup.memberships = async () => ({ epoch: "memory", revision: 0n, of: [] });
        return request();
      },
    ],
    ["a cursor for another room", () => request({ afterSeq: { 2: 0n } })],
    [
      "a database that is away",
      (setup) => {
        setup.memberships = () => Promise.reject(new ConnectError("try again", Code.Unavailable));
        return request();
      },
    ],
    [
      "a subscriber that fails",
      (setup) => {
        setup.broadcaster.subscribe = () => Promise.reject(new Error("no link"));
        return request();
      },
    ],
    ["a deadline that is no number", () => request({ header: { "connect-timeout-ms": "x", "grpc-timeout": "x" } })],
    [
      "a server that is going down already",
      (setup) => {
        setup.shutdown.abort(new ConnectError("bye", Code.Unavailable));
        return request();
      },
    ],
  ])("to %s", async (_, call) => {
    const answers: unknown[] = [];
    for (const pipeline of [connects(), ours]) {
      const setup = new StreamSetup(pipeline);
      const { status, header, trailer, body } = await setup.handler(call(setup));
      const reader = body && new BodyReader({ status, body });
      await reader?.readToEnd();
      setup.expectNothingLeft();
      answers.push({ status, header: ofProtocol(header!), trailer: trailer && [...trailer], body: reader?.bytes });
    }
    const [expected, live] = answers;
    expect(live).toEqual(expected);
  });
});

describe("a stream", () => {
  test.each(CONTENT_TYPES)("has its headers at once in a silent room, in %s", async (contentType) => {
    const setup = new StreamSetup();
    const response = await setup.handler(streamRequest(contentType));
    expect(response.status).toBe(200);
    expect(response.header!.get("content-type")).toBe(contentType.replace(/grpc$/, "grpc+proto"));
    expect(await new BodyReader(response).next(), "what makes adapters send the headers").toEqual(new Uint8Array(0));
  });

  test("begins with caught_up where there is one", async () => {
    const setup = new StreamSetup();
    const body = new BodyReader(await setup.handler(streamRequest(JSON_STREAM, { method: "StreamEvents" })));
    await body.next();
    expect(new TextDecoder().decode(body.bytes.slice(5))).toBe(
      '{"caughtUp":{"cursors":{"1":{"memberSeq":"4","epoch":"memory"}}}}',
    );
  });

  test("of a reader of messages ends when its membership does, and of a reader of events goes on", async () => {
    const setup = new StreamSetup();
    const [messages, events] = await Promise.all(
      METHODS.map(async (method) => {
        return new BodyReader(await setup.handler(streamRequest(JSON_STREAM, { method, roomIds: [1n, 2n] })));
      }),
    );
    await Promise.all([messages!.next(), events!.next()]);
    setup.change(1n, { kind: "remove", userId: 1n }, { kind: "send" });
    await messages!.readToEnd();
    expect(new TextDecoder().decode(messages!.bytes)).toContain('"code":"not_found"');
    setup.commit(2n);
    await events!.readEnvelopes(3);
    expect(new TextDecoder().decode(events!.bytes)).toMatch(
      /"memberRemoved":.*"roomId":"1".*"message":.*"roomId":"2"/s,
    );
    await events!.return();
  });

  test.each([
    [0, 54_000],
    [0.5, 60_000],
    [1, 66_000],
  ])("ends with UNAVAILABLE when it is as old as it may get, give or take a tenth: %d", async (random, ms) => {
    vi.spyOn(Math, "random").mockReturnValueOnce(random);
    const setup = new StreamSetup(ours, 60_000);
    const response = await setup.handler(streamRequest(JSON_STREAM, { method: "StreamMessage" }));
    const body = new BodyReader(response);
    await vi.advanceTimersByTimeAsync(ms - 1);
    setup.commit(1n);
    await body.readEnvelopes(1);
    await vi.advanceTimersByTimeAsync(1);
    await body.readToEnd();
    expect(new TextDecoder().decode(body.bytes)).toContain('"code":"unavailable"');
    setup.expectNothingLeft();
  });

  test("that ends before that leaves no timer", async () => {
    const setup = new StreamSetup(ours, 60_000);
    const response = await setup.handler(streamRequest(JSON_STREAM, { method: "StreamMessage" }));
    setup.shutdown.abort(new ConnectError("over", Code.Unavailable));
    await new BodyReader(response).readToEnd();
    setup.expectNothingLeft();
  });

  test("is live when it has its headers: what is committed then arrives, whenever the body is read", async () => {
    const setup = new StreamSetup();
    const { promise: link, resolve: connect } = Promise.withResolvers<void>();
    const subscribe = setup.broadcaster.subscribe.bind(setup.broadcaster);
    setup.broadcaster.subscribe = (rooms, inbox) => link.then(() => subscribe(rooms, inbox));
    const answered = vi.fn();
    const response = setup.handler(streamRequest(JSON_STREAM)).finally(answered);
    await nextTurn();
    expect(answered, "before it is subscribed").not.toHaveBeenCalled();
    connect();
    const body = new BodyReader(await response);
    setup.log.append(1n, 2);
    setup.commit(1n);
    await body.readEnvelopes(3);
    expect(new TextDecoder().decode(body.bytes)).toMatch(/"seq":"1".*"seq":"2".*"seq":"3"/);
  });

  test.each(METHODS)("shares the bytes of news with all responses of the same format to %s", async (method) => {
    const setup = new StreamSetup();
    const formats = ["application/connect+proto", "application/grpc+proto", JSON_STREAM, "application/grpc-web+json"];
    const bodies = await Promise.all(
      formats.map(async (format) => {
        const body = new BodyReader(await setup.handler(streamRequest(format, { method })));
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
    const setup = new StreamSetup();
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

  test.each(CONTENT_TYPES)("is kept back and kept by no proxy, in %s", async (contentType) => {
    const setup = new StreamSetup();
    const { header } = await setup.handler(streamRequest(contentType));
    expect(header!.get("cache-control")).toBe("no-store");
    expect(header!.get("x-accel-buffering")).toBe("no");
  });
});
