import type { Message } from "../../gen/chat_pb.ts";
import { dataCharacters } from "./struct-data.ts";

/** What a user's id takes, about, in characters. */
const ID_CHARACTERS = 16;

/** The characters of all that may be long in a message, about. */
export function messageCharacters({ body, data, mentionedUserIds, reactions }: Message): number {
  const ids = reactions.reduce((count, { userIds }) => count + userIds.length, mentionedUserIds.length);
  return body.length + dataCharacters(data) + ids * ID_CHARACTERS;
}
