import { Code, ConnectError } from "@connectrpc/connect";
import type { Typing } from "../../gen/chat_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { ReadsRelay } from "./reads-relay.ts";
import type { RoomHost } from "./room-host.ts";
import type { Answers, ChatStore, Commit, RoomChange } from "./store.ts";
import { TypingRelay } from "./typing-relay.ts";

interface Waiting {
  readonly change: RoomChange;
  readonly resolve: (answer: Answers[keyof Answers]) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Applies changes with group commit: one transaction is under way at a time, and all changes that arrive meanwhile share
 * the next one. What was committed is published, then answered.
 *
 * `gather` resolves when changes that have arrived, but not yet here, have had their turn: a turn of the event loop,
 * which doubles the groups of a busy server for next to no delay. A change that
 * comes alone, after another that did, doesn't wait for it.
 */
export class Committer implements RoomHost {
  readonly #store: Pick<ChatStore, "commit">;
  readonly #publisher: Publisher;
  readonly #gather: () => Promise<void>;
  readonly #limits: Limits;
  readonly #typing: TypingRelay;
  readonly #reads: ReadsRelay;
  #waiting: Waiting[] = [];
  #waitingCharacters = 0;
  #running = false;
  /** Whether changes came together last time. */
  #isBusy = false;

  constructor(
    store: Pick<ChatStore, "commit">,
    publisher: Publisher,
    { gather = async () => {}, limits = LIMITS }: { gather?: () => Promise<void>; limits?: Limits } = {},
  ) {
    this.#store = store;
    this.#publisher = publisher;
    this.#gather = gather;
    this.#limits = limits;
    this.#typing = new TypingRelay(publisher, limits);
    this.#reads = new ReadsRelay(publisher, limits);
  }

  apply<C extends RoomChange["case"]>(change: Extract<RoomChange, { case: C }>): Promise<Answers[C]> {
    const { waitingChanges, waitingCharacters } = this.#limits;
    if (this.#waiting.length >= waitingChanges || this.#waitingCharacters > waitingCharacters) {
      return Promise.reject(new ConnectError("too many changes are waiting; try again in a second", Code.Unavailable));
    }
    this.#waitingCharacters += characters(change);
    const answer = new Promise<Answers[keyof Answers]>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#running) void this.#run();
    });
    return answer as Promise<Answers[C]>;
  }

  async type(typing: Typing, memberSeq: bigint): Promise<void> {
    this.#typing.pass(typing, memberSeq);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      if (this.#isBusy) await this.#gather();
      this.#isBusy = this.#waiting.length > 1;
      const group = this.#takeGroup();
      let commit: Commit;
      try {
        commit = await this.#store.commit(group.map(({ change }) => change));
      } catch (reason) {
        // Those who wait would meet the same, one group after the other, each only after its own timeout.
        const isAway = reason instanceof ConnectError && reason.code === Code.Unavailable;
        for (const { reject } of isAway ? [...group, ...this.#take(this.#waiting.length)] : group) reject(reason);
        continue;
      }
      for (const news of commit.news) this.#publisher.publish(news);
      for (const mark of commit.reads) this.#reads.pass(mark);
      group.forEach(({ resolve, reject }, i) => {
        const outcome = commit.outcomes[i]!;
        if (outcome instanceof ConnectError) reject(outcome);
        else resolve(outcome);
      });
    }
    this.#running = false;
  }

  #takeGroup(): Waiting[] {
    const { commitChanges, commitCharacters } = this.#limits;
    let total = 0;
    const end = this.#waiting.findIndex(({ change }, i) => {
      total += characters(change);
      return i === commitChanges || (i > 0 && total > commitCharacters);
    });
    return this.#take(end === -1 ? this.#waiting.length : end);
  }

  #take(count: number): Waiting[] {
    const taken = this.#waiting.splice(0, count);
    for (const { change } of taken) this.#waitingCharacters -= characters(change);
    return taken;
  }
}

function characters({ value }: RoomChange): number {
  return "body" in value ? value.body.length : 0;
}
