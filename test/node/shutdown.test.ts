import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { StreamMessageReqSchema } from "../../gen/chat_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/health/v1/health_pb.ts";
import { type ChatClient, chatClient, type Protocol, transports } from "../support/clients.ts";
import { newRoom } from "../support/rooms.ts";
import { ServerProcess, startServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestStream } from "../support/test-stream.ts";
import { envelope, openSocket } from "./raw.ts";

const STREAM = "/chat_grpc.ChatService/StreamMessage";
const protocols = Object.keys(transports) as Protocol[];

/** Sends until the server is gone, and counts what was answered. */
async function sendUntilGone(client: ChatClient, room: { roomId: bigint; userId: bigint }): Promise<number> {
  for (let answered = 0; ; answered++) {
    const isAnswered = await client.sendMessage({ ...room, body: "x" }).then(
      () => true,
      () => false,
    );
    if (!isAnswered) return answered;
  }
}

/** A port that somebody else listens on, until it is disposed. */
async function takePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
}

test.concurrent.each(["SIGTERM", "SIGINT"] as const)(
  "%s under load: not ready, streams end with UNAVAILABLE, calls are answered, exit 0",
  async (signal) => {
    await using started = await startServerProcess({ LOG_LEVEL: "info" });
    const { server, url } = started;
    await using stack = new AsyncDisposableStack();
    const client = chatClient("gRPC", url);
    const { asOwner: room } = await newRoom(client);
    const streams = protocols.map((protocol) => {
      return stack.use(new TestStream(chatClient(protocol, url), { roomIds: [room.roomId], userId: room.userId }));
    });
    await Promise.all(streams.map(({ live }) => live));
    const watch = createClient(Health, transports.gRPC(url)).watch({})[Symbol.asyncIterator]();
    expect((await watch.next()).value.status).toBe(Status.SERVING);
    const idle = await openSocket(url);
    stack.defer(() => void idle.destroy());
    const keptAlive = new Agent({ keepAlive: true });
    stack.defer(() => keptAlive.destroy());
    const probe = request(`${url}/readyz`, { agent: keptAlive }).end();
    const [response] = await once(probe, "response");
    await once(response.resume(), "end");

    const senders = protocols.flatMap((protocol) => {
      const client = chatClient(protocol, url);
      return Array.from({ length: 3 }, () => sendUntilGone(client, room));
    });
    await Promise.all(streams.map((stream) => stream.take(50)));
    void server.kill(signal);
    const exited = server.kill(signal); // as a task runner passes it on
    expect((await watch.next()).value.status).toBe(Status.NOT_SERVING);
    for (const stream of streams) {
      const end = (await stream.ended)!;
      expect(end).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("resume") });
    }
    const ends = await Promise.all(senders);
    expect(await exited).toEqual({ code: 0, signal: null });
    await expect(openSocket(url)).rejects.toThrow(/ECONNREFUSED/);

    // Every send that reached the server was answered, and the answer was heard.
    const answered = ends.reduce((sum, count) => sum + count, 0);
    const log = server.log.filter(({ method }) => method === "chat_grpc.ChatService/SendMessage");
    expect(log.filter(({ code }) => code === "ok")).toHaveLength(answered);
    expect(server.log.filter(({ code }) => code === "internal")).toEqual([]);
    expect(server.stderr).toEqual([]);
  },
);

test.concurrent("readyz says 503 while draining", async () => {
  await using started = await startServerProcess();
  const { server, url } = started;
  // Holds the server in its drain: a call that isn't over, since its request isn't.
  const slow = await openSocket(url);
  slow.write(
    "POST /chat_grpc.ChatService/SendMessage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
  );
  // A connection that is there already. Its first answer says that the server has accepted both.
  const probe = await openSocket(url);
  probe.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(`${(await once(probe, "data"))[0]}`).toMatch(/^HTTP\/1.1 200 /);
  const exited = server.kill("SIGTERM");
  await server.line((line) => line.includes('"draining"'));
  await expect.poll(() => openSocket(url).catch((e) => e.code)).toBe("ECONNREFUSED");
  probe.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(`${(await once(probe, "data"))[0]}`).toMatch(/^HTTP\/1.1 503 .*connection: close\r\n/s);
  slow.write("}");
  expect(`${(await once(slow, "data"))[0]}`).toMatch(/^HTTP\/1.1 400 .*\r\n/);
  expect(await exited).toEqual({ code: 0, signal: null });
});

test.concurrent("clients that don't read are not waited for longer than the grace", async () => {
  await using started = await startServerProcess({ LOG_LEVEL: "warning" });
  const { server, url } = started;
  await using stack = new AsyncDisposableStack();
  const client = chatClient("gRPC", url);
  const { asOwner: room } = await newRoom(client);
  const message = create(StreamMessageReqSchema, { roomIds: [room.roomId], userId: room.userId });

  const socket = await openSocket(url);
  stack.defer(() => void socket.destroy());
  const body = envelope(Buffer.from(toJsonString(StreamMessageReqSchema, message)));
  socket.write(
    `POST ${STREAM} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/connect+json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  await once(socket, "data");
  socket.pause();
  const session = connectHttp2(url).on("error", () => {});
  stack.defer(() => session.destroy());
  const call = session.request({ ":method": "POST", ":path": STREAM, "content-type": "application/grpc" });
  call.on("error", () => {}).end(envelope(toBinary(StreamMessageReqSchema, message)));
  await once(call, "response");

  const big = "x".repeat(8000);
  await Promise.all(Array.from({ length: 600 }, () => client.sendMessage({ ...room, body: big })));
  const begun = performance.now();
  expect(await server.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(server.stderr).toEqual([]);
});

test.concurrent("a second signal ends it at once", async () => {
  await using started = await startServerProcess();
  const { server, url } = started;
  const slow = await openSocket(url);
  slow.write("POST /chat_grpc.ChatService/SendMessage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  void server.kill("SIGTERM");
  await server.line((line) => line.includes('"draining"'));
  await sleep(500);
  const begun = performance.now();
  expect(await server.kill("SIGINT")).toEqual({ code: 1, signal: null });
  expect(performance.now() - begun).toBeLessThan(2_000);
});

describe.concurrent("a start that can't succeed exits with 1 and says why", () => {
  async function failure(env: Record<string, string>) {
    await using server = new ServerProcess(env);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stdout.filter((line) => !line.startsWith("{"))).toEqual([]); // the log may tell of a migration
    for (const line of server.stderr) expect(line).not.toMatch(/^\s+at |node:internal/);
    return server.stderr.join("\n");
  }

  test("the port is taken", async () => {
    await using directory = await temporaryDirectory();
    await using taken = await takePort();
    const { port } = taken;
    const words = await failure({ PORT: `${port}`, DATABASE_URL: `file:${directory.path}/roomlog.db` });
    expect(words).toMatch(new RegExp(`^roomlog: .*${port}`));
  });

  test("the environment has mistakes: all of them", async () => {
    const words = await failure({
      PORT: "http",
      HOST: "0.0.0.0",
      DATABASE_URL: "postgres://x",
      CORS_ORIGINS: "app",
      LOG_LEVEL: "loud",
    });
    for (const name of ["PORT", "HOST", "AUTH", "DATABASE_URL", "CORS_ORIGINS", "LOG_LEVEL"])
      expect(words).toContain(name);
  });

  test.each([
    ["in a directory that can't be made", `file:${import.meta.filename}/data/roomlog.db`],
    ["a directory", "file:/tmp"],
    ["a name that isn't known", "libsql://nowhere.invalid"],
  ])("the database is %s", async (_, url) => {
    expect(await failure({ DATABASE_URL: url })).toMatch(/^roomlog: .*database/);
  });

  test("the database is a server that isn't there", async () => {
    const { port, [Symbol.asyncDispose]: free } = await takePort();
    await free();
    expect(await failure({ DATABASE_URL: `http://127.0.0.1:${port}` })).toMatch(
      /^roomlog: the database .*ECONNREFUSED/,
    );
  });

  test("the database is a file of something else", async () => {
    expect(await failure({ DATABASE_URL: `file:${import.meta.filename}` })).toMatch(/^roomlog: .*database/);
  });
});
