import type { SetPinReq } from "../../../gen/chat_pb.ts";
import { limitReached } from "../../chat/errors.ts";
import type { Bounds } from "./bounds.ts";
import { headStatement, isAllowed, judgement, messageOutcome, NEXT_NUMBERS, unlessChanged } from "./messages.ts";
import { denied, IS_MODERATOR, type Operation } from "./operation.ts";

/** With ?4, how many messages of a room may be pinned. */
const pin = (isOn: boolean) =>
  judgement(`
  WHEN NOT ${IS_MODERATOR} THEN 'not_moderator'
  WHEN messages.deleted_at IS NOT NULL THEN 'deleted'
  WHEN messages.pinned_at IS ${isOn ? "NOT NULL" : "NULL"} THEN 'done'
  ${isOn ? TOO_MANY : ""}`);

const TOO_MANY = `WHEN EXISTS (
    SELECT 1 FROM messages AS pinned WHERE pinned.room_id = rooms.id AND pinned.pinned_at IS NOT NULL
    LIMIT 1 OFFSET CAST(?4 AS INTEGER) - 1
  ) THEN 'too_many'`;

/** The statement that pins or unpins, with ?5, the time, and the one that says why it has not. */
function statements(isOn: boolean) {
  const judged = pin(isOn);
  const change = `UPDATE messages SET pinned_at = ${isOn ? "?5" : "NULL"}, ${NEXT_NUMBERS},
      updated_at = max(CAST(?5 AS INTEGER), updated_at + 1)
    WHERE ${isAllowed(judged)} RETURNING *`;
  return { change, whyNot: unlessChanged(judged) };
}

const PIN = statements(true);
const UNPIN = statements(false);

export function setPin(req: SetPinReq, now: bigint, { pinnedMessages }: Bounds): Operation {
  const { roomId, messageId, actorId, on } = req;
  const { change, whyNot } = on ? PIN : UNPIN;
  const actor = [roomId, messageId, actorId];
  const args = [...actor, BigInt(pinnedMessages)];
  return {
    statements: [
      { sql: change, args: [...args, now] },
      headStatement(roomId),
      { sql: whyNot, args: on ? args : actor },
    ],
    outcome(changed, head, judged) {
      switch (judged![0]?.verdict) {
        case "not_moderator":
          return { answer: denied("only the room's owner and moderators may pin messages; ask one of them") };
        case "too_many": {
          const message = `room ${roomId} has ${pinnedMessages} pinned messages, as many as a room may have; unpin one first`;
          return { answer: limitReached("pinnedMessages", message) };
        }
        default:
          return messageOutcome({ roomId, messageId, userId: actorId }, changed!, head!, judged!);
      }
    },
  };
}
