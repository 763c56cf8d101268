import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import type { Member, Message, RemoveMemberReq, Room, TransferOwnershipReq } from "../../../gen/chat_pb.ts";
import type { ReadMark } from "../../../gen/room/room_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";

/**
 * One change as part of a commit.
 *
 * Its first statement is its judgement: one row, with what the change finds and a verdict on it. The statements that
 * change something select from the same SQL, and change nothing unless the verdict is 'ok'. So each rule is written once.
 */
export interface Operation {
  readonly statements: InStatement[];
  /** What to make of the results of the statements. Doesn't throw: what happened has been committed by then. */
  readonly outcome: (...results: Rows[]) => OperationOutcome;
}

export interface OperationOutcome {
  readonly answer: Message | Member | Room | ConnectError;
  /** Set where the change is one of the room's log, or of its members. */
  readonly message?: Message;
  readonly member?: Member;
  /** Set where a read position moved. */
  readonly read?: ReadMark;
}

/** The revision that a room takes which changes. */
export const NEXT_REVISION = "(SELECT revision + 1 FROM log_head)";

/** The membership of a user, by the name of a parameter, as the condition of a join. */
export function isMember(alias: string, user: string, room = "?1"): string {
  return `${alias}.room_id = ${room} AND ${alias}.user_id = ${user} AND ${alias}.removed_at IS NULL`;
}

export function denied(message: string): ConnectError {
  return new ConnectError(message, Code.PermissionDenied);
}

/** Why what one member wants to do to another was refused, by the verdict; nothing, if it was not. */
export function refusal(
  verdict: unknown,
  { roomId, userId, actorId }: RemoveMemberReq | TransferOwnershipReq,
  notOwner: string,
): ConnectError | undefined {
  switch (verdict) {
    case "no_actor":
      return notInRoom(roomId, actorId);
    case "not_member":
      return notInRoom(roomId, userId);
    case "not_owner":
      return denied(notOwner);
    default:
      return undefined;
  }
}
