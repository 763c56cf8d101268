import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { Role } from "../../../gen/chat_pb.ts";
import { silenced } from "../../chat/errors.ts";
import type { Rows } from "../database.ts";
import { IS_MODERATOR, IS_OWNER } from "./operation.ts";

/** The rights of who speaks, as conditions. */
interface Speaker {
  /** The alias of the speaker's membership. */
  readonly alias: string;
  readonly isOwner: string;
  readonly isModerator: string;
}

/**
 * Why a user who finds the room may not send, edit and react, as cases of a verdict; the time is given by the name of a
 * parameter. What {@link silenceRefusal} makes of it needs {@link silenceColumns}.
 */
export function silences({ alias, isOwner, isModerator }: Speaker, now: string): string {
  return `
    WHEN ${alias}.role = ${Role.READER} AND NOT ${isOwner} THEN 'reader'
    WHEN ${alias}.muted_until > ${now} AND NOT ${isOwner} THEN 'muted'
    WHEN rooms.frozen_until > ${now} AND NOT ${isModerator} THEN 'frozen'`;
}

/** Of the actor, who finds the room by asSeenBy(). */
export const ACTOR: Speaker = { alias: "actors", isOwner: IS_OWNER, isModerator: IS_MODERATOR };

/** Until when, where the verdict says that a user is silenced. */
export const silenceColumns = ({ alias }: Speaker) => `${alias}.muted_until, rooms.frozen_until`;

/** Why a user was kept from sending, editing or reacting; nothing, if the verdict is another. */
export function silenceRefusal(judged: Rows[number]): ConnectError | undefined {
  switch (judged.verdict) {
    case "reader":
      return silenced("READER");
    case "muted":
      return silenced("MUTED", timestampFromMs(Number(judged.muted_until)));
    case "frozen":
      return silenced("FROZEN", timestampFromMs(Number(judged.frozen_until)));
    default:
      return undefined;
  }
}
