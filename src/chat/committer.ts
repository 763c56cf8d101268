import { ConnectError } from "@connectrpc/connect";
import type { Typing } from "../../gen/chat_pb.ts";
import type { Publisher } from "./broadcaster.ts";
import { GroupCommit, type GroupCommitOptions } from "./group-commit.ts";
import { LIMITS } from "./limits.ts";
import { Quota } from "./quotas.ts";
import { ReadsRelay } from "./reads-relay.ts";
import type { RoomHost } from "./room-host.ts";
import type { Answers, ChatStore, Commit, RoomChange } from "./store.ts";
import { TypingRelay } from "./typing-relay.ts";

/** Applies changes with group commit: what was committed is published, then answered. */
export class Committer implements RoomHost {
  readonly #publisher: Publisher;
  readonly #changes: GroupCommit;
  /** What each user sends to each room. */
  readonly #sends: Quota;
  readonly #typing: TypingRelay;
  readonly #reads: ReadsRelay;

  constructor(
    store: Pick<ChatStore, "commit">,
    publisher: Publisher,
    { gather, limits = LIMITS }: Pick<GroupCommitOptions, "gather" | "limits"> = {},
  ) {
    this.#publisher = publisher;
    const onCommit = (commit: Commit) => this.#publish(commit);
    this.#changes = new GroupCommit(store, { ...(gather && { gather }), limits, onCommit });
    this.#sends = new Quota("roomSendsPerSecond", 1_000, limits.roomSendsBurst, limits);
    this.#typing = new TypingRelay(publisher, limits);
    this.#reads = new ReadsRelay(publisher, limits);
  }

  async apply<C extends RoomChange["case"]>(
    change: Extract<RoomChange, { case: C }>,
    isOfUser = false,
  ): Promise<Answers[C]> {
    if (isOfUser) this.#sends.take(`${change.value.roomId}/${senderOf(change)}`);
    const { commit, first } = await this.#changes.commit([change]);
    const outcome = commit.outcomes[first]!;
    if (outcome instanceof ConnectError) throw outcome;
    return outcome as Answers[C];
  }

  async type(typing: Typing, memberSeq: bigint): Promise<void> {
    this.#typing.pass(typing, memberSeq);
  }

  #publish({ news, reads }: Commit): void {
    for (const each of news) this.#publisher.publish(each);
    for (const mark of reads) this.#reads.pass(mark);
  }
}

/** Whose change it is, of those that count as sends. */
function senderOf({ value }: RoomChange): bigint {
  if ("userId" in value) return value.userId;
  return "actorId" in value ? value.actorId : 0n;
}
