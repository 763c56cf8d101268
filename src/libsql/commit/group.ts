import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import type { Member, Message } from "../../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../../gen/room/room_pb.ts";
import type { Commit, RoomChange } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { addMember, removeMember } from "./members.ts";
import { deleteMessage, editMessage } from "./messages.ts";
import type { Operation } from "./operation.ts";
import { transferOwnership } from "./owner.ts";
import { markRead } from "./reads.ts";
import { type Sends, sendMessages } from "./sends.ts";

/** The changes of one commit as statements of one transaction: the sends, then the other changes in their order. */
export class CommitGroup {
  readonly statements: InStatement[];
  readonly #changes: readonly RoomChange[];
  readonly #sends: Sends;
  readonly #operations: readonly Operation[];

  constructor(changes: readonly RoomChange[], greatestId: bigint) {
    const now = BigInt(Date.now());
    const sends = changes.flatMap((change) => (change.case === "sendMessage" ? [change.value] : []));
    const rooms = new Set(changes.map(({ value }) => value.roomId));
    this.#changes = changes;
    this.#sends = sendMessages(sends, now);
    this.#operations = changes.flatMap((change) =>
      change.case === "sendMessage" ? [] : [operation(change, now, greatestId)],
    );
    this.statements = [
      ...this.#sends.statements,
      ...this.#operations.flatMap(({ statements }) => statements),
      { sql: MEMBER_HEADS, args: [`[${[...rooms]}]`] },
    ];
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
      news: toNews(
        [...sent.stored, ...others.flatMap(({ message }) => message ?? [])],
        others.flatMap(({ member }) => member ?? []),
        rest[0]!,
      ),
      reads: others.flatMap(({ read }) => read ?? []),
    };
  }
}

const MEMBER_HEADS = "SELECT id, member_seq FROM rooms WHERE id IN (SELECT value FROM json_each(?1))";

function operation(change: Exclude<RoomChange, { case: "sendMessage" }>, now: bigint, greatestId: bigint): Operation {
  switch (change.case) {
    case "editMessage":
      return editMessage(change.value, now);
    case "deleteMessage":
      return deleteMessage(change.value, now);
    case "addMember":
      return addMember(change.value, now, greatestId);
    case "removeMember":
      return removeMember(change.value, now);
    case "transferOwnership":
      return transferOwnership(change.value, now);
    case "markRead":
      return markRead(change.value, now);
  }
}

/** What readers have to know: per room, its changes, which come in the order of their numbers. */
function toNews(messages: readonly Message[], members: readonly Member[], rooms: Rows): News[] {
  const messagesOf = Map.groupBy(messages, ({ roomId }) => roomId);
  const membersOf = Map.groupBy(members, ({ roomId }) => roomId);
  return rooms.flatMap((row) => {
    const roomId = row.id as bigint;
    const [ofMessages, ofMembers] = [messagesOf.get(roomId) ?? [], membersOf.get(roomId) ?? []];
    if (ofMessages.length + ofMembers.length === 0) return [];
    const memberSeq = row.member_seq as bigint;
    return [create(NewsSchema, { roomId, messages: ofMessages, members: ofMembers, memberSeq })];
  });
}
