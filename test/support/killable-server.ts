import type { Message } from "../../gen/chat_pb.ts";
import { type ChatClient, chatClient } from "./clients.ts";
import { ServerProcess } from "./server-process.ts";
import { TestStream } from "./test-stream.ts";

/** One life of a server, from its start to its end by kill -9. */
export interface Life {
  readonly client: ChatClient;
  readonly server: ServerProcess;
  isOver: boolean;
}

/** A server that is killed and started again, each time on another port. */
export class KillableServer implements AsyncDisposable {
  readonly #env: Readonly<Record<string, string>>;
  #life = Promise.withResolvers<Life>();

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
    this.#life.promise.catch(() => {});
  }

  /** Resolves while it lives with that life, otherwise with the next one. */
  get life(): Promise<Life> {
    return this.#life.promise;
  }

  async start(): Promise<void> {
    const server = new ServerProcess(this.#env);
    try {
      this.#life.resolve({ client: chatClient("gRPC", await server.listening()), server, isOver: false });
    } catch (e) {
      this.#life.reject(e);
      throw e;
    }
  }

  async kill(): Promise<void> {
    const life = await this.life;
    this.#life = Promise.withResolvers();
    life.isOver = true;
    await life.server.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const life = await Promise.race([this.life, undefined]);
    if (!life) return;
    life.isOver = true;
    await life.server[Symbol.asyncDispose]();
  }
}

/** Follows a room on a server through all of its lives, each time from where it was. Rejects if a stream ends otherwise. */
export class Follower {
  readonly received: Message[] = [];
  readonly #room: { readonly roomId: bigint; readonly userId: bigint };

  constructor(room: { readonly roomId: bigint; readonly userId: bigint }) {
    this.#room = room;
  }

  /** Runs until it has received the message that `isLast`. */
  async follow(server: KillableServer, isLast: (message: Message) => boolean): Promise<void> {
    const { roomId, userId } = this.#room;
    for (;;) {
      const life = await server.life;
      const afterSeq = { [`${roomId}`]: this.received.at(-1)?.seq ?? 0n };
      await using stream = new TestStream(life.client, { roomIds: [roomId], userId, afterSeq });
      const hasAll = stream.until((received) => received.some(isLast)).then(() => true);
      const isDone = await Promise.race([hasAll, stream.ended.then(() => false)]).catch(() => false);
      this.received.push(...stream.received);
      if (isDone) return;
      if (!life.isOver) throw new Error(`the stream ended: ${await stream.ended}`);
    }
  }
}
