import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { type Member, type Message, Role, type Room } from "../../../gen/chat_pb.ts";
import type { ReadMark } from "../../../gen/room/room_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import type { Answers } from "../../chat/store.ts";
import type { Rows } from "../database.ts";

/**
 * One change as part of a commit.
 *
 * One of its statements is its judgement: a row with what the change finds and a verdict on it. The statements that
 * change something select from the same SQL, and change nothing unless the verdict is 'ok'. So each rule is written once.
 * It comes first, or last, and then judges only what was not changed.
 */
export interface Operation {
  readonly statements: InStatement[];
  /** What to make of the results of the statements. Doesn't throw: what happened has been committed by then. */
  readonly outcome: (...results: Rows[]) => OperationOutcome;
}

export interface OperationOutcome {
  readonly answer: Answers[keyof Answers] | ConnectError;
  /** Set where the change is one of the room's log, of its members, or of its record. */
  readonly message?: Message;
  readonly member?: Member;
  /** A message that changed after it: the one that its thread began with. */
  readonly root?: Message;
  readonly room?: Room;
  /** The room's member_seq after it, where any of them is set. */
  readonly memberSeq?: bigint;
  /** Set where it deleted a room. */
  readonly deletedRoomId?: bigint;
  /** Of a change that consists of several. */
  readonly parts?: readonly OperationOutcome[];
  /** Set where a read position moved. */
  readonly read?: ReadMark;
}

/** The revision that a room takes which changes. */
export const NEXT_REVISION = "(SELECT revision + 1 FROM log_head)";

/** The membership of a user, by the name of a parameter, as the condition of a join. */
export function isMember(alias: string, user: string, room = "?1"): string {
  return `${alias}.room_id = ${room} AND ${alias}.user_id = ${user} AND ${alias}.removed_at IS NULL`;
}

/**
 * The actor, by the name of a parameter, and room ?1 as the actor finds it: a member does, and user 0, which is a service.
 * A stranger causes the same work whether or not there is such a room.
 */
export function asSeenBy(actor: string): string {
  return `FROM (SELECT CAST(${actor} AS INTEGER) = 0 AS is_service)
    LEFT JOIN members AS actors ON ${isMember("actors", actor)}
    LEFT JOIN rooms ON rooms.id = iif(is_service, ?1, actors.room_id)`;
}

/** Whether an actor who finds the room may what its owner may. */
export const IS_OWNER = "(is_service OR rooms.owner_id = actors.user_id)";

/** Whether such an actor may what a moderator may. */
export const IS_MODERATOR = `(${IS_OWNER} OR actors.role = ${Role.MODERATOR})`;

export function denied(message: string): ConnectError {
  return new ConnectError(message, Code.PermissionDenied);
}

/** Why what an actor wants to do to a member was refused, by the verdict; nothing, if it was not. */
export function refusal(
  verdict: unknown,
  { roomId, actorId }: { roomId: bigint; actorId: bigint },
  notAllowed: string,
): ConnectError | undefined {
  switch (verdict) {
    case "no_room":
      return notInRoom(roomId, actorId);
    case "not_member":
      // Without an id, which would tell whether a key is known.
      return new ConnectError(`the user is no member of room ${roomId}`, Code.NotFound);
    case "not_allowed":
      return denied(notAllowed);
    default:
      return undefined;
  }
}
