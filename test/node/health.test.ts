import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/health/v1/health_pb.ts";
import { healthService } from "../../src/rpc/health.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import { type Protocol, transports } from "../support/clients.ts";
import { startNodeService } from "../support/node-service.ts";

const chat = "chat_grpc.ChatService";

/** The next status a watcher is told. */
async function next(watch: AsyncIterator<HealthCheckResponse>): Promise<Status | "end"> {
  const { done, value } = await watch.next();
  return done ? "end" : value.status;
}

describe.each(Object.keys(transports) as Protocol[])("grpc.health.v1.Health over %s", (protocol) => {
  test("follows the server until it shuts down", async () => {
    await using stack = new AsyncDisposableStack();
    const service = await startNodeService();
    const client = createClient(Health, transports[protocol](service.url));
    expect((await client.check({})).status).toBe(Status.SERVING);
    expect((await client.check({ service: chat })).status).toBe(Status.SERVING);
    const statuses = Object.entries((await client.list({})).statuses).map(([name, { status }]) => [name, status]);
    expect(statuses.sort()).toEqual([
      ["", Status.SERVING],
      [chat, Status.SERVING],
      ["grpc.health.v1.Health", Status.SERVING],
    ]);

    const unknown = await client.check({ service: "nothing" }).catch(ConnectError.from);
    expect((unknown as ConnectError).code).toBe(Code.NotFound);
    const left = new AbortController();
    stack.defer(() => left.abort());
    const watchUnknown = client.watch({ service: "nothing" }, { signal: left.signal })[Symbol.asyncIterator]();
    expect(await next(watchUnknown)).toBe(Status.SERVICE_UNKNOWN);

    const watches = ["", chat].map((service) =>
      client.watch({ service }, { signal: left.signal })[Symbol.asyncIterator](),
    );
    for (const watch of watches) expect(await next(watch)).toBe(Status.SERVING);
    const ended = service[Symbol.asyncDispose]();
    for (const watch of watches) {
      expect(await next(watch)).toBe(Status.NOT_SERVING);
      const end = await watch.next().catch(ConnectError.from);
      expect((end as ConnectError).code).toBe(Code.Unavailable);
    }
    await ended;
  });
});

describe("health of a database that comes and goes", () => {
  test("is NOT_SERVING while it is away, and SERVING when it is back", async () => {
    let isThere = true;
    const readiness = new Readiness(async () => {
      if (!isThere) throw new Error("gone");
    });
    const health = healthService(readiness, [chat]);
    const request = create(HealthCheckRequestSchema, { service: chat });
    const watch = await health.watch.open(undefined, request);
    const next = async () => (await watch.next()).flatMap(health.watch.messages).map(({ status }) => status);
    expect(await next()).toEqual([Status.SERVING]);
    isThere = false;
    expect(await next()).toEqual([Status.NOT_SERVING]);
    const { status } = await health.check(undefined, create(HealthCheckRequestSchema));
    expect(status).toBe(Status.NOT_SERVING);
    isThere = true;
    expect(await next()).toEqual([Status.SERVING]);
    const end = next();
    watch.close(new Error("gone"));
    await expect(end).rejects.toThrow("gone");
  });
});
