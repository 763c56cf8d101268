import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chatClient, freshId } from "../support/clients.ts";
import { type HostileCall, type HostileInput, hostileInputs, type TOKENS } from "../support/hostile-inputs.ts";
import { IdentityProvider } from "../support/identity-provider.ts";
import { startServerProcess } from "../support/server-process.ts";
import found from "./fuzz-found.json" with { type: "json" };
import { openSocket, outcome, PAGE, type RawResponse } from "./raw.ts";

// Whatever arrives is answered, or its connection closed, in time; no answer blames the server, which neither dies nor grows.
// `npm run fuzz` takes longer, and other inputs each time; what it finds is kept in fuzz-found.json.

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 15);
/** For an answer or the end of the connection, in milliseconds. */
const ANSWER_MS = 2_000;
/** A stream that has answered is left after this time, in milliseconds. */
const STREAM_MS = 50;
/** What the server may take of memory after it has seen the first third of it, in MiB: its heap breathes. */
const GROWTH_MIB = 64;

const KEY = "k".repeat(43);
const TOO_MANY = "1000000";

let provider: IdentityProvider;
let service: Awaited<ReturnType<typeof startServerProcess>>;
let session: ClientHttp2Session;
let tokens: Record<string, string>;

beforeAll(async () => {
  provider = await IdentityProvider.start();
  service = await startServerProcess({
    ...provider.env,
    API_KEYS: KEY,
    CORS_ORIGINS: PAGE,
    ROOM_CREATION: "users",
    LOG_LEVEL: "warning",
    // Little, so that garbage doesn't hide what is kept.
    NODE_OPTIONS: "--max-old-space-size=96",
    // Else most inputs would meet nothing but the quotas.
    ...Object.fromEntries(
      ["SENDS_PER_SECOND", "ROOM_SENDS_PER_SECOND", "ROOMS_PER_MINUTE", "MEMBERS_PER_MINUTE", "SIGNALS_PER_SECOND"]
        .concat("PAGES_PER_SECOND", "VIEW_PAGES_PER_SECOND", "USER_STREAMS")
        .map((name) => [`LIMIT_${name}`, TOO_MANY]),
    ),
  });
  const headers = { authorization: `Bearer ${KEY}` };
  const client = chatClient("Connect JSON", service.url);
  const { id: roomId } = await client.createChatRoom({ postId: 1n, userId: 1n }, { headers });
  await client.sendMessage({ roomId, userId: 1n, body: "hello" }, { headers });
  tokens = {
    user: await provider.token({ sub: "1" }),
    viewer: await provider.token({ view: [`${roomId}`] }),
    service: await provider.token({ sub: "billing", scope: "service" }),
    key: KEY,
  } satisfies Record<(typeof TOKENS)[number], string>;
});

afterAll(async () => {
  session?.destroy();
  await service?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

test(
  "[P7] hostile inputs are answered in time, without a fault and without growth",
  async () => {
    const { server } = service;
    await run(SECONDS / 3);
    const { now: before } = await server.memory();
    await run((SECONDS * 2) / 3);
    const { now: after } = await server.memory();
    console.log(`${Math.round(before)} MiB, then ${Math.round(after)} MiB`);
    expect(after - before, "MiB of growth").toBeLessThan(GROWTH_MIB);
    expect(server.faults).toEqual([]);
    const headers = { authorization: `Bearer ${KEY}` };
    const client = chatClient("gRPC", service.url);
    const { id: roomId } = await client.createChatRoom({ postId: freshId(), userId: 1n }, { headers });
    expect((await client.sendMessage({ roomId, userId: 1n, body: "and it goes on" }, { headers })).seq).toBe(1n);
  },
  (SECONDS + 120) * 1_000,
);

test.each(found as { what: string; input: HostileInput }[])("[P7] $what is answered", async ({ input }) => {
  expect(await fate(input)).toBe("fine");
  expect(service.server.faults).toEqual([]);
});

/** Inputs in groups, so that they also meet one another. */
function run(seconds: number): Promise<void> {
  return fc.assert(
    fc.asyncProperty(fc.array(hostileInputs, { minLength: 1, maxLength: 24 }), async (inputs) => {
      const fates = await Promise.all(inputs.map(fate));
      const bad = inputs.filter((_, i) => fates[i] !== "fine");
      // On a busy machine all may be late; what hangs does so alone as well.
      for (const input of bad) expect(await fate(input), JSON.stringify(input)).toBe("fine");
      expect(service.server.faults, JSON.stringify(inputs)).toEqual([]);
    }),
    { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1_000, verbose: true },
  );
}

/** What comes of an input: "fine", or what is wrong. */
async function fate(input: HostileInput): Promise<string> {
  const late = new AbortController();
  const inTime = sleep(ANSWER_MS, "neither answered nor closed", { signal: late.signal }).catch(() => "fine");
  try {
    return await Promise.race(["chunks" in input ? connection(input.chunks) : answer(input), inTime]);
  } finally {
    late.abort();
  }
}

/** Writes to a connection and ends it, and waits for the server to do likewise. */
async function connection(chunks: readonly string[]): Promise<string> {
  const socket = await openSocket(service.url);
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve("fine")));
  socket.resume();
  for (const chunk of chunks) {
    if (!socket.destroyed)
      await new Promise<void>((resolve) => socket.write(Buffer.from(chunk, "hex"), () => resolve()));
  }
  socket.end();
  return closed;
}

const FAULTS = ["internal", "unknown", "data_loss"];

async function answer(call: HostileCall): Promise<string> {
  const token = tokens[call.token];
  const authorization = token === undefined ? call.token : `Bearer ${token}`;
  const headers = { ...call.headers, ...(authorization !== "" && { authorization }) };
  const response = await (call.isHttp2 ? overHttp2 : overHttp1)({ ...call, headers });
  if (response === undefined) return "fine"; // the connection was closed
  if (response.status >= 500 && ![501, 503, 504, 505].includes(response.status)) return `HTTP ${response.status}`;
  const code = codeOf(response);
  return FAULTS.includes(code) ? `${code}: ${response.body}` : "fine";
}

/** Of an answer that has come as a whole; a stream that was left has no code yet. */
function codeOf(response: RawResponse): string {
  try {
    return outcome(response);
  } catch {
    return "none";
  }
}

type Response = RawResponse | undefined;

function overHttp1({ method, path, headers, body }: HostileCall): Promise<Response> {
  return new Promise((resolve) => {
    const call = requestHttp1(service.url + path, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      const { statusCode, headers, trailers } = response;
      const leave = setTimeout(() => response.destroy(), STREAM_MS * (isStream(path) ? 1 : 100));
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
      response.once("close", () => {
        clearTimeout(leave);
        resolve({ status: statusCode!, headers, trailers, body: Buffer.concat(chunks) });
      });
    });
    call.once("error", () => resolve(undefined)).end(Buffer.from(body, "hex"));
  });
}

function overHttp2({ method, path, headers, body }: HostileCall): Promise<Response> {
  if (!session || session.destroyed || session.closed) {
    session = connectHttp2(service.url);
    session.on("error", () => {});
  }
  return new Promise((resolve) => {
    const { te: _, expect: __, ...fields } = headers; // which the client itself would refuse
    const call = session.request({ ":method": method, ":path": path, ...fields });
    const chunks: Buffer[] = [];
    let answered: RawResponse["headers"] | undefined;
    let trailers: RawResponse["headers"] = {};
    let leave: NodeJS.Timeout | undefined;
    call.once("response", (headers) => {
      answered = headers as RawResponse["headers"];
      if (isStream(path)) leave = setTimeout(() => call.close(), STREAM_MS);
    });
    call.once("trailers", (fields) => void (trailers = fields as RawResponse["headers"]));
    call.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
    call.once("close", () => {
      clearTimeout(leave);
      if (!answered) return resolve(undefined);
      const all = "grpc-status" in answered ? answered : trailers;
      resolve({ status: Number(answered[":status"]), headers: answered, trailers: all, body: Buffer.concat(chunks) });
    });
    call.end(Buffer.from(body, "hex"));
  });
}

function isStream(path: string): boolean {
  return /\/(Stream|Watch|ServerReflectionInfo)/.test(path);
}
