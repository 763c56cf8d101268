import { Code, ConnectError } from "@connectrpc/connect";
import type { Message, SendMessageReq } from "../../gen/chat_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { COMMIT_CHARACTERS, COMMIT_SENDS, WAITING_SENDS } from "./limits.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore, Outcome } from "./store.ts";

interface Waiting {
  readonly req: SendMessageReq;
  readonly resolve: (message: Message) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Applies changes with group commit: one transaction is under way at a time, and all sends that arrive meanwhile share
 * the next one. What was committed is published, then answered.
 */
export class Committer implements RoomHost {
  readonly #store: Pick<ChatStore, "commit">;
  readonly #publisher: Publisher;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(store: Pick<ChatStore, "commit">, publisher: Publisher) {
    this.#store = store;
    this.#publisher = publisher;
  }

  send(req: SendMessageReq): Promise<Message> {
    if (this.#waiting.length >= WAITING_SENDS) {
      return Promise.reject(new ConnectError("too many sends are waiting; try again in a second", Code.Unavailable));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ req, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      let outcomes: Outcome[];
      try {
        outcomes = await this.#store.commit(group.map(({ req }) => req));
      } catch (reason) {
        for (const { reject } of group) reject(reason);
        continue;
      }
      this.#publish(outcomes);
      group.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i]!;
        if (outcome instanceof ConnectError) reject(outcome);
        else resolve(outcome.message);
      });
    }
    this.#running = false;
  }

  #takeGroup(): Waiting[] {
    let characters = 0;
    const end = this.#waiting.findIndex(({ req }, i) => {
      characters += req.body.length;
      return i === COMMIT_SENDS || (i > 0 && characters > COMMIT_CHARACTERS);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  #publish(outcomes: readonly Outcome[]): void {
    const fresh = outcomes.flatMap((outcome) =>
      outcome instanceof ConnectError || !outcome.isNew ? [] : [outcome.message],
    );
    for (const batch of Map.groupBy(fresh, (message) => message.roomId).values()) {
      this.#publisher.publish(batch as [Message, ...Message[]]);
    }
  }
}
