import { createMethodUrl, type UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { expect, vi } from "vitest";
import { ChatService } from "../../gen/chat_pb.ts";
import { trust } from "../../src/auth/trust.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { createInvoke, type Invoke } from "../../src/rpc/invoke.ts";
import { OpenStreams } from "../../src/rpc/open-stream.ts";
import { Readiness } from "../../src/rpc/readiness.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { createRpcs } from "../../src/rpc/rpcs.ts";
import { createValidate } from "../../src/rpc/validate.ts";
import { MemoryLog, type Step } from "./memory-log.ts";
import { ours, type Pipeline } from "./pipelines.ts";

/** StreamMessage and StreamEvents over a log in memory. Needs vitest's fake timers. */
export class StreamSetup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly shutdown = new AbortController();
  readonly openStreams = new OpenStreams(this.shutdown.signal);
  readonly rpcs: readonly Rpc[];
  readonly invoke: Invoke;
  readonly handler: UniversalHandlerFn;
  readersAtHead: ChatStore["readersAtHead"] = (userId, roomIds) => this.log.readersAtHead(userId, roomIds);
  readLogs: ChatStore["readLogs"] = (readers, size) => this.log.readLogs(readers, size);

  constructor(pipeline: Pipeline = ours) {
    const store: Pick<ChatStore, "readersAtHead" | "readLogs"> = {
      readersAtHead: (userId, roomIds) => this.readersAtHead(userId, roomIds),
      readLogs: (readers, size) => this.readLogs(readers, size),
    };
    const onlyStreams = () => Promise.reject(new Error("only streams here"));
    const parts = {
      store: store as ChatStore,
      subscriber: this.broadcaster,
      rooms: { apply: onlyStreams, type: onlyStreams },
    };
    this.invoke = createInvoke({
      identify: trust,
      validate: createValidate(LIMITS, []),
      openStreams: this.openStreams,
      limits: LIMITS,
    });
    this.rpcs = createRpcs(parts, new Readiness(async () => {}));
    const handlers = pipeline(this.rpcs, this.invoke);
    const paths = new Map(ChatService.methods.map((method) => [method.name, createMethodUrl("", method)]));
    this.handler = (request) => handlers.get(paths.get(request.url.split("/").at(-1)!)!)!(request);
  }

  commit(roomId: bigint, count = 1): void {
    this.broadcaster.publish(this.log.append(roomId, count));
  }

  change(roomId: bigint, ...steps: Step[]): void {
    this.broadcaster.publish(this.log.commit(roomId, steps));
  }

  expectNothingLeft(): void {
    expect(this.broadcaster.size, "followed rooms").toBe(0);
    expect(this.openStreams.size, "open streams").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
  }
}

/** All microtasks, and no time. */
export const nextTurn = () => new Promise(setImmediate);
