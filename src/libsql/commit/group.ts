import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import type { Member, Message } from "../../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../../gen/room/room_pb.ts";
import type { Commit, RoomChange } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import type { Bounds } from "./bounds.ts";
import { addMember, removeMember } from "./members.ts";
import { deleteMessage, editMessage } from "./messages.ts";
import type { Operation, OperationOutcome } from "./operation.ts";
import { transferOwnership } from "./owner.ts";
import { markRead } from "./reads.ts";
import { setRole } from "./role.ts";
import { type SendOutcomes, type Sends, sendMessages } from "./sends.ts";

/** The changes of one commit as statements of one transaction: the sends, then the other changes in their order. */
export class CommitGroup {
  readonly statements: InStatement[];
  readonly #changes: readonly RoomChange[];
  readonly #sends: Sends;
  readonly #operations: readonly Operation[];

  constructor(changes: readonly RoomChange[], bounds: Bounds) {
    const now = BigInt(Date.now());
    const sends = changes.flatMap((change) => (change.case === "sendMessage" ? [change.value] : []));
    this.#changes = changes;
    this.#sends = sendMessages(sends, now);
    this.#operations = changes.flatMap((change) =>
      change.case === "sendMessage" ? [] : [operation(change, now, bounds)],
    );
    this.statements = [...this.#sends.statements, ...this.#operations.flatMap(({ statements }) => statements)];
  }

  /** What came of it. Doesn't throw: what happened has to be told, and answered. */
  commit(results: readonly Rows[]): Commit {
    const rest = [...results];
    const sent = this.#sends.outcome(...rest.splice(0, this.#sends.statements.length));
    const others = this.#operations.map(({ statements, outcome }) => outcome(...rest.splice(0, statements.length)));
    const [ofSends, ofOthers] = [sent.answers.values(), others.values()];
    return {
      outcomes: this.#changes.map((change) => {
        return change.case === "sendMessage" ? ofSends.next().value! : ofOthers.next().value!.answer;
      }),
      news: toNews(sent, others),
      reads: others.flatMap(({ read }) => read ?? []),
    };
  }
}

function operation(change: Exclude<RoomChange, { case: "sendMessage" }>, now: bigint, bounds: Bounds): Operation {
  switch (change.case) {
    case "editMessage":
      return editMessage(change.value, now);
    case "deleteMessage":
      return deleteMessage(change.value, now);
    case "addMember":
      return addMember(change.value, now, bounds);
    case "removeMember":
      return removeMember(change.value, now);
    case "transferOwnership":
      return transferOwnership(change.value, now);
    case "setRole":
      return setRole(change.value, now);
    case "markRead":
      return markRead(change.value, now);
  }
}

/** What readers have to know: per room, its changes, which come in the order of their numbers. */
function toNews(sent: SendOutcomes, others: readonly OperationOutcome[]): News[] {
  const messagesOf = Map.groupBy([...sent.stored, ...others.flatMap(({ message }) => message ?? [])], roomOf);
  const membersOf = Map.groupBy(
    others.flatMap(({ member }) => member ?? []),
    roomOf,
  );
  const memberSeqs = new Map(sent.memberSeqs);
  for (const { message, member, memberSeq } of others) {
    if (memberSeq !== undefined) memberSeqs.set(roomOf((message ?? member)!), memberSeq);
  }
  return [...memberSeqs].map(([roomId, memberSeq]) => {
    const [messages, members] = [messagesOf.get(roomId) ?? [], membersOf.get(roomId) ?? []];
    return create(NewsSchema, { roomId, messages, members, memberSeq });
  });
}

function roomOf({ roomId }: Message | Member): bigint {
  return roomId;
}
