import { create } from "@bufbuild/protobuf";
import type { InStatement } from "@libsql/client";
import type { Member, Message, Room } from "../../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../../gen/room/room_pb.ts";
import type { Commit, RoomChange } from "../../chat/store.ts";
import type { Rows } from "../database.ts";
import { addMember, addMembers } from "./addition.ts";
import { setBan } from "./ban.ts";
import type { Bounds } from "./bounds.ts";
import { deleteRoom, eraseRoom } from "./deletion.ts";
import { deleteMessage, editMessage } from "./messages.ts";
import { setMute } from "./mute.ts";
import type { Operation, OperationOutcome } from "./operation.ts";
import { transferOwnership } from "./owner.ts";
import { setPin } from "./pin.ts";
import { setReaction } from "./reaction.ts";
import { markRead } from "./reads.ts";
import { updateRoom } from "./record.ts";
import { removeMember } from "./removal.ts";
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
    const steps = others.flatMap(({ parts, ...outcome }) => parts ?? outcome);
    const [ofSends, ofOthers] = [sent.answers.values(), others.values()];
    return {
      outcomes: this.#changes.map((change) => {
        return change.case === "sendMessage" ? ofSends.next().value! : ofOthers.next().value!.answer;
      }),
      news: toNews(sent, steps),
      reads: steps.flatMap(({ read }) => read ?? []),
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
    case "addMembers":
      return addMembers(change.value, now, bounds);
    case "removeMember":
      return removeMember(change.value, now);
    case "transferOwnership":
      return transferOwnership(change.value, now);
    case "setRole":
      return setRole(change.value, now);
    case "setMute":
      return setMute(change.value, now);
    case "setBan":
      return setBan(change.value, now, bounds);
    case "markRead":
      return markRead(change.value, now);
    case "setReaction":
      return setReaction(change.value, now);
    case "setPin":
      return setPin(change.value, now, bounds);
    case "updateRoom":
      return updateRoom(change.value, now);
    case "deleteRoom":
      return deleteRoom(change.value, now);
    case "eraseRoom":
      return eraseRoom(change.value, now);
  }
}

/** What readers have to know: per room, its changes, which come in the order of their numbers. */
function toNews(sent: SendOutcomes, others: readonly OperationOutcome[]): News[] {
  const changed = others.flatMap(({ message, root }) => [message ?? [], root ?? []].flat());
  const messagesOf = Map.groupBy([...sent.stored, ...sent.roots, ...changed], roomOf);
  const membersOf = Map.groupBy(
    others.flatMap(({ member }) => member ?? []),
    roomOf,
  );
  const records = new Map(others.flatMap(({ room }) => (room ? [[room.id, room] as const] : [])));
  const deleted = new Set(others.flatMap(({ deletedRoomId }) => deletedRoomId ?? []));
  const memberSeqs = new Map(sent.memberSeqs);
  for (const { message, member, room, memberSeq } of others) {
    if (memberSeq !== undefined) memberSeqs.set(roomOf((message ?? member ?? room)!), memberSeq);
  }
  for (const roomId of deleted) memberSeqs.delete(roomId);
  return [
    ...[...memberSeqs].map(([roomId, memberSeq]) => {
      const [messages, members] = [inOrder(messagesOf.get(roomId)), membersOf.get(roomId) ?? []];
      return create(NewsSchema, { roomId, messages, members, room: records.get(roomId), memberSeq });
    }),
    ...[...deleted].map((roomId) => create(NewsSchema, { roomId, isDeleted: true })),
  ];
}

/** Messages that threads began with take their numbers after all sends of a commit, and come in no order. */
function inOrder(messages: readonly Message[] = []): Message[] {
  return messages.toSorted((a, b) => Number(a.seq - b.seq));
}

function roomOf(changed: Message | Member | Room): bigint {
  return changed.$typeName === "chat_grpc.Room" ? changed.id : changed.roomId;
}
