import { type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { expect, vi } from "vitest";
import { ChatService } from "../../gen/chat_pb.ts";
import { OpenStreams, withLiveResponses } from "../../src/chat/live-response.ts";
import { MemoryBroadcaster } from "../../src/chat/memory-broadcaster.ts";
import { chatService } from "../../src/chat/service.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { MemoryLog, type Step } from "./memory-log.ts";

export type Pipeline = (handler: UniversalHandler, openStreams: OpenStreams) => UniversalHandler;

/** Connect's own, without live responses. */
export const ordinary: Pipeline = (handler) => handler;

/** StreamMessage and StreamEvents over a log in memory. Needs vitest's fake timers. */
export class StreamSetup {
  readonly log = new MemoryLog();
  readonly broadcaster = new MemoryBroadcaster();
  readonly shutdown = new AbortController();
  readonly handler: UniversalHandlerFn;
  readersAtHead: ChatStore["readersAtHead"] = (userId, roomIds) => this.log.readersAtHead(userId, roomIds);
  readLogs: ChatStore["readLogs"] = (readers, limit) => this.log.readLogs(readers, limit);

  constructor(pipeline: Pipeline = withLiveResponses, options: ConnectRouterOptions = {}) {
    const store: Pick<ChatStore, "readersAtHead" | "readLogs"> = {
      readersAtHead: (userId, roomIds) => this.readersAtHead(userId, roomIds),
      readLogs: (readers, limit) => this.readLogs(readers, limit),
    };
    const onlyStreams = () => Promise.reject(new Error("only streams here"));
    const { streamMessage, streamEvents } = chatService({
      store: store as ChatStore,
      subscriber: this.broadcaster,
      rooms: { apply: onlyStreams, type: onlyStreams },
    });
    const router = createConnectRouter({ shutdownSignal: this.shutdown.signal, ...options });
    router.service(ChatService, { streamMessage, streamEvents });
    const openStreams = new OpenStreams(this.shutdown.signal);
    const handlers = new Map(router.handlers.map((handler) => [handler.method.name, pipeline(handler, openStreams)]));
    this.handler = (request) => handlers.get(request.url.split("/").at(-1)!)!(request);
  }

  commit(roomId: bigint, count = 1): void {
    this.broadcaster.publish(this.log.append(roomId, count));
  }

  change(roomId: bigint, ...steps: Step[]): void {
    this.broadcaster.publish(this.log.commit(roomId, steps));
  }

  expectNothingLeft(): void {
    expect(this.broadcaster.size, "followed rooms").toBe(0);
    expect(vi.getTimerCount(), "timers").toBe(0);
  }
}

/** All microtasks, and no time. */
export const nextTurn = () => new Promise(setImmediate);
