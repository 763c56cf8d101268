import { createMethodUrl, type UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { expect, vi } from "vitest";
import { ChatService } from "../../gen/chat_pb.ts";
import { trust } from "../../src/auth/trust.ts";
import { ChangeLog } from "../../src/chat/change-log.ts";
import { Feeds } from "../../src/chat/feeds.ts";
import { HEAD_WATCH_MS, LIMITS } from "../../src/chat/limits.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { Quotas } from "../../src/chat/quotas.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { createInvoke, type Invoke } from "../../src/rpc/invoke.ts";
import { OpenStreams } from "../../src/rpc/open-stream.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { createRpcs } from "../../src/rpc/rpcs.ts";
import { createValidate } from "../../src/rpc/validate.ts";
import { MemoryLog, type Step } from "./memory-log.ts";
import { MemoryPresence } from "./memory-presence.ts";
import { MemoryUsers } from "./memory-users.ts";
import { openGate } from "./open-gate.ts";
import { ours, type Pipeline } from "./pipelines.ts";

/** StreamMessage and StreamEvents over a log in memory. Needs vitest's fake timers. */
export class StreamSetup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly shutdown = new AbortController();
  readonly openStreams: OpenStreams;
  readonly feeds: Feeds;
  readonly rpcs: readonly Rpc[];
  readonly invoke: Invoke;
  readonly handler: UniversalHandlerFn;
  memberships: ChatStore["memberships"] = (userId, roomIds) => this.log.memberships(userId, roomIds);
  readLogs: ChatStore["readLogs"] = (places, size) => this.log.readLogs(places, size);
  changedRooms: ChatStore["changedRooms"] = (after, among) => this.log.changedRooms(after, among);

  changedLists: ChatStore["changedLists"] = (places, size) => this.log.changedLists(places, size);

  /** @param streamMaxAgeMs when streams end, in milliseconds, give or take a tenth; never, if it isn't given */
  constructor(pipeline: Pipeline = ours, streamMaxAgeMs?: number) {
    this.openStreams = new OpenStreams(this.shutdown.signal, streamMaxAgeMs);
    const store: Pick<ChatStore, "memberships" | "readLogs" | "changedRooms" | "changedLists"> = {
      memberships: (userId, roomIds) => this.memberships(userId, roomIds),
      readLogs: (places, size) => this.readLogs(places, size),
      changedRooms: (after, among) => this.changedRooms(after, among),
      changedLists: (places, size) => this.changedLists(places, size),
    };
    const onlyStreams = () => Promise.reject(new Error("only streams here"));
    this.feeds = new Feeds({ store, subscriber: this.broadcaster });
    const parts = {
      store: store as ChatStore,
      feeds: () => this.feeds,
      presence: new MemoryPresence(),
      changes: () => new ChangeLog(store as ChatStore, LIMITS, HEAD_WATCH_MS),
      rooms: { apply: onlyStreams, type: onlyStreams },
      users: new MemoryUsers(),
      gate: openGate,
    };
    this.invoke = createInvoke({
      identify: trust,
      validate: createValidate(LIMITS, []),
      users: parts.users,
      quotas: new Quotas(LIMITS),
      openStreams: this.openStreams,
      publicStreams: this.openStreams,
      gate: openGate,
      limits: LIMITS,
    });
    this.rpcs = createRpcs(parts, new Readiness(async () => {}), "users");
    const handlers = pipeline(this.rpcs, this.invoke);
    const paths = new Map(ChatService.methods.map((method) => [method.name, createMethodUrl("", method)]));
    this.handler = (request) => handlers.get(paths.get(request.url.split("/").at(-1)!)!)!(request);
  }

  commit(roomId: bigint, count = 1): void {
    this.broadcaster.publish(this.log.append(roomId, count));
  }

  change(roomId: bigint, ...steps: Step[]): void {
    this.broadcaster.publish(this.log.change(roomId, ...steps));
  }

  expectNothingLeft(): void {
    expect(this.feeds.size, "followed rooms").toBe(0);
    expect(this.broadcaster.size, "subscriptions").toBe(0);
    expect(this.openStreams.size, "open streams").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
  }
}

/** All microtasks, and no time. */
export const nextTurn = () => new Promise(setImmediate);
